import { assertOptions, checkFields } from '@spendcap/core';
import { describe, expect, it } from 'vitest';

interface Options {
  readonly limit?: number;
  readonly name?: string;
}
const NAMES = { limit: true, name: true } as const;
const assert = (given: unknown) => assertOptions<Options>('create', given as Options, NAMES);
const check = (given: unknown) => checkFields<Options>(given as Options, NAMES);

class Known {
  limit = 5;
  get name() {
    return 'a';
  }
  toJSON() {
    return {};
  }
}
class Misspelled extends Known {
  get limt() {
    return 6;
  }
}
const revoked = Proxy.revocable({}, {});
revoked.revoke();
const broken = new Proxy({ limit: 5 }, { ownKeys: () => ['limit', 'limit'] });
const throwing = {
  get limit(): number {
    throw new Error('a secret');
  },
};

describe('what is no object of options', () => {
  const values: readonly unknown[] = [
    ...[null, undefined, 5, 'text', true, () => ({}), [], [5], new Map(), new Set(), new Date()],
    ...[Promise.resolve({ limit: 5 }), new Error('x'), /x/, new Uint8Array(1), broken],
    revoked.proxy,
  ];

  it('is refused with a typed error', () => {
    for (const given of values) {
      expect(() => assert(given)).toThrow(new TypeError('create takes an object of options'));
      expect(() => check(given)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    }
  });
});

describe('an object of options', () => {
  it.each([
    ['plain', { limit: 5 }, { limit: 5 }],
    ['with a name that is undefined', { limit: 5, name: undefined }, { limit: 5 }],
    ['without a prototype', Object.assign(Object.create(null), { limit: 5 }), { limit: 5 }],
    ['with inherited options', Object.create({ limit: 5 }), { limit: 5 }],
    ['of a class, with a getter and a method', new Known(), { limit: 5, name: 'a' }],
    ['behind a proxy', new Proxy({ limit: 5 }, {}), { limit: 5 }],
  ])('%s is accepted, and copied', (_, given, copy) => {
    assert(given);
    expect(check(given)).toEqual(copy);
    expect(check(given)).not.toBe(given);
  });

  it.each([
    ['plain', { limt: 5 }],
    ['without a prototype', Object.assign(Object.create(null), { limt: 5 })],
    ['inherited', Object.create({ limt: 5 })],
    ['a getter of a class', new Misspelled()],
    ['behind a proxy', new Proxy({ limt: 5 }, {})],
  ])('with a misspelled name is refused: %s', (_, given) => {
    expect(() => assert(given)).toThrow(
      new TypeError('create has no option "limt", only limit, name'),
    );
    expect(() => check(given)).toThrow(
      expect.objectContaining({ code: 'invalid_request', errors: [expect.anything()] }),
    );
  });

  it('is read once by a call, whose error quotes no getter’s', () => {
    let reads = 0;
    const counting = {
      get limit() {
        reads += 1;
        return reads;
      },
    };
    const fields = check(counting);
    expect([fields.limit, fields.limit, reads]).toEqual([1, 1, 1]);
    expect(() => check(throwing)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
