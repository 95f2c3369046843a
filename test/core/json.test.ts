import { escapedNames, parseJson } from '@spendcap/core';
import { describe, expect, it } from 'vitest';

describe('an escaped name', () => {
  // nodejs/node#63785: the first text leaves V8 with a shape whose second name the next text takes,
  // unless other shapes with the same first name exist already.
  it.each([
    ['{"a1":0,"\\\\u":0}', '{"a1":1,"\\u91d1\\u989d":"1"}', { a1: 1, 金额: '1' }],
    ['{"a2":0,"\\\\":0}', '{"a2":1,"\\"":"1"}', { a2: 1, '"': '1' }],
    ['{"a3":0,"\\\\":0}', '{"a3":1 , "\\\\\\n" \n\t\r : "\\u0062:\\""}', { a3: 1, '\\\n': 'b:"' }],
    ['{"a4":0,"\\\\":0}', '[{"b4":{"a4":1,"\\ud83d":null}}]', [{ b4: { a4: 1, '\ud83d': null } }]],
    ['{"a5":0,"\\\\u":0}', '{"a5":1,"\\ud83d\\ude00":"\\\\"}', { a5: 1, '😀': '\\' }],
  ])('is read as it is written after %s', (poison, text, value) => {
    JSON.parse(poison);
    expect(parseJson(text)).toStrictEqual(value);
  });

  it('is an own property, even if it is named as what every object inherits', () => {
    const value = parseJson('{"\\u005f_proto__":{"admin":true}}');
    expect(Object.getOwnPropertyNames(value)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('that is repeated has its last value, as without an escape', () => {
    expect(parseJson('{"a":1,"\\u0061":2}')).toEqual({ a: 2 });
  });
});

describe('nesting', () => {
  const nested = (depth: number, [open, close]: readonly [string, string], inner: string) =>
    `${open.repeat(depth)}${inner}${close.repeat(depth)}`;
  const OBJECTS = ['{"a":', '}'] as const;
  const ARRAYS = ['[', ']'] as const;

  it.each([
    ['objects', OBJECTS],
    ['arrays', ARRAYS],
  ])('of 32 %s holds an escaped name, and one more is too deep', (_, kind) => {
    // The object with the escaped name is one of them.
    const text = nested(31, kind, '{"\\u0062":1}');
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(() => parseJson(nested(32, kind, '{"\\u0062":1}'))).toThrow(SyntaxError);
  });

  it('of any depth is read, while only values have escapes', () => {
    const text = nested(100, OBJECTS, '"\\u0062"');
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

it('finds the escaped names, and neither the plain ones nor values', () => {
  const text = '{"\\u0061" : "\\u0062", "c":[{"d":{"\\"":["\\n"]}}]}';
  expect(escapedNames(text)).toEqual(['a', '"']);
  expect(escapedNames('{"a":"\\n"}')).toEqual([]);
  expect(escapedNames('{"a":1}')).toEqual([]);
});

it('reads what JSON.parse reads', () => {
  const texts = ['0', '""', '[]', '{}', ' {"a":[1,{"b":"\\\\"}]} ', '"\\u0061"', '["\\"",":"]'];
  for (const text of texts) expect(parseJson(text)).toEqual(JSON.parse(text));
});

it.each([
  '',
  '{"a',
  '{"\\',
  '{"\\u00":1}',
  '{"\\x":1}',
  '{"\\n\n":1}',
  '{"\\u0061"}',
  '["\\u0061":1]',
  '{"\\u0061":1,}',
  '{"\\u0061":"}',
  `${'{"\\u0061":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
])('throws for what is not JSON or too deep: %#', (text) => {
  expect(() => parseJson(text)).toThrow(SyntaxError);
});
