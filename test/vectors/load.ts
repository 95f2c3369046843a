import { readFileSync } from 'node:fs';

/** Reads a file of this folder. The shape is the caller's word: a wrong one fails its cases. */
export function loadVectors<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')) as T;
}

/** Runs a case: what it gives, or the code (and `why`) of the error it throws. */
export function outcomeOf<T>(run: () => T): { value: T } | { code: unknown; why: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    return { code: error.code, why: 'why' in error ? error.why : undefined };
  }
}
