import { NOW } from '../../server/age/token/token-kit.ts';

/** Whom evidence is about: invented, with values too odd to appear by chance. */
export interface Person {
  readonly account: string;
  readonly name: string;
  readonly email: string;
  /** ISO 8601. */
  readonly birthdate: string;
  /** A Chinese ID number, whose digits 7 to 14 are the birth date. */
  readonly idNumber: string;
}

/** Someone who has completed so many years at `NOW`, and has `days` days to the next birthday. */
export function personAged(years: number, days = 200): Person {
  const today = new Date(NOW);
  const day = today.getUTCDate() + days;
  const born = new Date(Date.UTC(today.getUTCFullYear() - years - 1, today.getUTCMonth(), day));
  const birthdate = born.toISOString().slice(0, 10);
  return {
    account: `account-of-${years}-${days}-7351`,
    name: '欧阳隐私甲',
    email: 'privata.markmann@mail.example',
    birthdate,
    idNumber: `110000${birthdate.replaceAll('-', '')}0037`,
  };
}

export const CHILD: Person = {
  account: 'account-of-the-child-7351',
  name: '欧阳隐私甲',
  email: 'privata.markmann@mail.example',
  birthdate: '2014-03-17',
  idNumber: '110000201403170037',
};

/** The same person with a second account. */
export const CHILD_AGAIN: Person = { ...CHILD, account: 'account-of-another-7352' };

/** A birth date in the forms that it might be written in. */
function datesOf(date: string): readonly string[] {
  const [year = '', month = '', day = ''] = date.split('-');
  const midnights = [Date.parse(date), Date.parse(`${date}T00:00:00+08:00`)];
  return [
    date,
    `${year}${month}${day}`,
    `${year}/${month}/${day}`,
    `${day}.${month}.${year}`,
    `${year}年${Number(month)}月${Number(day)}日`,
    ...midnights.map((time) => String(time / 1000)),
  ];
}

/** What must not leak about a person, by names that may be printed. */
export function marksOf(who: string, person: Person): ReadonlyMap<string, string> {
  const { account, name, email, birthdate, idNumber } = person;
  return new Map([
    [`account of ${who}`, account],
    [`name of ${who}`, name],
    [`email of ${who}`, email],
    [`ID number of ${who}`, idNumber],
    ...datesOf(birthdate).map((text, index) => [`birth date of ${who} (${index})`, text] as const),
  ]);
}
