import { piOf } from '../../../packages/sandbox/src/fake-nppa/people.ts';

/** Whose data must come out nowhere. Values are long or odd enough not to come up by chance. */
export const CHILD = { name: '欧阳隐私甲', idNumber: '110000201403170037' };
export const PENDING = { name: '欧阳等待乙', idNumber: '110000201205290048', pendingMs: 3_600_000 };
export const NOBODY = { name: '欧阳无名丙', idNumber: '110000199909190059' };
/** In an id_token and in a statement. */
export const TOKEN_PERSON = {
  name: 'Privata Markmann',
  email: 'privata.markmann@mail.example',
  birthdate: '2013-09-08',
};
export const SECRETS = {
  personKey: 'the-person-key-of-the-privacy-test',
  subjectKey: 'the-subject-key-of-the-privacy-test',
  ledgerKey: 'the-ledger-key-of-the-privacy-test',
  apiKey: 'the-api-key-of-the-privacy-test',
};
export const ACCOUNTS = { child: 'account-of-the-child-7351', other: 'account-of-another-7352' };

/** A birth date in the spellings that it might be written in. */
function spellings(date: string): readonly string[] {
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

/** Everything that must come out nowhere but the raw tokens, which the flow adds. */
export function personalMarks(): Map<string, string> {
  const marks = new Map<string, string>();
  const dateMarks = (who: string, date: string) => {
    for (const [index, text] of spellings(date).entries()) {
      marks.set(`birth date of ${who} (${index})`, text);
    }
  };
  for (const [who, person] of Object.entries({ CHILD, PENDING, NOBODY })) {
    const { name, idNumber } = person;
    marks.set(`name of ${who}`, name).set(`ID number of ${who}`, idNumber);
    const digits = idNumber.slice(6, 14);
    dateMarks(who, `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`);
    const pi = piOf(person);
    marks.set(`pi of ${who}`, pi).set(`birth date in the pi of ${who}`, pi.slice(0, 6));
    marks.set(`code in the pi of ${who}`, pi.slice(6));
  }
  marks.set('name in a token', TOKEN_PERSON.name).set('email in a token', TOKEN_PERSON.email);
  dateMarks('a token', TOKEN_PERSON.birthdate);
  for (const [name, value] of Object.entries(SECRETS)) marks.set(name, value);
  for (const [name, value] of Object.entries(ACCOUNTS)) marks.set(`account of ${name}`, value);
  return marks;
}
