import type { ProcessorWorld as Conformance, ProcessorSetup } from '@spendcap/server/testing';
import type { ProcessorEntry, Way } from './entry.ts';

type Device = NonNullable<Conformance['device']>;

/** A device, without renewals of what is bought once. */
function onlyOf({ renew, ...device }: Device, way: Way | undefined): Device {
  return { ...device, ...(renew !== undefined && way?.renews === true && { renew }) };
}

/** What the conformance suite is connected to: a processor with one process of a shop. */
export function suiteOf({ open, ways }: ProcessorEntry, way = Object.keys(ways)[0] ?? '') {
  return async ({ limiter, now }: ProcessorSetup): Promise<Conformance> => {
    const world = await open({ now });
    const { device, processor, start } = world.serve({ limiter, now });
    return {
      ...world,
      processor,
      ...(device === undefined ? {} : { device: onlyOf(device, ways[way]), pay: device.buy }),
      start: ({ id, amount, evidence }) =>
        start({ amount, currency: 'CNY', way, spendcap: { id, evidence } }),
      failNext: world.fail,
      startsLocally: ways[way]?.isLocal === true,
    };
  };
}
