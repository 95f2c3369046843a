import { type AgeEvidence, SpendcapError } from '@spendcap/core';
import { expect } from 'vitest';

/** A player of this age, whose spending is counted apart from those of other ages. */
export function aged(age: number, at: number): AgeEvidence {
  return {
    subject: `subject-${age}`,
    statements: [{ kind: 'range', min: age, maxExclusive: age + 1, asOf: at }],
    kind: 'test',
    assurance: 'verified',
    expiresAt: at + 30 * 86_400_000,
  };
}

/** Narrows to the allowed answer, or fails the test. */
export function allowed<T extends { readonly allowed: boolean }>(
  answer: T,
): Extract<T, { readonly allowed: true }> {
  if (!answer.allowed) expect.fail(`refused: ${JSON.stringify(answer)}`);
  return answer as Extract<T, { readonly allowed: true }>;
}

/** What a call rejected with: the code of a SpendcapError, or the name of another error's class. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => expect.fail('did not reject'),
    (reason: unknown) => reason,
  );
  if (SpendcapError.isInstance(error)) return error.code;
  return error instanceof Error ? error.constructor.name : String(error);
}
