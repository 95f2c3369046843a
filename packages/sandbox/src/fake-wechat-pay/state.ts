import { randomUUID } from 'node:crypto';
import type { PlatformKey } from './keys.ts';
import type { FakeWechatNotice, FakeWechatOrder, FakeWechatRefund, JsonObject } from './objects.ts';
import { chinaTime } from './wire.ts';

/** The state of the fake. */
export interface State {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly mchId: string;
  readonly appId: string;
  readonly apiV3Key: string;
  readonly orders: Map<string, FakeWechatOrder>;
  /** The parameters that made each order. */
  readonly parameters: Map<string, string>;
  readonly refunds: Map<string, FakeWechatRefund>;
  readonly notices: FakeWechatNotice[];
  /** Platform certificates, the newest last. */
  readonly certificates: PlatformKey[];
  readonly publicKey: PlatformKey;
  /** Number of the newest object. */
  serial: number;
}

export function newNumber(state: State, prefix: string, digits: number): string {
  state.serial += 1;
  return prefix + String(state.serial).padStart(digits, '0');
}

export function emit(
  state: State,
  { event_type, notify_url }: Pick<FakeWechatNotice, 'event_type' | 'notify_url'>,
  plaintext: JsonObject,
): void {
  const id = `EV-${randomUUID()}`;
  const create_time = chinaTime(state.now());
  state.notices.push({ id, create_time, event_type, notify_url, plaintext });
}
