import { checkFields, type OptionNames } from '@spendcap/core';
import type { Player } from '../limiter/types.ts';

/** The purchase of a guarded call that starts a charge: its amount is taken from the call. */
export interface PurchaseContext extends Player {
  /** Generate and store it before the call: a retry with it never charges twice. */
  readonly id: string;
  readonly category?: string;
  readonly app?: string;
  readonly product?: string;
  readonly guardianApproval?: string;
  /** Lifetime of the hold. */
  readonly expiresInSeconds?: number;
}

/** The names of its fields, for `purchaseContextOf`. */
export const PURCHASE_CONTEXT: OptionNames<PurchaseContext> = {
  id: true,
  category: true,
  app: true,
  product: true,
  guardianApproval: true,
  expiresInSeconds: true,
  ageToken: true,
  proof: true,
  evidence: true,
};

/**
 * The purchase context of a call's options, before anything is held.
 *
 * @throws TypeError without one, SpendcapError `invalid_request` for an unknown field
 */
export function purchaseContextOf<T extends PurchaseContext>(
  options: { readonly spendcap?: T } | undefined,
  names: OptionNames<T>,
): T {
  const context = options?.spendcap;
  if (context === undefined) throw new TypeError('options.spendcap: required');
  checkFields(context, names, 'spendcap');
  return context;
}
