import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Format, build as runEsbuild } from 'esbuild';
import { ROOT } from '../../scripts/packages.ts';
import { run } from '../../scripts/run.ts';

/** A user's shop: a player of 12 years, who may spend 100.00 CNY a day. */
const SHOP = `
  import { ageIssuer } from '@spendcap/sandbox';
  import { ageTokens, cnGame, createLimiter } from '@spendcap/server';
  import { sqliteStore } from '@spendcap/server/stores/sqlite';

  const age = { issuer: 'https://age.example', audience: 'https://shop.example' };
  const open = async () => {
    const authority = await ageIssuer(age);
    const limiter = createLimiter({
      policy: cnGame(),
      store: sqliteStore({ path: process.env.LEDGER ?? ':memory:' }),
      ageTokens: ageTokens({ issuers: [{ ...age, jwks: authority.jwks }] }),
    });
    return { limiter, ageToken: await authority.issue({ subject: 'player-12', age: 12 }) };
  };
  const shop = open();

  export async function buy(request) {
    const { limiter, ageToken } = await shop;
    const bought = await limiter.reserve({ ...(await request.json()), currency: 'CNY', ageToken });
    const codes = bought.allowed ? [] : bought.reasons.map(({ code }) => code);
    const status = bought.allowed ? 201 : 403;
    return Response.json({ allowed: bought.allowed, codes }, { status });
  }
  export const close = async () => (await shop).limiter.close();`;

const SERVER = `
  import { createServer } from 'node:http';
  import { toNode } from '@spendcap/server/adapters/node';
  import { buy, close } from './shop.js';

  const server = createServer(toNode(buy));
  const { PORT } = process.env;
  server.listen(PORT, '127.0.0.1', () => console.log('http://127.0.0.1:' + PORT));
  process.once('SIGTERM', () => server.close(close));`;

const ROUTE = `
  import { buy } from '../../shop.js';
  export const POST = buy;
  export const dynamic = 'force-dynamic';`;

/** A bundle of the shop, and the arguments of Node.js that start it. */
export interface Built {
  readonly folder: string;
  readonly args: readonly string[];
}

/** Writes the shop into a folder in which the packages are installed. */
export function writeShop(folder: string): void {
  mkdirSync(join(folder, 'app', 'buy'), { recursive: true });
  writeFileSync(join(folder, 'shop.js'), SHOP);
  writeFileSync(join(folder, 'server.js'), SERVER);
  writeFileSync(join(folder, 'app', 'buy', 'route.js'), ROUTE);
}

/** Bundles everything into one file, in a folder of its own as of a deployment. */
export async function esbuildBundle(consumer: string, to: string, format: Format): Promise<Built> {
  const file = join(to, format === 'esm' ? 'server.mjs' : 'server.cjs');
  await runEsbuild({
    ...{ entryPoints: [join(consumer, 'server.js')], outfile: file, format },
    ...{ bundle: true, platform: 'node', logLevel: 'error' },
  });
  return { folder: to, args: [file] };
}

/** `vite build --ssr`: everything in one file elsewhere, or the packages left in node_modules. */
export async function viteBundle(
  consumer: string,
  to: string,
  packages: 'bundled' | 'external',
): Promise<Built> {
  const folder = packages === 'bundled' ? to : join(consumer, 'dist');
  const config = join(consumer, 'vite.config.mjs');
  const ssr = packages === 'bundled' ? '{ noExternal: true }' : '{}';
  writeFileSync(config, `export default { ssr: ${ssr} };`);
  await must(consumer, 'vite', ['build', '--ssr', 'server.js', '--outDir', folder]);
  // A folder without package.json needs the name that says ESM.
  if (packages === 'bundled') cpSync(join(folder, 'server.js'), join(folder, 'server.mjs'));
  return { folder, args: [join(folder, packages === 'bundled' ? 'server.mjs' : 'server.js')] };
}

/** `next build`, standalone where that is moved to an empty folder; else served by `next start`. */
export async function nextBundle(
  consumer: string,
  to: string,
  how: { readonly config: string; readonly flags?: readonly string[] },
): Promise<Built> {
  const next = join(consumer, 'node_modules', 'next', 'dist', 'bin', 'next');
  writeFileSync(join(consumer, 'next.config.mjs'), `export default ${how.config};`);
  await must(consumer, 'node', [next, 'build', ...(how.flags ?? [])]);
  if (!how.config.includes('standalone')) {
    return { folder: consumer, args: [next, 'start', '--hostname', '127.0.0.1'] };
  }
  cpSync(join(consumer, '.next', 'standalone'), to, { recursive: true, verbatimSymlinks: true });
  return { folder: to, args: [join(to, 'server.js')] };
}

/** Runs a program that has to succeed. */
export async function must(cwd: string, command: string, args: readonly string[]): Promise<void> {
  const { ok, output } = await run(command, args, { cwd });
  if (!ok) throw new Error(`${command} ${args.join(' ')}\n${output}`);
}

/** What a shop responded, what it printed, and whether it ended when it was told to. */
export interface Served {
  readonly responses: readonly unknown[];
  readonly output: string;
  readonly hasStopped: boolean;
}

/** Starts a shop, buys three times for 48.00 and stops it. */
export async function serve({ folder, args }: Built, ledger: string): Promise<Served> {
  const node = join(ROOT, 'node_modules', '.bin', 'node');
  const address = `127.0.0.1:${await freePort()}`;
  const [HOSTNAME, PORT] = address.split(':');
  const env = { ...process.env, LEDGER: ledger, PORT, HOSTNAME };
  const child = spawn(node, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let output = '';
  const started = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += String(chunk);
      if (output.includes(address)) resolve();
    };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', read);
    void exited.then(() => reject(new Error(`The shop ended.\n${output}`)));
  });
  const responses: unknown[] = [];
  try {
    await started;
    for (const id of ['order-1', 'order-2', 'order-3']) {
      const body = JSON.stringify({ id, amount: '48.00' });
      const signal = AbortSignal.timeout(20_000);
      const response = await fetch(`http://${address}/buy`, { method: 'POST', body, signal });
      responses.push({ status: response.status, ...((await response.json()) as object) });
    }
  } finally {
    child.kill('SIGTERM');
  }
  const hasStopped = await Promise.race([exited.then(() => true), setTimeout(10_000, false)]);
  if (!hasStopped) child.kill('SIGKILL');
  return { responses, output, hasStopped };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
