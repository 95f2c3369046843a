export { defineMessages, type OwnMessages } from './define.ts';
export { formatAmount } from './format.ts';
export type {
  Audience,
  LabelKey,
  Labels,
  MessageKey,
  Messages,
  RefusalKey,
  Status,
  Texts,
} from './messages.ts';
export type { ExplainOptions } from './options.ts';
export { type ExplainedRefusal, explainRefusal } from './refusal.ts';
export { explainStatus, statusOf } from './status.ts';
