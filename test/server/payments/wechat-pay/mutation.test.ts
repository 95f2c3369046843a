import { describe, expect, it } from 'vitest';
import { mutantBytes, mutantTokens } from '../../../security/mutate.ts';
import { allowed, createWorld } from './wechat-kit.ts';

const HEADERS = ['timestamp', 'nonce', 'serial', 'signature'].map((name) => `wechatpay-${name}`);

async function paid() {
  const world = createWorld();
  allowed(await world.buy());
  world.fake.cashier.pay('order_1');
  const [notice] = world.fake.notices;
  if (notice === undefined) return expect.fail('no notification');
  const request = world.fake.notification(notice);
  const body = new Uint8Array(await request.arrayBuffer());
  const { headers, url } = request;
  const send = (changed: { readonly body?: Uint8Array<ArrayBuffer>; readonly headers?: Headers }) =>
    world.webhook(new Request(url, { method: 'POST', headers, body, ...changed }));
  return { ...world, headers, body, send, notice };
}

/** Those that a header can hold, which is printable and has no blanks at its ends. */
function* mutantHeaders(value: string): Generator<string> {
  for (const mutant of mutantTokens(value, { seed: 2, count: 5_000 })) {
    const header = mutant.replaceAll(/[^\x20-\x7e]/g, '~').trim();
    if (header !== value) yield header;
  }
}

/** How often each status was answered. */
async function tally<T>(mutants: Iterable<T>, send: (mutant: T) => Promise<Response>) {
  const counts = new Map<number, number>();
  for (const mutant of mutants) {
    const { status } = await send(mutant);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

describe('altered notifications', () => {
  it('are never accepted: 80,000 with other bytes, 20,000 with other headers', async () => {
    const { body, headers, send, purchase } = await paid();
    const bodies = mutantBytes(body, { seed: 1, count: 80_000 });
    expect(await tally(bodies, (mutant) => send({ body: Uint8Array.from(mutant) }))).toEqual({
      401: 80_000,
    });
    for (const name of HEADERS) {
      const value = headers.get(name) ?? '';
      const answers = await tally(mutantHeaders(value), (mutant) => {
        const changed = new Headers(headers);
        changed.set(name, mutant);
        return send({ headers: changed });
      });
      expect(Object.keys(answers)).toEqual(['401']);
      expect(answers[401]).toBeGreaterThan(4_000);
    }
    expect((await purchase()).state).toBe('reserved');
    expect((await send({})).status).toBe(204);
    expect((await purchase()).state).toBe('committed');
  }, 240_000);

  it('that are signed and sealed commit nothing but the held amount, without an error', async () => {
    const { fake, notice, webhook, purchase, engine } = await paid();
    const text = Buffer.from(JSON.stringify(notice.plaintext));
    const verdicts = new Map<string, number>();
    for (const mutant of mutantBytes(text, { seed: 3, count: 1_000 })) {
      const request = fake.notification(notice, { sealed: Buffer.from(mutant).toString('utf8') });
      const { status } = await webhook(request);
      verdicts.set(String(status), (verdicts.get(String(status)) ?? 0) + 1);
    }
    expect([...verdicts.keys()].toSorted()).toEqual(['204', '400', '401']);
    const { state, committed } = await purchase();
    expect(['reserved', 'committed']).toContain(state);
    if (state === 'committed') expect(committed).toBe('30.00');
    expect(engine.processor.name).toBe('wechat_pay');
  });
});
