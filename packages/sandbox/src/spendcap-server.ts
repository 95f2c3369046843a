import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface ServerOptions {
  readonly port: number;
  /** A built-in policy's id, or a file. */
  readonly policy: string;
  /** The value of `--store`. */
  readonly store: string;
  readonly age: { readonly issuer: string; readonly audience: string; readonly jwksFile: string };
  readonly secrets: {
    readonly apiKey: string;
    readonly subjectKey: string;
    readonly permitKey: string;
  };
}

export interface RunningServer {
  readonly url: string;
  /** SIGTERM; waits until the server has drained. */
  stop(): Promise<void>;
  /** SIGKILL: ends the process immediately, as in a crash. */
  crash(): Promise<void>;
}

const READY = /spendcap listening on (http\S+)/;
const START_TIMEOUT_MS = 30_000;

/**
 * Starts `spendcap serve` as a separate process and waits until it listens.
 *
 * @throws Error with its output, if it exits or does not listen in time
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { age, secrets } = options;
  const server = import.meta.resolve('@spendcap/server');
  // `.ts` if running from the sources, `.js` if running from a build.
  const cli = new URL(`./cli/main${server.slice(server.lastIndexOf('.'))}`, server);
  const command = [...process.execArgv, fileURLToPath(cli), 'serve'];
  const flags = {
    '--port': String(options.port),
    '--policy': options.policy,
    '--store': options.store,
    '--age-issuer': age.issuer,
    '--age-jwks': age.jwksFile,
    '--age-audience': age.audience,
  };
  const child = spawn(process.execPath, [...command, ...Object.entries(flags).flat()], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      SPENDCAP_API_KEYS: secrets.apiKey,
      SPENDCAP_SUBJECT_KEY: secrets.subjectKey,
      SPENDCAP_PERMIT_KEY: secrets.permitKey,
    },
  });
  const killWithUs = () => child.kill('SIGKILL');
  // Before other listeners, so that no files are removed while the server is running.
  process.prependOnceListener('exit', killWithUs);
  child.once('exit', () => process.removeListener('exit', killWithUs));
  return { url: await untilReady(child), stop: () => end('SIGTERM'), crash: () => end('SIGKILL') };

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

function untilReady(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = () => {
      child.kill('SIGKILL');
      reject(new Error(`spendcap serve did not start:\n${printed}`));
    };
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    child.once('error', fail);
    child.once('exit', fail);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        printed = (printed + chunk).slice(-8192);
        const url = READY.exec(printed)?.[1];
        if (url === undefined) return;
        clearTimeout(timer);
        child.removeListener('exit', fail);
        resolve(url);
      });
    }
  });
}

/** The wanted port if it is free, otherwise any free port. */
export async function freePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const probe = createServer();
    const listening = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!listening) continue;
    const address = probe.address();
    await new Promise((resolve) => probe.close(resolve));
    if (typeof address === 'object' && address !== null) return address.port;
  }
  throw new Error('no free port');
}
