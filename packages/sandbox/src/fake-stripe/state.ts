import type { FormObject } from './form.ts';
import type {
  FakeCharge,
  FakeDispute,
  FakeEvent,
  FakeObject,
  FakePaymentIntent,
  FakeRefund,
  FakeSession,
} from './objects.ts';

/** The state of the fake. */
export interface State {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly paymentIntents: Map<string, FakePaymentIntent>;
  readonly charges: Map<string, FakeCharge>;
  readonly refunds: Map<string, FakeRefund>;
  readonly disputes: Map<string, FakeDispute>;
  readonly sessions: Map<string, FakeSession>;
  /** `payment_intent_data` of each session. */
  readonly intentData: Map<string, FormObject>;
  readonly prices: Map<string, { readonly unit_amount: number; readonly currency: string }>;
  readonly events: FakeEvent[];
  /** Called with each new event. */
  onEvent: (event: FakeEvent) => void;
  /** Initial status of new refunds. */
  refundStatus: 'succeeded' | 'pending';
  /** Number of the newest object. */
  serial: number;
  /** Key of the current request, for its events. */
  idempotencyKey: string | null;
}

export function newState(now: () => number): State {
  return {
    now,
    paymentIntents: new Map(),
    charges: new Map(),
    refunds: new Map(),
    disputes: new Map(),
    sessions: new Map(),
    intentData: new Map(),
    prices: new Map(),
    events: [],
    onEvent: () => undefined,
    refundStatus: 'succeeded',
    serial: 0,
    idempotencyKey: null,
  };
}

export function newId(state: State, prefix: string): string {
  state.serial += 1;
  return `${prefix}_fake${String(state.serial).padStart(8, '0')}`;
}

export function seconds(state: State): number {
  return Math.floor(state.now() / 1000);
}

export function emit(state: State, type: string, object: FakeObject): void {
  const event: FakeEvent = {
    id: newId(state, 'evt'),
    object: 'event',
    api_version: '2026-10-28.endive',
    created: seconds(state),
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: state.idempotencyKey },
    type,
    data: { object: structuredClone(object) },
  };
  state.events.push(event);
  state.onEvent(event);
}
