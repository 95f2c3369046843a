import {
  type AgeFinding,
  type AgeRange,
  type Assurance,
  ageRangeAt,
  cnGame,
  combineFindings,
  countedAge,
  intersectAgeRanges,
} from '@spendcap/core';
import { appleSource, googlePlaySource } from '@spendcap/server/age/sources/platform';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Authority, authority, verifierOf } from '../server/age/token/token-kit.ts';
import { loadVectors, outcomeOf } from './load.ts';

type Ages = readonly [number, number | null];

interface Case {
  readonly name: string;
  readonly ages?: Ages;
  readonly error?: string;
  readonly at?: string;
  readonly timeZone?: string;
}

interface Finding {
  readonly by: Assurance;
  readonly ages: Ages;
  readonly asOf?: string;
  readonly kind?: string;
}

interface Vectors {
  readonly now: string;
  readonly claims: readonly (Case & { readonly claims: object; readonly issued?: string })[];
  readonly signals: readonly (Case & { readonly signal: { readonly platform: string } })[];
  readonly ageing: readonly (Case & { readonly stated: Ages; readonly asOf: string })[];
  readonly intersections: readonly {
    readonly a: Ages;
    readonly b: Ages;
    readonly both: Ages | null;
  }[];
  readonly findings: readonly (Case & {
    readonly findings: readonly Finding[];
    readonly minimumAssurance?: Assurance;
    readonly by?: Assurance;
    readonly kind?: string;
    readonly conflict?: boolean;
  })[];
  readonly counted: readonly {
    readonly name: string;
    readonly least: Assurance;
    readonly by: Assurance;
    readonly stated: Ages | null;
    readonly ages: Ages;
    readonly verified: boolean;
  }[];
}

const vectors = loadVectors<Vectors>('age-algebra.json');
const { now } = vectors;

const rangeOf = ([min, maxExclusive]: Ages): AgeRange => ({ min, maxExclusive });
const expected = <T>({ ages, error }: Case, rest = {} as T) =>
  error === undefined
    ? { value: { ...rangeOf(ages as Ages), ...rest } }
    : { code: 'age_token_invalid', why: error };

it('has at least 200 cases', () => {
  const { claims, signals, ageing, intersections, findings, counted } = vectors;
  const all = [claims, signals, ageing, intersections, findings, counted].flat();
  expect(all.length).toBeGreaterThanOrEqual(200);
});

describe('claims', () => {
  let age: Authority;
  beforeAll(async () => {
    age = await authority();
  });

  it.each(vectors.claims)('$name', async (each) => {
    const { claims, issued = now, at = now, timeZone = 'UTC' } = each;
    const iat = Date.parse(issued) / 1000;
    const token = await age.sign({ ...claims, iat, exp: iat + 600 });
    const evidence = await verifierOf(age, { now: () => Date.parse(issued) })
      .verify(token)
      .then(
        ({ statements }) => ({ value: ageRangeAt(statements, Date.parse(at), timeZone) }),
        ({ code, why }) => ({ code, why }),
      );
    expect(evidence).toEqual(expected(each));
  });
});

it.each(vectors.signals)('signals: $name', async ({ signal, ages }) => {
  const source = signal.platform === 'apple' ? appleSource() : googlePlaySource();
  const { range } = await source.verify(
    { signal: JSON.stringify(signal) },
    { at: Date.parse(now) },
  );
  expect(range).toEqual(rangeOf(ages as Ages));
});

it.each(vectors.ageing)('ageing: $name', (each) => {
  const { stated, asOf, at = now, timeZone = 'UTC' } = each;
  const statement = { kind: 'range', ...rangeOf(stated), asOf: Date.parse(asOf) } as const;
  const outcome = outcomeOf(() => ageRangeAt([statement], Date.parse(at), timeZone));
  expect(outcome).toEqual(expected(each));
});

it.each(vectors.intersections)('$a and $b make $both', ({ a, b, both }) => {
  expect(intersectAgeRanges(rangeOf(a), rangeOf(b))).toEqual(both && rangeOf(both));
});

/** Every order of a few things. */
function ordersOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) =>
    ordersOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

describe('findings, in every order', () => {
  it.each(vectors.findings)('$name', (each) => {
    const { findings, minimumAssurance, timeZone = 'UTC' } = each;
    const at = Date.parse(each.at ?? now);
    const options = { at, timeZone, ...(minimumAssurance && { minimumAssurance }) };
    const given = findings.map(
      ({ by, ages, asOf, kind = by }): AgeFinding => ({
        range: rangeOf(ages),
        asOf: asOf === undefined ? at : Date.parse(asOf),
        assurance: by,
        kind,
      }),
    );
    const { by, kind = by, conflict } = each;
    for (const order of ordersOf(given)) {
      const outcome = outcomeOf(() => {
        const { range, asOf, ...rest } = combineFindings(order, options);
        expect(asOf).toBe(at);
        return { ...range, ...rest };
      });
      expect(outcome).toEqual(expected(each, { assurance: by, kind, conflict }));
    }
  });
});

it.each(vectors.counted)('counted: $name', ({ least, by, stated, ages, verified }) => {
  const at = Date.parse(now);
  const statement = stated && ({ kind: 'range', ...rangeOf(stated), asOf: at } as const);
  const evidence = {
    subject: 'player-1',
    statements: statement === null ? [] : [statement],
    kind: 'test',
    assurance: by,
    expiresAt: at + 1,
  };
  const policy = { ...cnGame(), minimumAssurance: least };
  expect(countedAge(policy, evidence, at)).toEqual({ range: rangeOf(ages), verified });
});
