import { cnGame } from '@spendcap/core';
import { createLimiter } from '@spendcap/server';
import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../server/payments/engine-kit.ts';
import { anyStore } from '../support/any-store.ts';
import { type ProcessorEntry, purchaseIdOf } from '../support/processors/entry.ts';
import { DEVICE_STORES, PROCESSORS } from '../support/processors.ts';
import { randomNumbers } from '../support/random.ts';
import { mutantBytes } from './mutate.ts';

const COUNT = 100_000;
/** Of a body that nothing signs. */
const UNSIGNED = 2_000;
const START = Date.parse('2026-03-10T02:00:00Z');

/**
 * Two paid purchases whose notifications were not delivered, and a ledger that nobody may change.
 */
async function paid(entry: ProcessorEntry) {
  const now = () => START;
  const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now });
  const world = await entry.open({ now });
  const { start } = world.serve({ limiter, now });
  const ids = [1, 2].map((index) => purchaseIdOf(entry, index));
  for (const id of ids) {
    const spendcap = { id, evidence: evidenceOf() };
    await start({ spendcap, amount: '30.00', currency: 'CNY' });
    await world.pay(id);
  }
  const touched: string[] = [];
  const touch = (verb: string) => async () => {
    touched.push(verb);
    return Promise.reject(new Error(verb));
  };
  const watched = {
    ...limiter,
    ...{ get: touch('get'), commit: touch('commit'), release: touch('release') },
    ...{ refund: touch('refund'), reverseRefund: touch('reverse'), attach: touch('attach') },
  };
  const { processor, webhook } = world.serve({ limiter: watched, now });
  const notices = await Promise.all(
    world.notifications().map(async (request) => ({
      headers: new Headers(request.headers),
      body: new Uint8Array(await request.arrayBuffer()),
    })),
  );
  // As a shop has it, over a ledger that it may change.
  const open = world.serve({ limiter, now }).webhook;
  return { ids, limiter, notices, open, processor, touched, webhook };
}

type Notice = Awaited<ReturnType<typeof paid>>['notices'][number];

/** The letters and digits of a signature, of a time or of a serial number. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/';
const SIGNED = /signature|timestamp|nonce|serial|authorization/i;

/** The same notification with one letter of its signed headers changed, or the end cut off. */
function withMutantHeader({ headers, body }: Notice, random: () => number): Notice {
  const below = (count: number) => Math.floor(random() * count);
  const names = [...headers.keys()].filter((name) => SIGNED.test(name));
  const name = names[below(names.length)];
  if (name === undefined) return { headers, body: body.subarray(1) };
  const value = headers.get(name) ?? '';
  const at = below(value.length);
  const letter = LETTERS[below(LETTERS.length)] ?? '';
  const isCut = random() < 0.1 && at > 0;
  const mutant = isCut ? value.slice(0, at) : value.slice(0, at) + letter + value.slice(at + 1);
  const changed = new Headers(headers);
  changed.set(name, mutant);
  return changed.get(name) === value
    ? withMutantHeader({ headers, body }, random)
    : { headers: changed, body };
}

/** Equal as far as a form is concerned: `%2b` and `%2B` say the same. */
function isSameForm({ headers }: Notice, some: Uint8Array, other: Uint8Array): boolean {
  if (!(headers.get('content-type') ?? '').includes('form')) return false;
  const [one, two] = [some, other].map((bytes) => {
    const fields = new URLSearchParams(Buffer.from(bytes).toString('utf8'));
    // An empty field is not signed.
    return JSON.stringify([...fields].filter(([, value]) => value !== '').toSorted());
  });
  return one === two;
}

/** Equal in what is signed, where not all of a body is. */
function isSameSigned({ signedPart }: ProcessorEntry, some: Uint8Array, other: Uint8Array) {
  if (signedPart === undefined) return false;
  const [one, two] = [some, other].map((bytes) => signedPart(Buffer.from(bytes).toString('utf8')));
  return one === two;
}

interface Altering {
  readonly entry: ProcessorEntry;
  readonly notices: readonly Notice[];
}

function* withMutantBodies({ entry, notices }: Altering, total: number): Generator<Notice> {
  const count = Math.ceil(total / notices.length);
  for (const [seed, notice] of notices.entries()) {
    for (const bytes of mutantBytes(notice.body, { seed, count })) {
      const isSame =
        isSameForm(notice, bytes, notice.body) || isSameSigned(entry, bytes, notice.body);
      if (!isSame) yield { ...notice, body: Uint8Array.from(bytes) };
    }
  }
}

/** @param isHint its headers prove who sent it, and nothing signs what it says */
function* mutants(altering: Altering, isHint: boolean): Generator<Notice> {
  const { notices } = altering;
  const random = randomNumbers(7);
  if (!isHint) yield* withMutantBodies(altering, COUNT * 0.7);
  const each = (COUNT * (isHint ? 1 : 0.3)) / notices.length;
  for (const notice of notices) {
    for (let made = 0; made < each; made += 1) yield withMutantHeader(notice, random);
    if (isHint) continue;
    for (const other of notices) {
      const isOther = !Buffer.from(other.body).equals(notice.body);
      const isSigned = [...notice.headers.keys()].some((name) => SIGNED.test(name));
      if (isOther && isSigned) yield { headers: other.headers, body: notice.body };
    }
  }
}

describe.each([...PROCESSORS, ...DEVICE_STORES])('$name', (entry) => {
  it(`accepts none of ${COUNT} altered notifications, and looks nothing up for them`, async () => {
    const { ids, limiter, notices, processor, touched, webhook } = await paid(entry);
    expect(notices.length).toBeGreaterThan(1);
    const expected = new Set(
      (['forged', 'refused', 'too_large'] as const).map(
        (result) => processor.notifications?.reply(result).status,
      ),
    );
    const statuses = new Map<number, number>();
    let count = 0;
    const isHint = processor.notifications?.isHint ?? false;
    for (const { headers, body } of mutants({ entry, notices }, isHint)) {
      const sent = new Request('https://shop.example/notices', {
        ...{ method: 'POST', headers, body: Uint8Array.from(body) },
      });
      const { status } = await webhook(sent);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      count += 1;
    }
    console.log(`${count} mutants: ${JSON.stringify([...statuses])}`);
    expect(count).toBeGreaterThan(COUNT * 0.9);
    expect([...statuses.keys()].filter((status) => !expected.has(status))).toEqual([]);
    expect(touched).toEqual([]);
    for (const id of ids) expect((await limiter.get(id))?.state).toBe('reserved');
  }, 240_000);

  it(`believes nothing of ${UNSIGNED} bodies, if nothing signs them`, async () => {
    const { ids, limiter, notices, open, processor } = await paid(entry);
    if (processor.notifications?.isHint !== true) return;
    const known = processor.notifications.reply('settled').status;
    let read = 0;
    for (const { headers, body } of withMutantBodies({ entry, notices }, UNSIGNED)) {
      const sent = new Request('https://shop.example/notices', {
        ...{ method: 'POST', headers, body: Uint8Array.from(body) },
      });
      if ((await open(sent)).status === known) read += 1;
    }
    expect(read).toBeGreaterThan(0);
    for (const id of ids) {
      const purchase = await limiter.get(id);
      expect([purchase?.late, purchase?.refunded]).toEqual([false, '0.00']);
      if (purchase?.state !== 'reserved') expect(purchase?.committed).toBe('30.00');
    }
    const { limits } = await limiter.allowance({ evidence: evidenceOf() });
    expect(limits.find(({ period }) => period === 'month')?.used).toBe('60.00');
  }, 60_000);
});
