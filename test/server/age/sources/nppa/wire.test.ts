import { describe, expect, it } from 'vitest';
import {
  birthDateOf,
  encryptBody,
  signature,
} from '../../../../../packages/server/src/age/sources/nppa/wire.ts';
import { decrypt, encrypt } from '../../../../../packages/server/src/jwt/aes-gcm.ts';
import { NOW } from '../../token/token-kit.ts';

// The vector that is printed in the interface specification V1.8.
const SECRET_KEY = '2836e95fcd10e04b0069bb1ee659955b';
const PLAIN = '{"ai":"test-accountId","name":"用户姓名","idNum":"371321199012310912"}';
const BODY =
  '{"data":"CqT/33f3jyoiYqT8MtxEFk3x2rlfhmgzhxpHqWosSj4d3hq2EbrtVyx2aLj565ZQNTcPrcDipnvpq/D/vQDaLKW70O83Q42zvR0//OfnYLcIjTPMnqa+SOhsjQrSdu66ySSORCAo"}';
const PARAMETERS = {
  appId: 'test-appId',
  bizId: 'test-bizId',
  id: 'test-id',
  name: 'test-name',
  timestamps: '1584949895758',
};
const SIGN = '386c03b776a28c06b8032a958fbd89337424ef45c62d0422706cca633d8ad5fd';

const key = Buffer.from(SECRET_KEY, 'hex');
const bytesOf = (body: string) => Buffer.from(JSON.parse(body).data, 'base64');

describe('the official vector', () => {
  it('opens: IV, ciphertext and tag one after the other', () => {
    expect(decrypt(key, bytesOf(BODY))).toBe(PLAIN);
  });

  it('is signed as printed, in whatever order the parameters come', () => {
    expect(signature(SECRET_KEY, PARAMETERS, BODY)).toBe(SIGN);
    const backwards = Object.fromEntries(Object.entries(PARAMETERS).reverse());
    expect(signature(SECRET_KEY, backwards, BODY)).toBe(SIGN);
    expect(signature(SECRET_KEY, PARAMETERS, BODY.replace('"}', '" }'))).not.toBe(SIGN);
  });

  it('comes out of our own encryption again, under a fresh IV each time', () => {
    const plain = JSON.parse(PLAIN);
    const bodies = [encryptBody(SECRET_KEY, plain), encryptBody(SECRET_KEY, plain)];
    expect(bodies.map((body) => decrypt(key, bytesOf(body)))).toEqual([PLAIN, PLAIN]);
    expect(bodies[0]).not.toBe(bodies[1]);
    expect(bytesOf(bodies[0] ?? '')).toHaveLength(bytesOf(BODY).length);
  });
});

describe('what is sealed', () => {
  const long = Buffer.alloc(32, 7);
  const sealed = encrypt(long, 'a record', { context: 'an account' });

  it('opens with its key in its context only', () => {
    expect(decrypt(long, sealed, 'an account')).toBe('a record');
    expect(decrypt(long, sealed, 'another account')).toBeNull();
    expect(decrypt(Buffer.alloc(32, 8), sealed, 'an account')).toBeNull();
    expect(decrypt(long, sealed.subarray(0, 27), 'an account')).toBeNull();
  });

  it('does not open after any change of one bit, the tag included', () => {
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decrypt(long, changed, 'an account')).toBeNull();
    }
  });
});

describe('the birth date in a pi', () => {
  it.each([
    ['1hpfml09b57f3f8185f8cb5094ea3f26278efb', '2010-01-01'],
    ['1fffbjzos82bs9cnyj1dna7d6d29zg4esnh99u', '1901-01-01'],
    ['1fffbkmd9ebtwi7u7f4oswm9li6twjydqs7qjv', '1901-01-02'],
    ['1fffblf892i0p1zh6wlec2quukxtw29v4yismp', '1901-01-03'],
    ['1fffbmr55j92gttv5wxspm0mgvw8x3p0n7cy0j', '1901-01-04'],
  ])('%s is %s', (pi, date) => {
    expect(birthDateOf(pi, NOW)).toBe(date);
  });

  const piOf = (date: number) => date.toString(26).padStart(6, '0') + '0'.repeat(32);

  it.each([
    ['no text', 26],
    ['too short', piOf(20100101).slice(1)],
    ['too long', `${piOf(20100101)}0`],
    ['upper case', piOf(20100101).toUpperCase()],
    ['a letter that base 26 does not have', `1hpfmq${'0'.repeat(32)}`],
    ['30 February', piOf(20100230)],
    ['month 13', piOf(20101301)],
    ['zero', piOf(0)],
    ['tomorrow', piOf(20261124)],
    ['a birth 151 years ago', piOf(18751231)],
  ])('there is none in %s', (_, pi) => {
    expect(birthDateOf(pi, NOW)).toBeNull();
  });

  it('may be today in Shanghai, while it is still yesterday in UTC', () => {
    expect(birthDateOf(piOf(20261124), NOW + 4 * 3_600_000)).toBe('2026-11-24');
    expect(birthDateOf(piOf(20261124), NOW + 4 * 3_600_000 - 1)).toBeNull();
  });
});
