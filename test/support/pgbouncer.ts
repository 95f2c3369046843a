import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../packages/sandbox/src/spendcap-server.ts';
import { poolOf } from './postgres.ts';

/** The program; where it is not installed, prints a line, or throws where it is required. */
export function findPgbouncer(what: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
  if (found !== undefined) return found;
  if (process.env.SPENDCAP_REQUIRE_SERVICES === '1') throw new Error(`no pgbouncer: ${what}`);
  process.stderr.write(`SKIPPED, no pgbouncer on this machine: ${what}\n`);
  return null;
}

/**
 * A transaction-mode pooler with two connections to a server, replaced every five seconds: one that
 * has met a hundred schemas walks its plans of all of them whenever a table is made or dropped.
 */
export async function pgbouncer(program: string, server: string) {
  const { hostname, port, username, password, pathname } = new URL(server);
  const folder = mkdtempSync('/tmp/spendcap-pgbouncer-');
  const login = Object.entries({ host: hostname, port: port || '5432', user: username, password })
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}='${decodeURIComponent(value).replaceAll("'", "''")}'`);
  const own = await freePort(0);
  const settings = `[databases]
* = ${login.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
server_lifetime = 5
`;
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, settings);
  const as = nobody();
  if (as.uid !== undefined) chownSync(folder, as.uid, as.uid);
  const child = spawn(program, [file], { ...as, cwd: folder, stdio: 'ignore' });
  const stop = (): void => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `postgres://spendcap@127.0.0.1:${own}${pathname}`;
  for (let tries = 0; !(await answers(url)); tries += 1) {
    if (tries > 200) {
      stop();
      throw new Error('pgbouncer did not start');
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return { url, stop };
}

/** It refuses to be run by root. */
function nobody(): { readonly uid?: number } {
  if (userInfo().uid !== 0) return {};
  return { uid: Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' })) };
}

async function answers(url: string): Promise<boolean> {
  const pool = poolOf(url, { connectionTimeoutMillis: 1_000 });
  try {
    await pool.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await pool.end();
  }
}
