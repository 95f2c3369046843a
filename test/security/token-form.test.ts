import { SpendcapError } from '@spendcap/core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  AUDIENCE,
  type Authority,
  authority,
  base64url,
  type Claims,
  faultOf,
  ISSUER,
  SECOND,
  verifierOf,
} from '../server/age/token/token-kit.ts';
import { misreadJson } from '../support/misread.ts';

let age: Authority;
beforeAll(async () => {
  age = await authority();
});

const fault = (token: string, options = {}) => faultOf(age, token, options);

describe('form', () => {
  it('refuses what is too large before it reads it', async () => {
    const huge = 'a'.repeat(100_000);
    expect(await fault(huge)).toBe('too_large');
    expect(await fault(await age.sign({ padding: huge }))).toBe('too_large');
    expect(await fault(await age.sign({ padding: 'a'.repeat(300) }), { maxTokenBytes: 512 })).toBe(
      'too_large',
    );
    const fits = await age.sign({ padding: 'a'.repeat(8_000) });
    expect(await verifierOf(age).verify(fits)).toBeDefined();
  });

  it('reads escaped names as they are written, and refuses them for registered claims', async () => {
    const [head, claims] = (await age.sign({})).split('.', 2).map((part) => {
      return Buffer.from(part, 'base64url').toString();
    }) as [string, string];
    const range = { min: 12, max_exclusive: 13 };
    const text = misreadJson({ first: 1, ...JSON.parse(claims) }, 'age_range', range);
    const token = await age.signText(head, text);
    const evidence = await verifierOf(age).verify(token);
    expect(evidence.statements).toMatchObject([{ kind: 'range', min: 12, maxExclusive: 13 }]);
    // jose parses the text again, so it might not see what is read here.
    const late = `{"first":1,"\\u006ebf":${SECOND + 60},`;
    expect(await fault(await age.signText(head, late + claims.slice(1)))).toBe('malformed');
    const kid = head.replace('"kid"', '"\\u006bid"');
    expect(await fault(await age.signText(kid, claims))).toBe('malformed');
  });

  it('refuses everything but three parts of canonical base64url', async () => {
    const token = await age.sign();
    const [head = '', payload = '', signature = ''] = token.split('.');
    // 64 bytes make 86 characters: the last one has four bits to spare, which must be zero.
    const last = signature.at(-1) as string;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = alphabet.charAt(alphabet.indexOf(last) + 1);
    const spellings = [
      '',
      '.',
      '..',
      ' ',
      `${head}.${payload}`,
      `${token}.`,
      `${token}.${signature}`,
      `.${token}`,
      `${token} `,
      ` ${token}`,
      `${token}\n`,
      `${token}=`,
      `${token}é`,
      `${head}.${payload}.${signature.slice(0, -1)}${twin}`,
      `${head}..${signature}`,
      `.${payload}.${signature}`,
      `${head}.${payload}.${Buffer.from(signature, 'base64url').toString('base64')}`,
      `${head}.${payload.slice(0, 4)} ${payload.slice(4)}.${signature}`,
      `Bearer ${token}`,
    ];
    for (const text of spellings) expect(await fault(text), JSON.stringify(text)).toBe('malformed');
    for (const value of [undefined, null, 7, {}, [token], new String(token)]) {
      expect(await fault(value as string)).toBe('malformed');
    }
    expect(await fault(`${token}A`)).toBe('signature_invalid');
    expect(await verifierOf(age).verify(token)).toBeDefined();
  });

  it.each([
    '[]',
    'null',
    '"text"',
    '7',
    '{',
    '{"iss":',
    '',
    '\u{feff}\u{feff}{}',
    '['.repeat(11_000),
  ])('refuses the payload %.20s', async (text) => {
    const [head, , signature] = (await age.sign()).split('.');
    expect(await fault(`${head}.${base64url(text)}.${signature}`)).toBe('malformed');
  });

  it('refuses a payload and a header that are no UTF-8, and a header that is no object', async () => {
    const [head, payload, signature] = (await age.sign()).split('.');
    const latin = Buffer.from(`{"iss":"${ISSUER}","name":"é"}`, 'latin1').toString('base64url');
    expect(await fault(`${head}.${latin}.${signature}`)).toBe('malformed');
    for (const text of ['[]', 'null', '7', '{}', '{"alg":["ES256"]}']) {
      expect(await fault(`${base64url(text)}.${payload}.${signature}`)).toBe('malformed');
    }
  });

  const HEADER = JSON.stringify({ alg: 'ES256', typ: 'age+jwt', kid: 'key-1' });
  const payload = { iss: ISSUER, aud: AUDIENCE, sub: 'player-1', exp: SECOND + 600 };
  const withText = (text: string) => `${JSON.stringify(payload).slice(0, -1)},${text}}`;

  it.each<[string, string]>([
    ['one name twice', '"sub":"player-2"'],
    ['one name twice with one value', '"exp":1795435800,"age_over_18":true,"age_over_18":true'],
    ['one name twice, once escaped', '"age_over_18":false,"age_over_\\u00318":true'],
    ['one name twice in an object', '"age_range":{"min":8,"max_exclusive":16,"min":18}'],
    ['one name twice in a list', '"verified_claims":[{"claims":{},"claims":{}}]'],
    ['__proto__ twice', '"__proto__":1,"__proto__":2'],
    ['40 lists in each other', `"x":${'['.repeat(40)}${']'.repeat(40)}`],
    ['40 objects in each other', `"x":${'{"a":'.repeat(40)}1${'}'.repeat(40)}`],
    ['4,000 lists in each other', `"x":${'['.repeat(4_000)}${']'.repeat(4_000)}`],
    ['a number that JSON does not have', '"exp":0x10'],
    ['a comment', '"x":1/**/'],
  ])('refuses, though signed, %s', async (_, text) => {
    expect(await fault(await age.signText(HEADER, withText(text)))).toBe('malformed');
  });

  it('takes what only looks like that', async () => {
    for (const text of [
      '"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]',
      '"note":"\\"sub\\":1,\\"sub\\":2:::\\\\"',
      `"x":${'['.repeat(20)}${']'.repeat(20)}`,
      '"":1,"constructor":{},"toString":1',
    ]) {
      await verifierOf(age).verify(await age.signText(HEADER, withText(text)));
    }
  });

  it('refuses a byte order mark before the payload', async () => {
    const marked = `\u{feff}${JSON.stringify(payload)}`;
    expect(await fault(await age.signText(HEADER, marked))).toBe('malformed');
  });

  it('refuses an encrypted token, compressed or not (RFC 8725, 3.6)', async () => {
    const header = base64url({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' });
    for (const token of [`${header}..aXY.dGV4dA.dGFn`, `${header}.a2V5.aXY.dGV4dA.dGFn`]) {
      expect(await fault(token)).toBe('malformed');
    }
  });

  it('reveals nothing of a token in its errors', async () => {
    const secrets = { sub: 'secret-player', birthdate: '2031-01-09', name: 'secret-name' };
    const faulty: [Claims, object][] = [
      [secrets, {}],
      [{ ...secrets, exp: SECOND - 99 }, {}],
      [{ ...secrets, aud: 'secret-audience' }, {}],
      [{ ...secrets, iss: 'secret-issuer' }, {}],
      [secrets, { typ: 'secret+jwt' }],
      [secrets, { kid: 'secret-key' }],
    ];
    for (const [claims, header] of faulty) {
      const token = await age.sign(claims, header);
      const error = await verifierOf(age)
        .verify(token)
        .catch((reason: unknown) => reason);
      if (!SpendcapError.isInstance(error)) throw new Error('not refused as it should be');
      const shown = `${error.message} ${error.stack} ${JSON.stringify(error)}`;
      expect(shown).not.toMatch(/secret|2031/);
      expect(shown).not.toContain(token.slice(0, 20));
      expect(error.cause).toBe(undefined);
    }
  });
});
