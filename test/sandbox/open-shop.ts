import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface OpenShop {
  readonly url: string;
  /** All that it printed up to the moment when it was open. */
  readonly printed: string;
  readonly process: ChildProcess;
}

/** The sandbox's shop as `npm start` opens it, on free ports. */
export function openShop(): Promise<OpenShop> {
  const start = fileURLToPath(new URL('../../packages/sandbox/src/start.ts', import.meta.url));
  const flags = ['--conditions=@spendcap/source', start, '--shop-only', '--port', '0'];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let printed = '';
    const read = (chunk: Buffer) => {
      printed += chunk;
      const url = /The shop is open: +(\S+).*Ctrl-C/s.exec(printed)?.[1];
      if (url !== undefined) resolve({ url, printed, process: child });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`the shop did not open:\n${printed}`)));
  });
}
