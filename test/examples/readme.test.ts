import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';

// The README's shop, as it is except the port and the name by which a version is installed.
const blocks = readFileSync(join(ROOT, 'README.md'), 'utf8').split(/^```ts\n|^```\n/m);
const shop = blocks.find((block) => block.includes('app.listen')) ?? '';
const LISTEN = `const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

describe.each(['express', 'express-4'])("the README's shop on %s", (express) => {
  let folder = '';
  let program: ChildProcess;
  let url = '';

  beforeAll(async () => {
    const cache = join(ROOT, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, 'readme-'));
    // Node.js strips no types inside node_modules.
    const source = stripTypeScriptTypes(shop.replace('app.listen(3000);', LISTEN)).replace(
      "from 'express'",
      `from '${express}'`,
    );
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

  it('responds to errors in JSON, without a stack trace, and goes on', async () => {
    const forged = JSON.stringify({ orderId: 'o1', ageToken: 'abc' });
    const problem = (status: number, code: string, detail: unknown = expect.any(String)) => [
      status,
      expect.objectContaining({ type: `urn:spendcap:problem:${code}`, status, code, detail }),
    ];
    expect(await buy(forged)).toEqual(problem(422, 'age_token_invalid'));
    expect(await buy()).toEqual(problem(400, 'invalid_request'));
    expect(await buy('{}')).toEqual(problem(400, 'invalid_request'));
    const unread = 'The body of the request could not be read.';
    expect(await buy('{"orderId":')).toEqual(problem(400, 'invalid_request', unread));
    const large = JSON.stringify({ orderId: 'x'.repeat(200_000) });
    expect(await buy(large)).toEqual(problem(413, 'payload_too_large', unread));
  });

  it('refuses a buyer of unknown age, and lists the reasons', async () => {
    const [status, answer] = (await buy('{"orderId":"o1"}')) as [number, object];
    expect([status, answer]).toMatchObject([403, { reasons: [{ code: 'age_unverified' }] }]);
  });
});
