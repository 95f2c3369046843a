import { SpendcapError } from '@spendcap/core';

/** `done`, or the code of the SpendcapError that a call rejects with, or another error as text. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: unknown) => (SpendcapError.isInstance(error) ? error.code : `no coded error: ${error}`),
  );
}
