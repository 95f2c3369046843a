import { afterEach, beforeEach, vi } from 'vitest';
import type { Output } from './leaks.ts';

/** Catches all that is printed during a test, by whatever means. */
export function capturePrinted(): () => readonly Output[] {
  let printed: Output[] = [];
  beforeEach(() => {
    printed = [];
    const print = (where: string) => (text: unknown) => {
      const bytes = Buffer.from(typeof text === 'string' ? text : JSON.stringify(text));
      printed.push({ where, bytes });
      return true;
    };
    vi.spyOn(process.stdout, 'write').mockImplementation(print('stdout'));
    vi.spyOn(process.stderr, 'write').mockImplementation(print('stderr'));
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...said) => {
        print(`console.${method}`)(said);
      });
    }
    vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
      print('warning')(String(warning));
    });
  });
  afterEach(() => vi.restoreAllMocks());
  return () => printed;
}
