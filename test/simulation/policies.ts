import { type AgeEvidence, type Exchange, type Policy, parsePolicy } from '@spendcap/server';
import type { History } from './history.ts';

export const DAY = 86_400_000;

type World = Pick<History, 'start' | 'zones'>;

const row = {
  citation: 'simulated rule',
  status: 'operator',
  effectiveFrom: '2020-01-01',
} as const;

/** The caps of the bands 8 to 15, 16 to 17, and adults, in words short enough to compare. */
interface Caps {
  readonly child: Readonly<Record<string, string>>;
  readonly teen: Readonly<Record<string, string>>;
  readonly adult: Readonly<Record<string, string>>;
  /** Counts loot boxes and tips only. */
  readonly risky?: string;
  readonly rest?: Readonly<Record<string, unknown>>;
}

const EDITIONS: readonly (readonly [Caps, Caps, Caps])[] = [
  [
    {
      child: { transaction: '50', day: '100', month: '200' },
      teen: { transaction: '100', day: '200', month: '400' },
      adult: {},
      rest: { onUnavailable: 'allow_adults' },
    },
    {
      child: { transaction: '60', day: '80', week: '150', month: '260' },
      teen: { transaction: '100', day: '150', week: '250', month: '500' },
      adult: { year: '3000' },
      risky: '90',
    },
    {
      child: { day: '70', month: '300' },
      teen: { day: '250', month: '450' },
      adult: { year: '2500', lifetime: '6000' },
      rest: { refunds: 'never' },
    },
  ],
  [
    {
      child: { transaction: '50', day: '60', week: '120', month: '180' },
      teen: { transaction: '100', day: '120', week: '200', month: '350' },
      adult: { month: '800' },
      risky: '50',
    },
    {
      child: { day: '100', month: '220' },
      teen: { day: '120', month: '380' },
      adult: {},
      rest: { refunds: 'never', onUnavailable: 'allow_adults' },
    },
    {
      child: { transaction: '50', day: '100', month: '200' },
      teen: { transaction: '100', day: '200', month: '400', lifetime: '900' },
      adult: { month: '900' },
      risky: '60',
    },
  ],
  [
    {
      child: { day: '60', month: '150' },
      teen: { day: '90', month: '250' },
      adult: { week: '300' },
      rest: { scope: 'app' },
    },
    {
      child: { day: '60', month: '150' },
      teen: { day: '90', month: '250' },
      adult: { week: '300' },
      risky: '40',
      rest: { scope: 'app', refunds: 'never' },
    },
    {
      child: { day: '100', year: '700' },
      teen: { day: '150', year: '1200' },
      adult: {},
      rest: { scope: 'app' },
    },
  ],
];

export const EDITION_COUNT = EDITIONS.length;

/** All versions of one edition, which take effect one after the other, each in its zone. */
export function editionOf({ start, zones }: World, edition: number): readonly Policy[] {
  const versions = EDITIONS[edition % EDITIONS.length] ?? [];
  const days = ['2024-01-01', dateAfter(start, 9), dateAfter(start, 22)];
  return versions.map((caps, index) => {
    const next = days[index + 1];
    return parsePolicy({
      id: 'simulated',
      version: `${edition}-${index}`,
      effectiveFrom: days[index],
      ...(next === undefined ? {} : { effectiveTo: next }),
      jurisdiction: 'CN',
      currency: 'CNY',
      timeZone: zones[index],
      scope: 'enterprise',
      unverified: 'refuse',
      refunds: 'original_window',
      bands: bandsOf(caps),
      ...caps.rest,
    });
  });
}

function bandsOf({ child, teen, adult, risky }: Caps) {
  const limits = (band: string, caps: Readonly<Record<string, string>>, categories: boolean) => [
    ...Object.entries(caps).map(([period, max]) => ({
      ...row,
      id: `${band}.${period}`,
      period,
      max,
    })),
    ...(categories && risky !== undefined
      ? [{ ...row, id: `${band}.risky`, period: 'month', max: risky, categories: ['tip', 'loot'] }]
      : []),
  ];
  const tips = { ...row, id: 'child.tip', category: 'tip' };
  const approval = { ...row, id: 'child.approval' };
  return [
    { minAge: 0, maxAgeExclusive: 8, limits: [], forbidden: { ...row, id: 'small.forbidden' } },
    {
      minAge: 8,
      maxAgeExclusive: 13,
      limits: limits('child', child, true),
      forbiddenCategories: [tips],
      guardianApproval: approval,
    },
    { minAge: 13, maxAgeExclusive: 16, limits: limits('youth', child, true) },
    { minAge: 16, maxAgeExclusive: 18, limits: limits('teen', teen, true) },
    { minAge: 18, maxAgeExclusive: null, limits: limits('adult', adult, false) },
  ];
}

export interface Player {
  readonly subject: string;
  /** The birth date lies between these ISO dates, both inclusive. */
  readonly from: string;
  readonly to: string;
}

/** Some have a birthday during a history; of some only the year is known. */
export function playersOf({ start }: World): readonly Player[] {
  const born = (subject: string, age: number, day: number): Player => {
    const date = dateAfter(start, day);
    const text = `${Number(date.slice(0, 4)) - age}${date.slice(4).replace('02-29', '02-28')}`;
    return { subject, from: text, to: text };
  };
  const year = (subject: string, age: number): Player => {
    const text = String(new Date(start).getUTCFullYear() - age);
    return { subject, from: `${text}-01-01`, to: `${text}-12-31` };
  };
  return [
    born('eight', 8, 3),
    born('sixteen', 16, 5),
    born('eighteen', 18, 2),
    year('about-14', 14),
    year('about-16', 16),
    { subject: 'leap', from: '2012-02-29', to: '2012-02-29' },
    born('adult', 30, 9),
  ];
}

export const PLAYER_COUNT = 7;

export function evidenceOf({ subject, from, to }: Player): AgeEvidence {
  const statements = [{ kind: 'born', from, to }] as const;
  const expiresAt = Date.UTC(2100, 0, 1);
  return { subject, statements, kind: 'simulated', assurance: 'verified', expiresAt };
}

/** The rates of even and odd days, so that a retry may find another rate than its hold. */
const RATES: Readonly<Record<string, readonly [string, string]>> = {
  USD: ['7.12', '7.0849'],
  JPY: ['0.0476', '0.05'],
  KWD: ['23.1', '23.254'],
};

export const rateOf: Exchange = ({ from, at }) => {
  const rates = RATES[from];
  if (rates === undefined) throw new Error('no such currency');
  return Math.floor(at / DAY) % 2 === 0 ? rates[0] : rates[1];
};

function dateAfter(start: number, days: number): string {
  return new Date(start + days * DAY).toISOString().slice(0, 10);
}
