import { describe, expect, it } from 'vitest';
import { NOW } from '../server/age/token/token-kit.ts';
import { CHILD, marksOf, personAged } from '../support/age-sources/people.ts';
import { AGE_SOURCES } from '../support/age-sources.ts';
import { collector, leaksIn } from './privacy/leaks.ts';
import { capturePrinted } from './privacy/printed.ts';

/** Of this many characters, part of a secret is a leak as well. */
const PREFIX = 20;

/**
 * Years, and days to the next birthday: on both sides of each age that a policy or platform knows.
 */
const AGES = [7, 8, 12, 13, 15, 16, 17, 18, 30].flatMap((years) =>
  [1, 200, 365].map((days) => [years, days] as const),
);

describe.each(AGE_SOURCES)('$kind', ({ kind, open }) => {
  const printed = capturePrinted();

  it('finds an age of every person, and reveals nothing else about them', async () => {
    const people = AGES.map(([years, days]) => personAged(years, days));
    const { source, evidence, secrets } = await open({ clock: { at: NOW }, people });
    for (const [index, person] of people.entries()) {
      const years = AGES[index]?.[0] ?? Number.NaN;
      for (const shown of await evidence(person)) {
        const finding = await source.verify(shown as never, { at: NOW, subject: person.account });
        const { min, maxExclusive } = finding.range;
        expect(finding).toMatchObject({ kind, asOf: NOW });
        expect(min).toBeLessThanOrEqual(years);
        expect(maxExclusive ?? Number.POSITIVE_INFINITY).toBeGreaterThan(years);
        const returned = { where: 'finding', bytes: Buffer.from(JSON.stringify(finding)) };
        expect(leaksIn([returned], new Map([...secrets, ...marksOf('person', person)]))).toEqual(
          [],
        );
      }
    }
  });

  it('reveals nothing personal, nor any part of the evidence, in a refusal', async () => {
    const seen = collector();
    const { refusals, secrets } = await open({ clock: { at: NOW }, people: [CHILD] });
    const all = await refusals(CHILD);
    expect(all.length).toBeGreaterThan(4);
    for (const { what, code, attempt } of all) await seen.refused(what, attempt(), code);
    const marks = [...secrets, ...marksOf('CHILD', CHILD)].map(
      ([name, value]) => [name, value.slice(0, PREFIX)] as const,
    );
    expect(leaksIn([...seen.outputs, ...printed()], new Map(marks))).toEqual([]);
  });
});
