import type { KeyLike } from 'node:crypto';
import type { State } from './state.ts';

/** What the HTTP sides need. */
export interface Site {
  readonly state: State;
  /** Public key of the merchant. */
  readonly merchantKey: KeyLike;
  /** Private key of Alipay. */
  readonly alipayKey: KeyLike;
  /** A private key that no merchant trusts, for forged messages. */
  readonly foreignKey: KeyLike;
}
