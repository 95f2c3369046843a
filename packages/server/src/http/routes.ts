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
    description: "One of the operator's API keys. For back ends only.",
  },
  [AGE_TOKEN]: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "A player's age token: reads that player's allowance, and asks for decisions.",
  },
  [BOUND_AGE_TOKEN]: {
    type: 'http',
    scheme: 'DPoP',
    description:
      "A player's age token that is bound to a key, beside a proof in `DPoP` (RFC 9449).",
  },
} as const;

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
  401: problem('`unauthorized`, or `age_token_invalid` for a bearer token'),
  413: problem('`payload_too_large`'),
  415: problem('`unsupported_media_type`'),
  500: problem('`internal_error`'),
  503: problem('`store_unavailable`, `overloaded`, `age_keys_unavailable`, ...: retry as it is'),
} as const;

/** A verb on one purchase: commit, release, refund. */
function settleRoute(verb: string, operationId: string, options: SettleOptions) {
  return createRoute({
    method: 'post',
    path: `/v1/purchases/{id}/${verb}`,
    operationId,
    summary: options.summary,
    security: [{ [API_KEY]: [] }],
    request: { params: purchasePathSchema, body: body(options.schema, options.required ?? false) },
    responses: {
      200: json(purchaseAnswerSchema, 'The purchase as it is now.'),
      ...inputProblems,
      404: problem('`purchase_not_found`'),
      409: problem(options.conflicts),
      ...(options.invalid === undefined ? {} : { 422: problem(options.invalid) }),
    },
  });
}

interface SettleOptions {
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly required?: boolean;
  readonly conflicts: string;
  readonly invalid?: string;
}

export const routes = {
  reserve: createRoute({
    method: 'post',
    path: '/v1/purchases',
    operationId: 'reservePurchase',
    summary: 'Hold allowance for a purchase before it is charged.',
    security: [{ [API_KEY]: [] }],
    request: { body: body(purchaseSchema) },
    responses: {
      200: json(reservationSchema, 'Reserved before with this id: the first answer again.'),
      201: json(reservationSchema, 'Reserved. Charge, then commit or release.'),
      ...inputProblems,
      403: json(refusedSchema, 'Refused, with every reason. Nothing was held.'),
      409: problem(
        '`purchase_conflict`: this id was used with other inputs; `purchase_ended`: its hold is over',
      ),
      422: problem('`age_token_invalid`, with `why`'),
    },
  }),
  commit: settleRoute('commit', 'commitPurchase', {
    summary: 'The money moved.',
    schema: commitSchema,
    conflicts: '`purchase_ended`; with a `permit` also `purchase_conflict`',
    invalid:
      '`permit_invalid`, with `why`: the purchase is unknown, and the permit does not tell of it',
  }),
  release: settleRoute('release', 'releasePurchase', {
    summary: 'The money will not move: give the hold back.',
    schema: releaseSchema,
    conflicts: '`purchase_ended`',
  }),
  refund: settleRoute('refund', 'refundPurchase', {
    summary: 'Money went back.',
    schema: refundSchema,
    required: true,
    conflicts: '`purchase_not_committed`, `refund_conflict`, `refund_exceeds_purchase`',
  }),
  reverseRefund: settleRoute('reverse-refund', 'reverseRefund', {
    summary: 'A recorded refund failed at the processor: it counts again.',
    schema: reverseRefundSchema,
    required: true,
    conflicts: '`purchase_not_committed`',
  }),
  get: createRoute({
    method: 'get',
    path: '/v1/purchases/{id}',
    operationId: 'getPurchase',
    summary: 'One purchase.',
    security: [{ [API_KEY]: [] }],
    request: { params: purchasePathSchema },
    responses: {
      200: json(purchaseAnswerSchema, 'The purchase as it is now.'),
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
    summary: 'What a purchase would be told now. Holds nothing.',
    security: [{ [API_KEY]: [] }, { [AGE_TOKEN]: [] }, { [BOUND_AGE_TOKEN]: [] }],
    request: { body: body(z.union([decisionSchema, playerDecisionSchema])) },
    responses: {
      200: json(decisionAnswerSchema, 'Allowed or refused.'),
      ...inputProblems,
      422: problem('`age_token_invalid`, with `why`: the token in the body'),
    },
  }),
  allowance: createRoute({
    method: 'get',
    path: '/v1/allowance',
    operationId: 'getAllowance',
    summary: "The caller's own caps: used, remaining, and when they reset.",
    security: [{ [AGE_TOKEN]: [] }, { [BOUND_AGE_TOKEN]: [] }],
    request: { query: allowanceQuerySchema },
    responses: {
      200: json(allowanceSchema, "The allowance of the token's subject."),
      400: inputProblems[400],
      401: inputProblems[401],
      500: inputProblems[500],
      503: inputProblems[503],
    },
  }),
  jwks: createRoute({
    method: 'get',
    path: '/.well-known/jwks.json',
    operationId: 'getPermitKeys',
    summary: 'The public keys of permits, a JWK Set (RFC 7517).',
    security: [],
    responses: {
      200: json(z.object({ keys: z.array(z.record(z.string(), z.unknown())) }), 'The keys.'),
    },
  }),
  openapi: createRoute({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    summary: 'This document.',
    security: [],
    responses: { 200: json(z.record(z.string(), z.unknown()), 'OpenAPI 3.1.') },
  }),
  live: createRoute({
    method: 'get',
    path: '/health/live',
    operationId: 'live',
    summary: 'The process answers.',
    security: [],
    responses: { 200: json(z.object({ status: z.literal('ok') }), 'It does.') },
  }),
  ready: createRoute({
    method: 'get',
    path: '/health/ready',
    operationId: 'ready',
    summary: 'The store can serve.',
    security: [],
    responses: {
      200: json(z.object({ status: z.literal('ok') }), 'It can.'),
      500: inputProblems[500],
      503: inputProblems[503],
    },
  }),
  metrics: createRoute({
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Figures in Prometheus text format.',
    security: [{ [API_KEY]: [] }],
    responses: {
      200: { description: 'The figures.', content: { 'text/plain': { schema: z.string() } } },
      401: inputProblems[401],
    },
  }),
} as const satisfies Record<string, RouteConfig>;

export type RouteName = keyof typeof routes;

/** The routes that a browser may call for a player, so the only ones with CORS. */
export const PLAYER_ROUTES: ReadonlySet<string> = new Set<RouteName>(['decide', 'allowance']);
