import { createRoute, type RouteConfig, z } from '@hono/zod-openapi';
import {
  allowanceQuerySchema,
  allowanceSchema,
  commitSchema,
  decisionAnswerSchema,
  decisionSchema,
  playerDecisionSchema,
  problemSchema,
  purchaseAnswerSchema,
  purchasePathSchema,
  purchaseSchema,
  refundSchema,
  refusedSchema,
  releaseSchema,
  reservationSchema,
  reverseRefundSchema,
} from './schemas.ts';

const API_KEY = 'apiKey';
const AGE_TOKEN = 'ageToken';
const BOUND_AGE_TOKEN = 'boundAgeToken';

export const securitySchemes = {
  [API_KEY]: {
    type: 'http',
    scheme: 'bearer',
    description: "One of the operator's API keys. Only for back ends.",
  },
  [AGE_TOKEN]: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "A player's age token. Grants that player's allowance and decisions.",
  },
  [BOUND_AGE_TOKEN]: {
    type: 'http',
    scheme: 'DPoP',
    description: "A player's key-bound age token, with a proof in the `DPoP` header (RFC 9449).",
  },
} as const;

const PURCHASES = 'Purchases';
const PLAYERS = 'Players';
const OPERATIONS = 'Operations';
export const TAGS = [
  { name: PURCHASES, description: 'The life of a purchase. For back ends, by API key.' },
  { name: PLAYERS, description: "What a player may spend. By the player's age token." },
  { name: OPERATIONS, description: 'Health, metrics, keys and this document.' },
] as const;

function json(schema: z.ZodType, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

function problem(description: string) {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

function body(schema: z.ZodType, required = true) {
  return { required, content: { 'application/json': { schema } } };
}

const inputProblems = {
  400: problem('`invalid_request`, `invalid_amount`, `invalid_currency`'),
  401: problem('`unauthorized`; `age_token_invalid` if the token is the credential'),
  413: problem('`payload_too_large`'),
  415: problem('`unsupported_media_type`'),
  500: problem('`internal_error`'),
  503: problem('`store_unavailable`, `overloaded`, `age_keys_unavailable`, ... Retry unchanged.'),
} as const;

const TOO_MANY_PROOFS = '`too_many_proofs`: this key has to wait until its proofs expire';

/** A verb on one purchase: commit, release, refund. */
function settleRoute(verb: string, operationId: string, options: SettleOptions) {
  return createRoute({
    method: 'post',
    path: `/v1/purchases/{id}/${verb}`,
    operationId,
    summary: options.summary,
    description: options.description,
    tags: [PURCHASES],
    security: [{ [API_KEY]: [] }],
    request: { params: purchasePathSchema, body: body(options.schema, options.required ?? false) },
    responses: {
      200: json(purchaseAnswerSchema, 'The purchase after the call.'),
      ...inputProblems,
      404: problem('`purchase_not_found`'),
      ...(options.conflicts === undefined ? {} : { 409: problem(options.conflicts) }),
      ...(options.invalid === undefined ? {} : { 422: problem(options.invalid) }),
    },
  });
}

interface SettleOptions {
  readonly summary: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly required?: boolean;
  readonly conflicts?: string;
  readonly invalid?: string;
}

export const routes = {
  reserve: createRoute({
    method: 'post',
    path: '/v1/purchases',
    operationId: 'reservePurchase',
    summary: 'Reserve a purchase',
    description: 'Holds allowance before the charge. The id is the idempotency key.',
    tags: [PURCHASES],
    security: [{ [API_KEY]: [] }],
    request: { body: body(purchaseSchema) },
    responses: {
      200: json(
        reservationSchema,
        'Already reserved with this id: the first reservation, replayed.',
      ),
      201: json(reservationSchema, 'Reserved. Charge, then commit or release.'),
      ...inputProblems,
      403: json(refusedSchema, 'Refused, with every reason. Nothing is held.'),
      409: problem(
        '`purchase_conflict`: the id was used with other fields; `purchase_ended`: the hold has ended',
      ),
      422: problem('`age_token_invalid`, with `why`'),
      429: problem(TOO_MANY_PROOFS),
    },
  }),
  commit: settleRoute('commit', 'commitPurchase', {
    summary: 'Commit a purchase',
    description: 'The charge succeeded. The held amount counts as spent.',
    schema: commitSchema,
    conflicts: '`purchase_ended`; with a `permit` also `purchase_conflict`',
    invalid: '`permit_invalid`, with `why`: the ledger has no hold, and the permit proves none',
  }),
  release: settleRoute('release', 'releasePurchase', {
    summary: 'Release a purchase',
    description: 'The charge failed or was canceled. The held amount is available again.',
    schema: releaseSchema,
    conflicts: '`purchase_ended`',
  }),
  refund: settleRoute('refund', 'refundPurchase', {
    summary: 'Refund a purchase',
    description: 'Records a full or partial refund of a committed purchase.',
    schema: refundSchema,
    required: true,
    conflicts: '`purchase_not_committed`, `refund_conflict`, `refund_exceeds_purchase`',
  }),
  reverseRefund: settleRoute('reverse-refund', 'reverseRefund', {
    summary: 'Reverse a refund',
    description:
      'A recorded refund failed at the processor. Its amount counts again. The id of a refund that was ' +
      'never recorded is a 200 too, and a later refund with that id changes nothing.',
    schema: reverseRefundSchema,
    required: true,
  }),
  get: createRoute({
    method: 'get',
    path: '/v1/purchases/{id}',
    operationId: 'getPurchase',
    summary: 'Get a purchase',
    tags: [PURCHASES],
    security: [{ [API_KEY]: [] }],
    request: { params: purchasePathSchema },
    responses: {
      200: json(purchaseAnswerSchema, 'The purchase.'),
      400: inputProblems[400],
      401: inputProblems[401],
      404: problem('`purchase_not_found`'),
      500: inputProblems[500],
      503: inputProblems[503],
    },
  }),
  decide: createRoute({
    method: 'post',
    path: '/v1/decisions',
    operationId: 'decide',
    summary: 'Preview a decision',
    description: 'Would this purchase be allowed now? Reserves nothing.',
    tags: [PLAYERS],
    security: [{ [API_KEY]: [] }, { [AGE_TOKEN]: [] }, { [BOUND_AGE_TOKEN]: [] }],
    request: {
      body: {
        ...body(z.union([decisionSchema, playerDecisionSchema])),
        description:
          'With an API key a DecisionRequest, with an age token a PlayerDecisionRequest.',
      },
    },
    responses: {
      200: json(decisionAnswerSchema, 'Allowed or refused.'),
      ...inputProblems,
      422: problem('`age_token_invalid`, with `why`: the token in the body'),
      429: problem(TOO_MANY_PROOFS),
    },
  }),
  allowance: createRoute({
    method: 'get',
    path: '/v1/allowance',
    operationId: 'getAllowance',
    summary: 'Get the allowance of a player',
    description: 'Each cap with the amounts used and remaining, and the time of its reset.',
    tags: [PLAYERS],
    security: [{ [AGE_TOKEN]: [] }, { [BOUND_AGE_TOKEN]: [] }],
    request: { query: allowanceQuerySchema },
    responses: {
      200: json(allowanceSchema, "The allowance of the token's subject."),
      400: inputProblems[400],
      401: inputProblems[401],
      429: problem(TOO_MANY_PROOFS),
      500: inputProblems[500],
      503: inputProblems[503],
    },
  }),
  jwks: createRoute({
    method: 'get',
    path: '/.well-known/jwks.json',
    operationId: 'getPermitKeys',
    summary: 'Get the permit keys',
    description: 'The public keys that verify permits, as a JWK Set (RFC 7517).',
    tags: [OPERATIONS],
    security: [],
    responses: {
      200: json(z.object({ keys: z.array(z.record(z.string(), z.unknown())) }), 'The keys.'),
    },
  }),
  openapi: createRoute({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'Get this document',
    tags: [OPERATIONS],
    security: [],
    responses: { 200: json(z.record(z.string(), z.unknown()), 'OpenAPI 3.1.') },
  }),
  live: createRoute({
    method: 'get',
    path: '/health/live',
    operationId: 'live',
    summary: 'Check liveness',
    tags: [OPERATIONS],
    security: [],
    responses: { 200: json(z.object({ status: z.literal('ok') }), 'The process responds.') },
  }),
  ready: createRoute({
    method: 'get',
    path: '/health/ready',
    operationId: 'ready',
    summary: 'Check readiness',
    tags: [OPERATIONS],
    security: [],
    responses: {
      200: json(
        z.object({ status: z.literal('ok') }),
        'The store is available and a policy is in effect.',
      ),
      500: inputProblems[500],
      503: inputProblems[503],
    },
  }),
  metrics: createRoute({
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Get metrics',
    description: 'Prometheus text format.',
    tags: [OPERATIONS],
    security: [{ [API_KEY]: [] }],
    responses: {
      200: { description: 'The metrics.', content: { 'text/plain': { schema: z.string() } } },
      401: inputProblems[401],
      500: inputProblems[500],
    },
  }),
} as const satisfies Record<string, RouteConfig>;

export type RouteName = keyof typeof routes;

/** The routes that a player's browser may call: the only ones with CORS. */
export const PLAYER_ROUTES: ReadonlySet<string> = new Set<RouteName>(['decide', 'allowance']);
