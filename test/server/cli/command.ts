import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The command's own file. */
export const MAIN = fileURLToPath(
  new URL('../../../packages/server/src/cli/main.ts', import.meta.url),
);

export interface CommandOptions {
  /** The only variables, besides PATH and the cache of compiled sources. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts `spendcap` from the sources. */
export function startCommand(args: readonly string[], { cwd, env = {} }: CommandOptions = {}) {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, ['--conditions=@spendcap/source', MAIN, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH, NODE_COMPILE_CACHE, ...env },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  return { child, output };
}

/** Runs `spendcap` to its end. */
export async function runCommand(args: readonly string[], options: CommandOptions = {}) {
  const { child, output } = startCommand(args, options);
  const [code] = await once(child, 'close');
  return { code: code as number | null, ...output };
}
