import { cnGame, createHandler, createLimiter, generatePermitKey, permits } from '@spendcap/server';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { anyStore } from '../../support/any-store.ts';
import { authority, NOW, verifierOf } from '../age/token/token-kit.ts';
import { type Json, send } from './http-kit.ts';
import { API_KEY } from './stub-limiter.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly propertyNames?: Schema;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  /** Which fields a field requires, and which are not allowed together. */
  readonly dependentRequired?: Readonly<Record<string, readonly string[]>>;
  readonly not?: { readonly required: readonly string[] };
  /** One of these is needed. */
  readonly anyOf?: readonly { readonly required: readonly string[] }[];
}

/** What a schema without a length allows is cut here; the body may have 64 KiB. */
const LONGEST = 300;
const UNKNOWN = 'unknownField';

/** Values that a schema allows. */
function allowed(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.format === 'date-time') return instants();
  if (schema.type === 'string') return texts(schema);
  const nonNull = withoutNull(schema);
  if (nonNull !== null) return fc.option(allowed(nonNull));
  if (schema.type === 'integer') {
    const { minimum: min = 0, maximum: max = 2 ** 31 } = schema;
    return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
  }
  if (schema.type === 'array') {
    const { items = {}, minItems: minLength = 0, maxItems: maxLength = 10 } = schema;
    return fc.array(allowed(items), { minLength, maxLength });
  }
  if (schema.type !== 'object') throw new Error(`no generator for ${JSON.stringify(schema)}`);
  const { properties, required = [], additionalProperties, propertyNames, maxProperties } = schema;
  if (properties === undefined && additionalProperties) {
    const names = texts(propertyNames ?? {});
    return fc.dictionary(names, allowed(additionalProperties), { maxKeys: maxProperties ?? 50 });
  }
  const members = Object.entries(properties ?? {}).map(([name, each]) => [name, allowed(each)]);
  const some = fc.record(Object.fromEntries(members), { requiredKeys: [...required] as never[] });
  return some.filter((value) => isCombination(schema, Object.keys(value)));
}

/** A schema that allows null as well, without it; null for every other schema. */
function withoutNull(schema: Schema): Schema | null {
  const [type, other] = typeof schema.type === 'string' ? [] : (schema.type ?? []);
  return type !== undefined && other === 'null' ? { ...schema, type } : null;
}

/** The last three years. */
function instants(): fc.Arbitrary<string> {
  const range = {
    min: new Date(NOW - 3 * 365 * 86_400_000),
    max: new Date(NOW),
    noInvalidDate: true,
  };
  return fc.date(range).map((date) => date.toISOString());
}

function isCombination(schema: Schema, names: readonly string[]): boolean {
  const { dependentRequired = {}, not, anyOf } = schema;
  const hasAll = (needed: readonly string[]) => needed.every((name) => names.includes(name));
  if (not !== undefined && hasAll(not.required)) return false;
  if (anyOf !== undefined && !anyOf.some(({ required }) => hasAll(required))) return false;
  return names.every((name) => hasAll(dependentRequired[name] ?? []));
}

/** JSON Schema counts the length of a text in code points. */
function texts({ pattern, minLength = 0, maxLength = LONGEST }: Schema): fc.Arbitrary<string> {
  const lengths = { minLength, maxLength };
  const any = [
    fc.string({ unit: 'binary', ...lengths, size: 'max' }),
    fc.string({ unit: 'grapheme-ascii', ...lengths, size: 'max' }),
  ];
  if (pattern === undefined) return fc.oneof(...any);
  const form = new RegExp(pattern, 'u');
  const fits = (text: string) => {
    const length = [...text].length;
    return form.test(text) && length >= minLength && length <= maxLength;
  };
  // Of a pattern that excludes a few characters nearly every text is one.
  const some = pattern.includes('[^') ? fc.oneof(...any) : fc.stringMatching(form);
  return some.filter(fits);
}

/** Values that a schema forbids, each wrong in one place of a value that it allows. */
function forbidden(schema: Schema): fc.Arbitrary<unknown> {
  const nonNull = withoutNull(schema);
  if (nonNull !== null) return forbidden(nonNull).filter((value) => value !== null);
  if (schema.enum) return fc.constantFrom<unknown>(...WRONG_TYPES, 'another', '');
  if (schema.type === 'string')
    return fc.constantFrom<unknown>(...WRONG_TYPES, ...wrongTexts(schema));
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = 0 } = schema;
    return fc.constantFrom<unknown>(...WRONG_TYPES, '60', minimum - 1, maximum + 1, minimum + 0.5);
  }
  if (schema.type === 'array') {
    const { items = {}, maxItems = 0 } = schema;
    const tooLong = allowed(items).map((each) => Array(maxItems + 1).fill(each));
    const wrongItem = fc.tuple(allowed(items), forbidden(items));
    return fc.oneof(fc.constantFrom<unknown>(null, true, 7.5, 'x', [], {}), tooLong, wrongItem);
  }
  const { properties = {}, required = [], additionalProperties } = schema;
  if (additionalProperties) {
    const { propertyNames = {}, maxProperties = 0 } = schema;
    const names = Array.from({ length: maxProperties + 1 }, (_, n) => [`n${n}`, 'x']);
    const named = wrongTexts(propertyNames).map((name) => ({ [name]: 'x' }));
    const valued = forbidden(additionalProperties).map((value) => ({ name: value }));
    return fc.oneof(
      fc.constantFrom<unknown>(...WRONG_TYPES, Object.fromEntries(names), ...named),
      valued,
    );
  }
  const wrongMember = Object.entries(properties).map(([name, each]) =>
    fc.tuple(allowed(schema), forbidden(each)).map(([value, wrong]) => ({
      ...(value as Json),
      [name]: wrong,
    })),
  );
  const without = required.map((name) =>
    allowed(schema).map((value) => ({ ...(value as Json), [name]: undefined })),
  );
  const unknown = allowed(schema).map((value) => ({ ...(value as Json), [UNKNOWN]: 1 }));
  return fc.oneof(
    fc.constantFrom(null, 7, 'text', []),
    unknown,
    ...wrongMember,
    ...without,
    ...wrongCombinations(schema),
  );
}

/** Fields that are each allowed, but not together, or not alone. */
function wrongCombinations(schema: Schema): readonly fc.Arbitrary<unknown>[] {
  const { dependentRequired = {}, not, anyOf = [], properties = {} } = schema;
  const neither = Object.fromEntries(
    anyOf.flatMap(({ required }) => required.map((name) => [name, undefined])),
  );
  const noneOf =
    anyOf.length === 0
      ? []
      : [allowed(schema).map((value) => ({ ...(value as Json), ...neither }))];
  const alone = Object.entries(dependentRequired).flatMap(([name, needed]) =>
    needed.map((other) =>
      fc
        .tuple(allowed(schema), allowed(properties[name] ?? {}))
        .map(([value, given]) => ({ ...(value as Json), [name]: given, [other]: undefined })),
    ),
  );
  const together = not?.required.map((name) => [name, allowed(properties[name] ?? {})]);
  if (together === undefined) return [...alone, ...noneOf];
  const all = fc
    .tuple(allowed(schema), fc.record(Object.fromEntries(together)))
    .map(([value, given]) => ({ ...(value as Json), ...given }));
  return [...alone, ...noneOf, all];
}

const WRONG_TYPES: readonly unknown[] = [null, true, 7.5, [], ['x'], {}];

function wrongTexts({ pattern, minLength = 0, maxLength }: Schema): readonly string[] {
  const long = maxLength === undefined ? [] : ['1'.repeat(maxLength + 1)];
  const short = minLength > 0 ? [''] : [];
  const form = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const odd = ['', ' ', 'a\nb', '\u0000', 'ü', '__proto__', '-1', '1e3'];
  return [...long, ...short, ...odd.filter((text) => form?.test(text) === false)];
}

let document: { readonly paths: Json; readonly components: { readonly schemas: Json } };
let ageToken: string;
let handler: ReturnType<typeof createHandler>;

beforeAll(async () => {
  const age = await authority();
  const ageTokens = verifierOf(age);
  const now = () => NOW;
  const parties = { issuer: 'https://limiter.example', audience: 'https://pay.example' };
  const signer = permits({ key: await generatePermitKey(), ...parties, now });
  const options = { policy: cnGame(), store: anyStore(), ageTokens, permits: signer, now };
  const publicUrl = 'https://limiter.example';
  handler = createHandler(createLimiter(options), { apiKeys: [API_KEY], publicUrl });
  document = (await send(handler, '/openapi.json')).json as never;
  ageToken = await age.sign({ birthdate: '1990-01-01' });
});

/** The schema of a name, with what it refers to. */
function schemaOf(name: string): Schema {
  const resolve = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(resolve);
    const { $ref } = value as Schema;
    if ($ref !== undefined) return schemaOf($ref.split('/').at(-1) ?? '');
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each)]));
  };
  return resolve(document.components.schemas[name]) as Schema;
}

const operator = (name: string, path: string) => ({ name, path, caller: 'operator' });
const CASES = [
  operator('PurchaseRequest', '/v1/purchases'),
  operator('CommitRequest', '/v1/purchases/{id}/commit'),
  operator('ReleaseRequest', '/v1/purchases/{id}/release'),
  operator('RecordRequest', '/v1/purchases/{id}/record'),
  operator('AttachRequest', '/v1/purchases/{id}/attach'),
  operator('RefundRequest', '/v1/purchases/{id}/refund'),
  operator('ReverseRefundRequest', '/v1/purchases/{id}/reverse-refund'),
  operator('DecisionRequest', '/v1/decisions'),
  operator('DecisionBatchRequest', '/v1/decisions/batch'),
  { name: 'PlayerDecisionRequest', path: '/v1/decisions', caller: 'player' },
  { name: 'PlayerDecisionBatchRequest', path: '/v1/decisions/batch', caller: 'player' },
];

/** Without shrinking, which takes minutes for long texts. */
const RUNS = { numRuns: 60, endOnFailure: true };

/** Of a value, and not of a shape: the schema describes both, and the server says which it is. */
const ONE_OF = expect.toBeOneOf(['invalid_amount', 'invalid_currency']);
const OF_PRODUCT = expect.stringMatching(/^products\.\d+\.(amount|currency)$/);

describe.each(CASES)('$name', ({ name, path, caller }) => {
  const target = path.replace('{id}', 'p');
  const answer = async (body: unknown) => {
    const bearer = caller === 'player' ? ageToken : API_KEY;
    const { status, json } = await send(handler, target, { body, bearer });
    const { post } = document.paths[path] as { readonly post: { readonly responses: Json } };
    expect(Object.keys(post.responses)).toContain(String(status));
    return { status, code: json.code, errors: json.errors };
  };

  it('is not refused for its shape when the schema allows it', async () => {
    await fc.assert(
      fc.asyncProperty(allowed(schemaOf(name)), async (body) => {
        const { status, code, errors } = await answer(body);
        const where = 'products' in (body as Json) ? [{ path: OF_PRODUCT }] : undefined;
        if (status === 400) expect({ code, errors }).toMatchObject({ code: ONE_OF, errors: where });
        expect(status).toBeLessThan(500);
      }),
      RUNS,
    );
  });

  it('is refused when the schema forbids it', async () => {
    await fc.assert(
      fc.asyncProperty(forbidden(schemaOf(name)), async (body) => {
        const { status } = await answer(body);
        // A token, a permit or the id is looked at before the amount.
        expect([400, 404, 422]).toContain(status);
      }),
      RUNS,
    );
  });
});

it('counts characters as JSON Schema does: a text of emoji has its length', async () => {
  const answer = async (count: number) => {
    const body = { reason: '😀'.repeat(count) };
    return (await send(handler, '/v1/purchases/p/release', { body })).status;
  };
  expect([await answer(200), await answer(201)]).toEqual([404, 400]);
});
