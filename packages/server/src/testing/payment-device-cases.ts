import assert from 'node:assert/strict';
import { evidenceAt, type PaymentCase, type PaymentSetup, shopOf } from './payment-kit.ts';
import type { DeviceActions } from './processor-world.ts';

/** A case for stores on the device. */
function onDevice(
  name: string,
  run: (setup: PaymentSetup, device: DeviceActions) => Promise<void>,
): PaymentCase {
  return {
    name,
    async run(setup) {
      const { processor, device } = setup.world;
      if (processor.traits.startedBy !== 'device') return;
      assert.ok(device !== undefined, 'open: a store on the device needs `device`');
      await run(setup, device);
    },
  };
}

export const deviceCases: readonly PaymentCase[] = [
  onDevice('a charge that its player confirms was held, however often', async (setup, device) => {
    const { buy, deliver, evidence, problems, purchase } = shopOf(setup);
    await buy();
    await setup.world.pay(setup.id);
    for (let times = 0; times < 2; times += 1) {
      const { result, wasHeld } = await device.confirm(setup.id, evidence);
      assert.deepEqual([result, wasHeld], ['committed', true]);
      await deliver();
    }
    assert.equal(Number((await purchase()).committed), 30);
    assert.deepEqual(problems, []);
  }),
  onDevice('a hold that has ended is charged late, which was not held', async (setup, device) => {
    const { buy, deliver, evidence, problems, purchase, toExpiry } = shopOf(setup);
    await buy();
    await toExpiry();
    await setup.world.pay(setup.id);
    await deliver();
    const { result, wasHeld } = await device.confirm(setup.id, evidence);
    assert.deepEqual([result, wasHeld, (await purchase()).late], ['late', false, true]);
    assert.ok(problems.includes('purchase_ended'));
  }),
  onDevice('a second charge under a token is recorded for the same player', async (setup) => {
    const { buy, deliver, problems, used } = shopOf(setup);
    await buy();
    await setup.world.pay(setup.id);
    await setup.world.pay(setup.id);
    await deliver((all) => all.toReversed());
    await deliver();
    assert.equal(Number(await used()), 60);
    assert.ok(problems.includes('purchase_not_found'));
  }),
  onDevice("another player's confirmation counts for whose hold it was", async (setup, device) => {
    const { buy, evidence, used } = shopOf(setup);
    const other = evidenceAt(setup.clock.at, 'another');
    await buy();
    await setup.world.pay(setup.id);
    assert.equal((await device.confirm(setup.id, other)).wasHeld, false);
    assert.equal(Number(await used()), 30);
    const { limits } = await setup.limiter.allowance({ evidence: other });
    assert.ok(limits.every(({ used }) => Number(used) === 0));
    assert.equal((await device.confirm(setup.id, evidence)).wasHeld, true);
  }),
  onDevice(
    'a charge that waits for a parent keeps the hold, until it is paid',
    async (setup, device) => {
      const { buy, deliver, purchase, used } = shopOf(setup);
      await buy();
      await device.ask(setup.id);
      await deliver();
      assert.equal((await purchase()).state, 'reserved');
      setup.clock.at += 86_400_000;
      assert.equal((await purchase()).state, 'reserved');
      await device.approve(setup.id);
      await deliver((all) => all.toReversed());
      assert.deepEqual([(await purchase()).state, (await purchase()).late], ['committed', false]);
      assert.equal(Number(await used()), 30);
    },
  ),
  onDevice('a renewal is recorded at each charge, and takes no hold', async (setup, device) => {
    if (device.renew === undefined) return;
    const { buy, deliver, purchase, used } = shopOf(setup);
    await buy();
    await setup.world.pay(setup.id);
    await device.renew(setup.id);
    await deliver((all) => all.toReversed());
    await deliver();
    assert.deepEqual([(await purchase()).state, (await purchase()).late], ['committed', false]);
    assert.equal(Number(await used()), 60);
  }),
];
