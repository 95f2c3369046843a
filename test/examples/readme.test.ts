import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';

// The README's shop and its error handler, as they are but for the port.
const blocks = readFileSync(join(ROOT, 'README.md'), 'utf8').split(/^```ts\n|^```\n/m);
const shop = blocks.find((block) => block.includes('app.listen')) ?? '';
const handler = blocks.find((block) => block.includes('const onError')) ?? '';
const LISTEN = `app.use(onError);
const server = app.listen(0, '127.0.0.1', () => console.log(Object(server.address()).port));`;

let folder = '';
let program: ChildProcess;
let url = '';

beforeAll(async () => {
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'readme-'));
  // Node.js strips no types inside node_modules.
  const source = stripTypeScriptTypes(handler + shop.replace('app.listen(3000);', LISTEN));
  writeFileSync(join(folder, 'main.mjs'), source);
  const secret = 'an-example-secret-of-a-test';
  program = spawn('node', ['--conditions=@spendcap/source', 'main.mjs'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, STRIPE_KEY: secret, WEBHOOK_SECRET: secret, SUBJECT_KEY: secret },
  });
  if (program.stdout === null) throw new Error('no output');
  const [port] = await once(createInterface(program.stdout), 'line');
  url = `http://127.0.0.1:${port}`;
}, 60_000);

afterAll(async () => {
  program.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Status and JSON of an answer to `POST /buy`. */
async function buy(body?: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const init = body === undefined ? {} : { headers, body };
  const response = await fetch(`${url}/buy`, { method: 'POST', ...init });
  return [response.status, await response.json()];
}

describe("the README's shop", () => {
  it('responds to errors in JSON, without a stack trace, and goes on', async () => {
    const forged = JSON.stringify({ orderId: 'o1', ageToken: 'abc' });
    expect(await buy(forged)).toEqual([422, { code: 'age_token_invalid' }]);
    expect(await buy()).toEqual([400, { code: 'invalid_request' }]);
    expect(await buy('{}')).toEqual([400, { code: 'invalid_request' }]);
    expect(await buy('{"orderId":')).toEqual([400, { code: 'error' }]);
  });

  it('refuses a buyer of unknown age, and lists the reasons', async () => {
    const [status, answer] = (await buy('{"orderId":"o1"}')) as [number, object];
    expect([status, answer]).toMatchObject([403, { reasons: [{ code: 'age_unverified' }] }]);
  });
});
