import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { ROOT } from './packages.ts';

export interface RunResult {
  readonly ok: boolean;
  /** Standard output and standard error, interleaved. */
  readonly output: string;
}

/**
 * Runs a program until it exits. node_modules/.bin is first in PATH, so `node` is the pinned one.
 */
export function run(
  command: string,
  args: readonly string[],
  { cwd = ROOT }: { readonly cwd?: string } = {},
): Promise<RunResult> {
  const path = join(ROOT, 'node_modules', '.bin') + delimiter + (process.env.PATH ?? '');
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve({ ok: false, output: `${output}${error.message}\n` }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}
