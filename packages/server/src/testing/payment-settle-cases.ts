import assert from 'node:assert/strict';
import { type Processor, parseMoney, SpendcapError } from '@spendcap/core';
import { processorWebhook, reconcile } from '../payments/index.ts';
import { evidenceAt, type PaymentCase, shopOf } from './payment-kit.ts';

const settling: readonly PaymentCase[] = [
  {
    name: 'what is paid is committed by its notification, delivered once or more',
    async run(setup) {
      const { buy, deliver, problems, purchase, used } = shopOf(setup);
      await buy();
      await setup.world.pay(setup.id);
      await deliver();
      await deliver();
      const { state, committed, late } = await purchase();
      assert.deepEqual([state, Number(committed), late], ['committed', 30, false]);
      assert.equal(Number(await used()), 30);
      assert.deepEqual(problems, []);
    },
  },
  {
    name: 'two players pay and are refunded in full, each for a purchase of their own',
    async run(setup) {
      const { clock, currency, world } = setup;
      const { buy, deliver, purchase } = shopOf(setup);
      const [mine, other] = [setup.id, setup.otherId];
      const amounts = { [mine]: '30', [other]: '20' };
      await buy(mine, '30');
      const evidence = evidenceAt(clock.at, 'another');
      await world.start({ id: other, amount: '20', evidence });
      await world.pay(other);
      await world.pay(mine);
      if (world.refund !== undefined) {
        for (const [id, amount] of Object.entries(amounts)) await world.refund(id, { amount });
      }
      await deliver();
      for (const [id, amount] of Object.entries(amounts)) {
        const { committed, refunded } = await purchase(id);
        const back = world.refund === undefined ? '0' : amount;
        const minor = (text: string) => parseMoney(text, currency);
        assert.deepEqual([committed, refunded].map(minor), [amount, back].map(minor), id);
      }
    },
  },
  {
    name: 'without any notification the reconciler comes to the same',
    async run(setup) {
      const { buy, isListed, purchase, reconcile, toReconcile } = shopOf(setup);
      if (!isListed) return;
      await buy();
      await setup.world.pay(setup.id);
      await toReconcile();
      const { committed } = await reconcile();
      assert.equal(committed, 1);
      assert.deepEqual([(await purchase()).state, (await purchase()).late], ['committed', false]);
    },
  },
  {
    name: 'what is never paid ends, and cannot be paid any more, or is late',
    async run(setup) {
      const { world } = setup;
      const { buy, deliver, isOnDevice, purchase, reconcileUntilEnded, toExpiry, used } =
        shopOf(setup);
      await buy();
      await toExpiry();
      await reconcileUntilEnded();
      const ended = isOnDevice ? 'expired' : 'released';
      assert.equal((await purchase()).state, ended);
      assert.equal(Number(await used()), 0);
      const attempt = await world.pay(setup.id).then(
        () => 'paid',
        () => 'not possible',
      );
      await deliver();
      const { traits } = world.processor;
      const staysPayable = traits.startedBy === 'device' || traits.release === 'none';
      const { state, late } = await purchase();
      assert.deepEqual(
        [attempt, state, late],
        staysPayable ? ['paid', 'committed', true] : ['not possible', 'released', false],
      );
    },
  },
  {
    name: 'a payment while the reconciler closes is committed or impossible, never lost',
    async run(setup) {
      const { world } = setup;
      const { processor } = world;
      if (!('close' in processor)) return;
      const { buy, deliver, engine, purchase, reconcileUntilEnded, toExpiry } = shopOf(setup);
      await buy();
      await toExpiry();
      let paid = false;
      const close: typeof processor.close = async (held) => {
        paid = await world.pay(setup.id).then(
          () => true,
          () => false,
        );
        return processor.close(held);
      };
      await reconcile({ ...engine, processor: { ...processor, close } });
      await deliver();
      await reconcileUntilEnded();
      assert.equal((await purchase()).state, paid ? 'committed' : 'released');
    },
  },
  {
    name: 'holds of another processor, or of none, are left alone',
    async run(setup) {
      const { limiter, clock, currency } = setup;
      const { buy, isListed, purchase, reconcile, toExpiry } = shopOf(setup);
      const evidence = evidenceAt(clock.at, 'another');
      const held = { evidence, amount: '1', currency, onExpiry: 'reconcile' } as const;
      for (let index = 0; index < 120; index += 1) {
        const foreign = index % 2 === 0 ? {} : { processor: 'another_pay' };
        await limiter.reserve({ ...held, ...foreign, id: `other-${index}`, expiresInSeconds: 10 });
      }
      await buy();
      await setup.world.pay(setup.id);
      await toExpiry();
      const { committed } = await reconcile();
      assert.ok(committed === 1 || !isListed);
      assert.equal((await purchase('other-0')).state, 'reserved');
      assert.equal((await purchase('other-1')).state, 'reserved');
    },
  },
];

const refunding: readonly PaymentCase[] = [
  {
    name: 'payment and refunds reach the same ledger in every order, and twice',
    async run(setup) {
      const { world } = setup;
      if (world.refund === undefined) return;
      const { buy, deliver, purchase, used } = shopOf(setup);
      const parts = world.processor.traits.refunds === 'partial' ? ['10', '5'] : ['30'];
      await buy();
      await world.pay(setup.id);
      for (const amount of parts) await world.refund(setup.id, { amount });
      const refunded = parts.reduce((sum, part) => sum + Number(part), 0);
      for (const order of [
        (all: readonly Request[]) => all.toReversed(),
        (all: readonly Request[]) => all,
        (all: readonly Request[]) => [...all.slice(1), ...all.slice(0, 1)],
      ]) {
        await deliver(order);
        assert.equal(Number((await purchase()).committed), 30);
        assert.equal(Number((await purchase()).refunded), refunded);
        assert.equal(Number(await used()), 30 - refunded);
      }
    },
  },
  {
    name: 'a refund is found by the reconciler if the payment was not settled before',
    async run(setup) {
      const { world } = setup;
      const { traits } = world.processor;
      const isListed = traits.startedBy === 'device' || traits.queriesRefunds !== false;
      if (world.refund === undefined || !isListed) return;
      const { buy, purchase, reconcile, toReconcile } = shopOf(setup);
      await buy();
      await world.pay(setup.id);
      await world.refund(setup.id, { amount: '30' });
      await toReconcile();
      await reconcile();
      assert.equal(Number((await purchase()).committed), 30);
      assert.equal(Number((await purchase()).refunded), 30);
    },
  },
];

const hostile: readonly PaymentCase[] = [
  {
    name: 'an altered, truncated or oversized notification changes nothing',
    async run(setup) {
      const { world } = setup;
      const { buy, purchase, webhook } = shopOf(setup);
      const { isHint = false, maxBytes = 0 } = world.processor.notifications ?? {};
      await buy();
      await world.pay(setup.id);
      const attempts: ((body: string) => string)[] = [
        // The last digit: some envelopes begin with a time that is not signed.
        (body) => body.replace(/[0-9](?=[^0-9]*$)/, (digit) => String((Number(digit) + 1) % 10)),
        (body) => body.slice(0, -1),
        () => '',
        (body) => body + 'x'.repeat(maxBytes),
      ];
      for (const change of attempts) {
        for (const request of world.notifications()) {
          const body = change(await request.clone().text());
          const { status } = await webhook(new Request(request, { body }));
          assert.ok(status >= 200 && status < 600);
        }
        // A hint may still lead to the truth, and to nothing else.
        const { state, committed } = await purchase();
        assert.ok(state === 'reserved' || (isHint && Number(committed) === 30));
      }
      assert.equal((await webhook(new Request('https://shop.example/'))).status, 405);
    },
  },
  {
    name: "another account of the processor leaves this one's hold alone",
    async run(setup) {
      const { clock, limiter, world } = setup;
      const { processor } = world;
      if (processor.traits.startedBy === 'device' || processor.traits.account === undefined) return;
      const { buy, engine, purchase, toExpiry } = shopOf(setup);
      await buy();
      await world.pay(setup.id);
      const traits = { ...processor.traits, account: 'another_account' };
      const silent = () => assert.fail('another account was called');
      const other = { ...processor, traits, close: silent, query: silent } as Processor;
      const webhook = processorWebhook({ ...engine, processor: other });
      for (const request of world.notifications()) await webhook(request);
      assert.equal((await purchase()).state, 'reserved');
      await toExpiry();
      const counts = await reconcile({ limiter, processor: other, now: () => clock.at });
      assert.deepEqual([counts.open, counts.failed], [1, 0]);
      assert.equal((await purchase()).state, 'reserved');
    },
  },
  {
    name: 'a notification is retried while the ledger is unavailable, and settled after that',
    async run(setup) {
      const { limiter, world } = setup;
      const { buy, engine, purchase, deliver } = shopOf(setup);
      await buy();
      await world.pay(setup.id);
      const away = () => Promise.reject(new SpendcapError('store_unavailable', 'Away.'));
      const broken = processorWebhook({
        ...engine,
        limiter: { ...limiter, get: away, commit: away },
      });
      const retried = world.processor.notifications?.reply('retry').status;
      for (const request of world.notifications()) {
        const { status } = await broken(request);
        assert.ok(status === retried || status < 300);
      }
      assert.equal((await purchase()).state, 'reserved');
      await deliver();
      assert.equal((await purchase()).state, 'committed');
    },
  },
  {
    name: 'a notification about a purchase that the ledger lacks is acknowledged and reported',
    async run(setup) {
      const { limiter, world } = setup;
      const { buy, engine, problems } = shopOf(setup);
      await buy();
      await world.pay(setup.id);
      const empty = processorWebhook({
        ...engine,
        limiter: { ...limiter, get: () => Promise.resolve(null) },
      });
      for (const request of world.notifications()) await empty(request);
      assert.ok(problems.includes('purchase_not_found'));
    },
  },
];

export const settleCases: readonly PaymentCase[] = [...settling, ...refunding, ...hostile];
