import { createRoute, type z } from '@hono/zod-openapi';
import { problemSchema, purchaseAnswerSchema } from './answer-schemas.ts';
import { PROBLEMS } from './examples.ts';
import { purchasePathSchema } from './schemas.ts';

// What the routes are described with.

export const API_KEY = 'apiKey';
export const AGE_TOKEN = 'ageToken';
export const BOUND_AGE_TOKEN = 'boundAgeToken';

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

export const PURCHASES = 'Purchases';
export const PLAYERS = 'Players';
export const OPERATIONS = 'Operations';
export const TAGS = [
  { name: PURCHASES, description: 'The life of a purchase. For back ends, by API key.' },
  { name: PLAYERS, description: "What a player may spend. By the player's age token." },
  { name: OPERATIONS, description: 'Health, metrics, keys and this document.' },
] as const;

export function json(schema: z.ZodType, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

export function problem(description: string) {
  const example = PROBLEMS.find(({ code }) => description.includes(`\`${code}\``));
  const content = { schema: problemSchema, ...(example === undefined ? {} : { example }) };
  return { description, content: { 'application/problem+json': content } };
}

export function body(schema: z.ZodType, required = true) {
  return { required, content: { 'application/json': { schema } } };
}

/** Of a route without a body. */
export const readProblems = {
  400: problem('`invalid_request`, `invalid_amount`, `invalid_currency`'),
  401: problem('`unauthorized`; `age_token_invalid` if the token is the credential'),
  500: problem('`internal_error`'),
  503: problem('`store_unavailable`, `overloaded`, `age_keys_unavailable`, ... Retry unchanged.'),
} as const;

export const inputProblems = {
  ...readProblems,
  413: problem('`payload_too_large`'),
  415: problem('`unsupported_media_type`'),
} as const;

export const TOO_MANY_PROOFS = '`too_many_proofs`: this key has to wait until its proofs expire';

interface SettleOptions {
  readonly summary: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly required?: boolean;
  readonly conflicts?: string;
  readonly invalid?: string;
  /** The body may have an age token with a proof. */
  readonly proofs?: boolean;
}

/** A verb on one purchase: commit, release, refund. */
export function settleRoute(verb: string, operationId: string, options: SettleOptions) {
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
      ...(options.proofs === true ? { 429: problem(TOO_MANY_PROOFS) } : {}),
    },
  });
}
