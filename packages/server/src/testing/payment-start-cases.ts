import assert from 'node:assert/strict';
import { type PaymentCase, type PaymentSetup, rejectionOf, shopOf } from './payment-kit.ts';

/** True, and the case ends, for a processor whose starts make no network call. */
const startsLocally = ({ world }: PaymentSetup): boolean => world.startsLocally === true;

export const startCases: readonly PaymentCase[] = [
  {
    name: 'a refused purchase calls nobody',
    async run(setup) {
      const { buy, used } = shopOf(setup);
      assert.equal((await buy(setup.id, '101')).allowed, false);
      assert.equal(setup.world.charges(), 0);
      assert.equal(Number(await used()), 0);
    },
  },
  {
    name: 'a started purchase is held for its processor until it is settled',
    async run(setup) {
      const { buy, purchase, used } = shopOf(setup);
      assert.equal((await buy()).allowed, true);
      const { state, processor } = await purchase();
      assert.deepEqual([state, processor], ['reserved', setup.world.processor.name]);
      assert.equal(Number(await used()), 30);
    },
  },
  {
    name: 'the same id is charged once, however often it is started',
    async run(setup) {
      const { world } = setup;
      const { buy, deliver, isListed, purchase, reconcile, toExpiry, used } = shopOf(setup);
      await Promise.allSettled([buy(), buy(), buy()]);
      await buy();
      await world.pay(setup.id);
      if (!isListed) await deliver();
      await toExpiry();
      await reconcile();
      assert.equal(Number((await purchase()).committed), 30);
      assert.equal(Number(await used()), 30);
    },
  },
  {
    name: 'the same id with another amount is a conflict',
    async run(setup) {
      const { buy } = shopOf(setup);
      await buy();
      const charges = setup.world.charges();
      assert.equal(await rejectionOf(buy(setup.id, '31')), 'purchase_conflict');
      assert.equal(setup.world.charges(), charges);
    },
  },
  {
    name: 'nothing is started under a hold that has ended or expired',
    async run(setup) {
      const { buy, reconcileUntilEnded, toExpiry } = shopOf(setup);
      await buy();
      await toExpiry();
      const charges = setup.world.charges();
      assert.equal(await rejectionOf(buy()), 'purchase_ended');
      await reconcileUntilEnded();
      assert.equal(await rejectionOf(buy()), 'purchase_ended');
      assert.equal(setup.world.charges(), charges);
    },
  },
  {
    name: 'a call that was certainly rejected releases the hold',
    async run(setup) {
      if (startsLocally(setup)) return;
      const { buy, purchase, used } = shopOf(setup);
      setup.world.failNext('reject');
      assert.equal(await rejectionOf(buy()), 'other');
      assert.equal((await purchase()).state, 'released');
      assert.equal(Number(await used()), 0);
    },
  },
  {
    name: 'a rejected retry does not release what an earlier call may have charged',
    async run(setup) {
      if (startsLocally(setup)) return;
      const { buy, purchase } = shopOf(setup);
      setup.world.failNext('cut_after');
      assert.equal(await rejectionOf(buy()), 'outcome_unknown');
      setup.world.failNext('reject');
      assert.notEqual(await rejectionOf(buy()), 'nothing');
      assert.equal((await purchase()).state, 'reserved');
    },
  },
  {
    name: 'of two starts at the same time the rejected one leaves no payment without its hold',
    async run(setup) {
      if (startsLocally(setup)) return;
      const { world } = setup;
      const { buy, deliver, purchase, reconcileUntilEnded } = shopOf(setup);
      world.failNext('reject');
      const starts = await Promise.allSettled([buy(), buy()]);
      if (starts.some(({ status }) => status === 'fulfilled')) {
        await world.pay(setup.id);
        await deliver();
      }
      await reconcileUntilEnded();
      assert.equal((await purchase()).late, false);
    },
  },
  {
    name: 'a call that never arrived keeps the hold until that is certain',
    async run(setup) {
      if (startsLocally(setup)) return;
      const { buy, purchase, reconcile, reconcileUntilEnded, toExpiry, used } = shopOf(setup);
      setup.world.failNext('cut_before');
      assert.equal(await rejectionOf(buy()), 'outcome_unknown');
      assert.equal((await purchase()).state, 'reserved');
      await toExpiry();
      await reconcile();
      const { traits } = setup.world.processor;
      if (traits.startedBy !== 'device' && traits.unseenGraceSeconds > 0) {
        assert.equal((await purchase()).state, 'reserved');
      }
      await reconcileUntilEnded();
      assert.equal((await purchase()).state, 'released');
      assert.equal(Number(await used()), 0);
    },
  },
  {
    name: 'a call whose answer was lost keeps the hold, and a retry finds what it did',
    async run(setup) {
      if (startsLocally(setup)) return;
      const { world } = setup;
      const { buy, deliver, purchase } = shopOf(setup);
      world.failNext('cut_after');
      assert.equal(await rejectionOf(buy()), 'outcome_unknown');
      assert.equal((await purchase()).state, 'reserved');
      assert.equal((await buy()).allowed, true);
      await world.pay(setup.id);
      await deliver();
      assert.equal((await purchase()).state, 'committed');
      assert.equal(Number((await purchase()).committed), 30);
    },
  },
];
