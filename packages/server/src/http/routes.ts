import { createRoute, type RouteConfig, z } from '@hono/zod-openapi';
import {
  allowanceSchema,
  decisionAnswerSchema,
  decisionBatchSchema,
  overduePageSchema,
  purchaseAnswerSchema,
  refusedSchema,
  reservationSchema,
} from './answer-schemas.ts';
import {
  AGE_TOKEN,
  API_KEY,
  BOUND_AGE_TOKEN,
  body,
  inputProblems,
  json,
  OPERATIONS,
  PLAYERS,
  PURCHASES,
  problem,
  readProblems,
  settleRoute,
  TOO_MANY_PROOFS,
} from './route-parts.ts';
import {
  allowanceQuerySchema,
  attachSchema,
  commitSchema,
  decisionSchema,
  overdueQuerySchema,
  playerDecisionSchema,
  playerShelfSchema,
  purchasePathSchema,
  purchaseSchema,
  recordSchema,
  refundSchema,
  releaseSchema,
  reverseRefundSchema,
  shelfSchema,
} from './schemas.ts';

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
  record: settleRoute('record', 'recordPurchase', {
    summary: 'Record a charge without a hold',
    description:
      'Money that was charged with no hold, such as a renewal: committed and `late`, past every cap. ' +
      'If there is a hold with this id, it is committed.',
    schema: recordSchema,
    required: true,
    conflicts: '`purchase_conflict`, `purchase_ended`',
    invalid: '`age_token_invalid`, with `why`',
    proofs: true,
  }),
  attach: settleRoute('attach', 'attachReference', {
    summary: 'Attach the reference of a payment',
    description:
      "Stores the processor's own name of the payment, once, when it was not known before the charge. " +
      'The purchase must have been reserved with this `processor`.',
    schema: attachSchema,
    required: true,
    conflicts: '`purchase_conflict`: it has another processor or another reference',
  }),
  refund: settleRoute('refund', 'refundPurchase', {
    summary: 'Refund a purchase',
    description:
      'Records a full or partial refund of a committed purchase, or up to a running total.',
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
      ...readProblems,
      404: problem('`purchase_not_found`'),
    },
  }),
  overdue: createRoute({
    method: 'get',
    path: '/v1/overdue',
    operationId: 'listOverdue',
    summary: 'List overdue holds',
    description:
      "Expired holds with `onExpiry: 'reconcile'`, oldest first, page by page. Query the processor about " +
      'each, then commit or release it.',
    tags: [PURCHASES],
    security: [{ [API_KEY]: [] }],
    request: { query: overdueQuerySchema },
    responses: {
      200: json(overduePageSchema, 'A page. The last one is empty, and its `next` is `null`.'),
      ...readProblems,
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
  decideMany: createRoute({
    method: 'post',
    path: '/v1/decisions/batch',
    operationId: 'decideMany',
    summary: 'Preview the decisions on a shelf',
    description:
      'Which of up to 100 products would be allowed now, each as if only it was bought? The decisions ' +
      'are in the order of the products. Reserves nothing.',
    tags: [PLAYERS],
    security: [{ [API_KEY]: [] }, { [AGE_TOKEN]: [] }, { [BOUND_AGE_TOKEN]: [] }],
    request: {
      body: {
        ...body(z.union([shelfSchema, playerShelfSchema])),
        description:
          'With an API key a DecisionBatchRequest, with an age token a PlayerDecisionBatchRequest.',
      },
    },
    responses: {
      200: json(decisionBatchSchema, 'A decision for each product, and the allowance of them all.'),
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
      ...readProblems,
      429: problem(TOO_MANY_PROOFS),
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
        'Purchases can succeed: the store takes writes, a policy is in effect, and the keys of an ' +
          'age issuer can be read. An answer is up to a second old.',
      ),
      500: readProblems[500],
      503: readProblems[503],
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
      401: readProblems[401],
      500: readProblems[500],
    },
  }),
} as const satisfies Record<string, RouteConfig>;

export type RouteName = keyof typeof routes;

/** The routes that a player's browser may call: the only ones with CORS. */
export const PLAYER_ROUTES: ReadonlySet<string> = new Set<RouteName>([
  'decide',
  'decideMany',
  'allowance',
]);
