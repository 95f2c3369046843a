import { ageIssuer } from '@spendcap/sandbox';
import { ageTokens, cnGame, createHandler, createLimiter } from '@spendcap/server';
import { beforeAll, expect, it } from 'vitest';
import { anyStore } from '../../support/any-store.ts';

const API_KEY = 'an-example-key-of-a-test';
const now = () => Date.UTC(2026, 10, 23, 4);
const named = { issuer: 'https://age.example', audience: 'https://limiter.example' };
const order = { id: 'order-2026-000481', amount: '48.00', currency: 'CNY' };

interface Content {
  readonly schema: { readonly $ref?: string };
  readonly example?: unknown;
}
interface Document {
  readonly paths: Record<
    string,
    Record<string, { responses: Record<string, { content: Record<string, Content> }> }>
  >;
  readonly components: { readonly schemas: Record<string, { readonly example?: unknown }> };
}

let handler: ReturnType<typeof createHandler>;
let document: Document;
let ageToken: string;

beforeAll(async () => {
  const authority = await ageIssuer({ ...named, now });
  const verifier = ageTokens({ issuers: [{ ...named, jwks: authority.jwks }], now });
  const parts = { policy: cnGame(), store: anyStore(), ageTokens: verifier, now };
  handler = createHandler(createLimiter(parts), { apiKeys: [API_KEY] });
  document = (await (await handler(new Request('http://a/openapi.json'))).json()) as Document;
  ageToken = await authority.tokenOf('player-12');
  await post('/v1/purchases', { ...order, ageToken });
});

async function post(path: string, body: object, key = API_KEY) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  const response = await handler(new Request(`http://a${path}`, init));
  return { status: response.status, json: await response.json() };
}

/** The example of a response, or of its schema. */
function exampleOf(path: string, status: number, method = 'post'): unknown {
  const { content } = document.paths[path]?.[method]?.responses[status] ?? { content: {} };
  const [{ schema, example } = { schema: {} }] = Object.values(content) as Content[];
  return example ?? document.components.schemas[schema.$ref?.split('/').at(-1) ?? '']?.example;
}

const PURCHASES = '/v1/purchases';
const COMMIT = '/v1/purchases/{id}/commit';
it.each<[string, { path: string; body: object; key?: string }]>([
  ['a refusal', { path: PURCHASES, body: { id: 'order-2', amount: '60.00' } }],
  ['an invalid amount', { path: PURCHASES, body: { id: 'order-3', amount: '48.005' } }],
  ['another purchase', { path: PURCHASES, body: { amount: '60.00' } }],
  ['a malformed token', { path: PURCHASES, body: { id: 'order-4', ageToken: 'x' } }],
  ['another key', { path: PURCHASES, body: {}, key: 'another-key-of-a-test' }],
  ['a purchase that is not there', { path: COMMIT, body: {} }],
])('shows %s as it is', async (_, { path, body, key }) => {
  const target = path.replace('{id}', 'order-9');
  const sent = path === COMMIT ? body : { ...order, ageToken, ...body };
  const { status, json } = await post(target, sent, key);
  expect(exampleOf(path, status)).toEqual(json);
});

it('shows a reservation, an allowance and a purchase as they are', async () => {
  const replayed = await post(PURCHASES, { ...order, ageToken });
  const { json: reservation } = replayed as { json: Record<string, unknown> };
  expect(exampleOf(PURCHASES, 201)).toEqual({ ...reservation, replayed: false });
  const { Allowance, Purchase, Allowed } = document.components.schemas;
  expect(Allowance?.example).toEqual(reservation.allowance);
  expect(Purchase?.example).toEqual(reservation.purchase);
  expect(Allowed?.example).toEqual({ allowed: true, allowance: reservation.allowance });
});

it('shows a page of overdue holds as it is', async () => {
  const authority = await ageIssuer({ ...named, now });
  const verifier = ageTokens({ issuers: [{ ...named, jwks: authority.jwks }], now });
  const store = anyStore();
  const limiter = createLimiter({ policy: cnGame(), store, ageTokens: verifier, now });
  const held = { ...order, processor: 'acme_pay', onExpiry: 'reconcile' } as const;
  await limiter.reserve({ ...held, ageToken: await authority.tokenOf('player-12') });
  const later = createLimiter({ policy: cnGame(), store, now: () => now() + 3_600_000 });
  const headers = { authorization: `Bearer ${API_KEY}` };
  const listed = createHandler(later, { apiKeys: [API_KEY] });
  const response = await listed(new Request('http://a/v1/overdue', { headers }));
  expect(exampleOf('/v1/overdue', 200, 'get')).toEqual(await response.json());
});
