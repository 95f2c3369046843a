import type { ProcessorTraits, Purchase } from '@spendcap/core';

/** False for a hold of another account of the processor: what this one says is not about it. */
export function isOfAccount(
  { account }: Pick<ProcessorTraits, 'account'>,
  { processorRef }: Purchase,
): boolean {
  return account === undefined || processorRef === null || processorRef === account;
}
