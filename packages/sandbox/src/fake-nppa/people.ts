import { createHash } from 'node:crypto';

/** A person known to the fake system. */
export interface FakeCitizen {
  readonly name: string;
  /** 18 characters; 7 to 14 are the birth date. The check digit is not verified. */
  readonly idNumber: string;
  /** Duration of the check. Default 0; `Infinity` never completes. */
  readonly pendingMs?: number;
  /** The result of the check. Default `success`. */
  readonly result?: 'success' | 'failure';
}

/** The sample codes of the specification for the first four preset persons. */
const SAMPLE_PI: Readonly<Record<string, string>> = {
  '110000190101010001': '1fffbjzos82bs9cnyj1dna7d6d29zg4esnh99u',
  '110000190101020007': '1fffbkmd9ebtwi7u7f4oswm9li6twjydqs7qjv',
  '110000190101030002': '1fffblf892i0p1zh6wlec2quukxtw29v4yismp',
  '110000190101040008': '1fffbmr55j92gttv5wxspm0mgvw8x3p0n7cy0j',
};

const ORDINALS = '一二三四五六七八';
const VERIFIED = [
  '110000190101010001',
  '110000190101020007',
  '110000190101030002',
  '110000190101040008',
  '11000019010101001X',
  '110000190101020015',
  '110000190101030010',
  '110000190101040016',
];
/** The first is documented; the others follow the pattern above. */
const PENDING = [
  '110000190201010009',
  '110000190201020004',
  '11000019020103000X',
  '110000190201040005',
  '110000190201010017',
  '110000190201020012',
  '110000190201030018',
  '110000190201040013',
];

/** The persons of the test system: eight that are found and eight whose check stays pending. */
export const PRESET_PEOPLE: readonly FakeCitizen[] = [
  ...VERIFIED.map((idNumber, index) => ({ name: `某一${ORDINALS[index]}`, idNumber })),
  ...PENDING.map((idNumber, index) => ({
    name: `某二${ORDINALS[index]}`,
    idNumber,
    pendingMs: Infinity,
  })),
];

/** The result of a query for a preset id, which needs no prior check; `null` for other ids. */
export function presetOf(ai: string): FakeCitizen | 'failure' | null {
  const [, kind, place] = /^([123])0{16}([1-8])$/.exec(ai) ?? [];
  if (kind === undefined) return null;
  if (kind === '3') return 'failure';
  return PRESET_PEOPLE[(kind === '1' ? 0 : 8) + Number(place) - 1] ?? null;
}

/** The code of a person, the same for every game: the birth date in base 26 and 32 characters. */
export function piOf({ idNumber, name }: FakeCitizen): string {
  const date = Number(idNumber.slice(6, 14)).toString(26).padStart(6, '0');
  const code = createHash('sha256').update(`${idNumber}\n${name}`).digest('hex').slice(0, 32);
  return SAMPLE_PI[idNumber] ?? `${date}${code}`;
}
