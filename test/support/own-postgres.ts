import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../packages/sandbox/src/spendcap-server.ts';
import { atEnd } from './at-end.ts';

/** A server that a test starts, stops in every way, and starts again on the same port and files. */
export interface OwnPostgres {
  readonly url: string;
  start(): Promise<void>;
  /** As `pg_ctl stop` does in that mode, or by `kill -9` of the server process. */
  stop(how: 'fast' | 'immediate' | 'kill'): Promise<void>;
}

/** Programs of one PostgreSQL version. */
export interface PostgresPrograms {
  readonly version: string;
  readonly folder: string;
}

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const;
const START_TIMEOUT_MS = 30_000;

/** Each version that is installed here. Without one, prints a line, or throws where required. */
export function findPrograms(what: string): readonly PostgresPrograms[] {
  const standard = [
    '/usr/lib/postgresql/*/bin',
    '/usr/pgsql-*/bin',
    '/opt/homebrew/opt/postgresql*/bin',
  ];
  const folders = [...globSync(standard), ...(process.env.PATH ?? '').split(delimiter)];
  const found = new Map<string, PostgresPrograms>();
  for (const folder of folders) {
    if (!['initdb', 'postgres'].every((name) => existsSync(join(folder, name)))) continue;
    const output = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' });
    const version = /\d+(\.\d+)?/.exec(output)?.[0] ?? output.trim();
    if (!found.has(version)) found.set(version, { version, folder });
  }
  if (found.size > 0) return [...found.values()];
  if (process.env.SPENDCAP_REQUIRE_SERVICES === '1') throw new Error(`no initdb: ${what}`);
  process.stderr.write(`SKIPPED, no PostgreSQL programs on this machine: ${what}\n`);
  return [];
}

/** The user that runs it: PostgreSQL refuses to be run by root. */
function runner(): { readonly uid?: number; readonly gid?: number } {
  if (userInfo().uid !== 0) return {};
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }).trim());
  return { uid: id('-u'), gid: id('-g') };
}

export async function ownPostgres({ folder: programs }: PostgresPrograms): Promise<OwnPostgres> {
  const as = runner();
  const folder = mkdtempSync('/tmp/spendcap-postgres-');
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid ?? as.uid);
  const data = join(folder, 'data');
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'];
  execFileSync(join(programs, 'initdb'), init, { ...as, cwd: folder, stdio: 'ignore' });
  const port = await freePort(0);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'shared_buffers=32MB',
  ];
  const command = ['-D', data, '-p', String(port), ...settings.flatMap((text) => ['-c', text])];
  let child: ReturnType<typeof spawn> | undefined;
  atEnd(() => {
    child?.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  const isRunning = () =>
    child !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    url,
    async start() {
      for (const begun = performance.now(); !(await answers(url)); ) {
        if (performance.now() - begun > START_TIMEOUT_MS) throw new Error('postgres did not start');
        // It does not start while a process of the killed server is still there.
        if (!isRunning()) {
          child = spawn(join(programs, 'postgres'), command, {
            ...as,
            cwd: folder,
            stdio: 'ignore',
          });
          child.unref();
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop(how) {
      if (child === undefined || !isRunning()) return;
      child.ref();
      const exited = once(child, 'exit');
      child.kill(SIGNALS[how]);
      await exited;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
