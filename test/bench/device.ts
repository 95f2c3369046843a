import { randomUUID } from 'node:crypto';
import { type FakeAppNotice, fakeAppStore } from '@spendcap/sandbox';
import { reconcile } from '@spendcap/server/payments';
import { type AppleApi, appleProcessor, guardApple } from '@spendcap/server/payments/apple';
import { memoryStore } from '@spendcap/server/stores/memory';
import { clientOver, onlineVerifierOf } from '../support/app-store-client.ts';
import { evidenceOf, limiterOn } from './fixtures.ts';
import { type Comparison, inFlight, SUBJECTS } from './harness.ts';
import { watchHeap } from './memory.ts';

/** Transactions of a round, and the rounds, the first one to warm up included. */
const COUNT = 1_000;
const ROUNDS = 8;

const NOTICES = 100_000;
/** As many as Apple lists at a time. */
const PAGE = 20;

function appStore() {
  const gems = { type: 'Consumable', price: 1_000, currency: 'CNY' } as const;
  const fake = fakeAppStore({ environment: 'Production', products: { gems } });
  const { bundleId, environment } = fake;
  const limiter = limiterOn(memoryStore());
  // As in production: a chain that was verified is remembered.
  const verifier = onlineVerifierOf(fake);
  const processorOver = (api: AppleApi) => appleProcessor({ verifier, api, bundleId, environment });
  const processor = processorOver(clientOver(fake));
  const guard = guardApple({ processor, limiter });
  return {
    ...{ fake, guard, limiter, processorOver, verifier },
    /** Begins purchases and buys them, without a word to the app's server. */
    async buy(count: number): Promise<readonly string[]> {
      const bought: string[] = [];
      for (let index = 0; index < count; index += 1) {
        const id = randomUUID();
        const evidence = evidenceOf(`sub_${index % SUBJECTS}`);
        const { allowed } = await guard.begin({ id, evidence, amount: '1.00', currency: 'CNY' });
        if (!allowed) throw new Error('refused');
        bought.push(fake.buy({ productId: 'gems', appAccountToken: id }).transactionId);
      }
      return bought;
    },
  };
}

/** A transaction that is confirmed and committed beside the verification of its signature alone. */
export async function appleConfirmComparison(): Promise<Comparison> {
  const { buy, fake, guard, limiter, verifier } = appStore();
  const signed = (await buy(COUNT * ROUNDS)).map((id) => fake.signedTransaction(id));
  const textOf = (index: number) => signed[index % signed.length] ?? '';
  let confirmed = 0;
  const confirm = async () => {
    confirmed += 1;
    const { wasHeld } = await guard.confirm(textOf(confirmed - 1));
    if (!wasHeld) throw new Error('not held');
  };
  const verify = (index: number) => verifier.verifyAndDecodeTransaction(textOf(index));
  return {
    work: "Apple's transaction confirmed and committed, memory store",
    ours: { name: 'confirm', run: (count) => inFlight(count, confirm) },
    beside: { name: 'verifyAndDecodeTransaction', run: (count) => inFlight(count, verify) },
    atLeast: 0.6,
    count: COUNT,
    close: () => limiter.close(),
  };
}

/** What a backlog of 100,000 notifications takes: a hundred about each of a thousand purchases. */
export async function backlogTable(): Promise<Record<string, string>> {
  const { buy, fake, limiter, processorOver } = appStore();
  await buy(NOTICES / 100);
  const payloadOf = async (notice: FakeAppNotice): Promise<string> =>
    JSON.parse(await fake.notification(notice).text()).signedPayload;
  const signed = await Promise.all(fake.notices.map(payloadOf));
  const watch = watchHeap();
  let listed = 0;
  const api: AppleApi = Object.assign(clientOver(fake), {
    async getNotificationHistory() {
      const notificationHistory = Array.from({ length: PAGE }, (_, index) => ({
        signedPayload: signed[(listed + index) % signed.length] ?? '',
      }));
      listed += PAGE;
      if (listed % 10_000 === 0) watch.sample();
      return { notificationHistory, hasMore: listed < NOTICES, paginationToken: String(listed) };
    },
  });
  const begin = performance.now();
  const { committed, failed } = await reconcile({ processor: processorOver(api), limiter });
  const seconds = (performance.now() - begin) / 1_000;
  if (committed !== NOTICES || failed !== 0)
    throw new Error(`${committed} of ${listed}, ${failed}`);
  const rows = watch.rows();
  await limiter.close();
  return {
    'notifications per second': Math.round(NOTICES / seconds).toLocaleString('en-US'),
    ...rows,
  };
}
