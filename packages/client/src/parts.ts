import type { keepCurrent } from './current.ts';
import type { createRequests } from './requests.ts';
import type { createState } from './state.ts';

/** What the verbs of one client share. */
export interface Parts {
  readonly requests: ReturnType<typeof createRequests>;
  readonly state: ReturnType<typeof createState>;
  readonly current: ReturnType<typeof keepCurrent>;
}
