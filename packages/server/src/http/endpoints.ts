import { type Decision, type Purchase, SpendcapError } from '@spendcap/core';
import type { Limiter, Player } from '../limiter/types.ts';
import { ID_PATTERN } from '../limiter/validate.ts';
import type { Authenticator } from './auth.ts';
import { readJson, validate } from './body.ts';
import { HttpProblem, SECURITY_HEADERS, unauthorized } from './problems.ts';
import type { Proofs } from './proofs.ts';
import { readiness } from './readiness.ts';
import type { RouteName } from './routes.ts';
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
import type { Metrics } from './types.ts';

/** One call of an endpoint: the request, and the id in its path or an empty string. */
export interface Call {
  readonly request: Request;
  readonly id: string;
}

export type Endpoint = (call: Call) => Promise<Response>;

export interface EndpointOptions {
  readonly limiter: Limiter;
  readonly authenticator: Authenticator;
  readonly decided: (decision: Decision) => void;
  readonly exposition: Metrics['exposition'] | undefined;
  readonly proofs: Proofs;
  readonly maxBytes: number;
  readonly openApi: () => string;
}

const PRIVATE = { 'cache-control': 'no-store', ...SECURITY_HEADERS } as const;
const PRIVATE_JSON = { 'content-type': 'application/json', ...PRIVATE } as const;
const PUBLIC_JSON = {
  'content-type': 'application/json',
  'cache-control': 'public, max-age=300',
  ...SECURITY_HEADERS,
} as const;

/** What each route does. The handler turns whatever they throw into a problem. */
export function createEndpoints(options: EndpointOptions): Record<RouteName, Endpoint> {
  return {
    ...purchaseEndpoints(options),
    ...playerEndpoints(options),
    ...publicEndpoints(options),
  };
}

function purchaseEndpoints({ limiter, authenticator, decided, proofs, maxBytes }: EndpointOptions) {
  const required = { maxBytes };
  const optional = { maxBytes, optional: true };

  /** Checks the API key, then the id, before the body is read. */
  const idOf = ({ request, id }: Call): string => {
    authenticator.operator(request);
    if (!ID_PATTERN.test(id)) validate({ id }, purchasePathSchema);
    return id;
  };

  return {
    async reserve({ request }) {
      authenticator.operator(request);
      const body = await readJson(request, purchaseSchema, required);
      const decision = await limiter.reserve(proofs.inBody(body, '/v1/purchases'));
      if (decision.allowed && decision.replayed) return json(decision, 200);
      decided(decision);
      return json(decision, decision.allowed ? 201 : 403);
    },
    async commit(call) {
      const id = idOf(call);
      return json(await limiter.commit(id, await readJson(call.request, commitSchema, optional)));
    },
    async release(call) {
      const id = idOf(call);
      return json(await limiter.release(id, await readJson(call.request, releaseSchema, optional)));
    },
    async record(call) {
      const id = idOf(call);
      const body = await readJson(call.request, recordSchema, required);
      const charge = proofs.inBody(body, `/v1/purchases/${id}/record`);
      return json(await limiter.record({ ...charge, id }));
    },
    async attach(call) {
      const id = idOf(call);
      return json(await limiter.attach(id, await readJson(call.request, attachSchema, required)));
    },
    async refund(call) {
      const id = idOf(call);
      return json(await limiter.refund(id, await readJson(call.request, refundSchema, required)));
    },
    async reverseRefund(call) {
      const id = idOf(call);
      const refund = await readJson(call.request, reverseRefundSchema, required);
      return json(await limiter.reverseRefund(id, refund));
    },
    async get(call) {
      const purchase: Purchase | null = await limiter.get(idOf(call));
      if (purchase === null) {
        throw new SpendcapError('purchase_not_found', 'No purchase has this id.');
      }
      return json(purchase);
    },
    async overdue({ request }) {
      authenticator.operator(request);
      const { after, ...which } = validate(queryOf(request), overdueQuerySchema);
      const [expiresAt = '', id = ''] = after?.split(',') ?? [];
      const place = after === undefined ? {} : { after: { id, expiresAt } };
      const purchases = await limiter.overdue({ ...which, ...place });
      const last = purchases.at(-1);
      return json({ purchases, next: last ? `${last.expiresAt},${last.id}` : null });
    },
  } satisfies Partial<Record<RouteName, Endpoint>>;
}

/** A preview by `POST`: its path, and how the body of a back end and that of a player are read. */
interface Preview<Whole, Own> {
  readonly path: string;
  readonly whole: (request: Request) => Promise<Whole>;
  readonly own: (request: Request) => Promise<Own>;
  preview(wanted: (Omit<Whole, 'proof'> | Own) & Player): Promise<unknown>;
}

function playerEndpoints({ limiter, authenticator, decided, proofs, maxBytes }: EndpointOptions) {
  /** For a back end, which sends the player's token, or for the player, who is the caller. */
  const previewing =
    <Whole extends { readonly proof?: string }, Own>(of: Preview<Whole, Own>): Endpoint =>
    async ({ request }) => {
      const caller = authenticator.caller(request);
      if (caller.kind === 'operator') {
        return json(await of.preview(proofs.inBody(await of.whole(request), of.path)));
      }
      const player = proofs.inHeader(request, caller, of.path);
      return asPlayer(async () => {
        // Before the body: only a verified player's is read and parsed.
        const evidence = await limiter.verifyAge(player);
        if (evidence === null) throw new SpendcapError('unauthorized', 'Send an age token.');
        // Neither another token nor a guardian's approval can be sent by a player.
        return json(await of.preview({ ...(await of.own(request)), evidence }));
      });
    };
  return {
    decide: previewing({
      path: '/v1/decisions',
      whole: (request) => readJson(request, decisionSchema, { maxBytes }),
      own: (request) => readJson(request, playerDecisionSchema, { maxBytes }),
      async preview(wanted) {
        const decision = await limiter.check(wanted);
        decided(decision);
        return decision;
      },
    }),
    // Looking at a shelf is no decision that a metric should count.
    decideMany: previewing({
      path: '/v1/decisions/batch',
      whole: (request) => readJson(request, shelfSchema, { maxBytes }),
      own: (request) => readJson(request, playerShelfSchema, { maxBytes }),
      preview: (wanted) => limiter.checkMany(wanted),
    }),
    async allowance({ request }) {
      const caller = authenticator.caller(request);
      if (caller.kind === 'operator') {
        throw new SpendcapError(
          'unauthorized',
          "An allowance requires the player's age token, not an API key.",
        );
      }
      const query = validate(queryOf(request), allowanceQuerySchema);
      const player = proofs.inHeader(request, caller, '/v1/allowance');
      return asPlayer(async () => json(await limiter.allowance({ ...query, ...player })));
    },
  } satisfies Partial<Record<RouteName, Endpoint>>;
}

function publicEndpoints({ limiter, authenticator, exposition, openApi }: EndpointOptions) {
  const keys = JSON.stringify(limiter.jwks);
  const ready = readiness(limiter);
  return {
    jwks: async () => new Response(keys, { headers: PUBLIC_JSON }),
    openapi: async () => new Response(openApi(), { headers: PUBLIC_JSON }),
    live: async () => json({ status: 'ok' }),
    async ready() {
      await ready();
      return json({ status: 'ok' });
    },
    async metrics({ request }) {
      authenticator.operator(request);
      if (exposition === undefined) throw new HttpProblem('not_found', 'No metrics are collected.');
      const { contentType, text } = await exposition();
      return new Response(text, { headers: { 'content-type': contentType, ...PRIVATE } });
    },
  } satisfies Partial<Record<RouteName, Endpoint>>;
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: PRIVATE_JSON });
}

/** An invalid age token is a 401 as the credential, a 422 in a body. */
async function asPlayer(respond: () => Promise<Response>): Promise<Response> {
  try {
    return await respond();
  } catch (error) {
    if (SpendcapError.isInstance(error) && error.code === 'age_token_invalid') {
      return unauthorized(error);
    }
    throw error;
  }
}

/** The parameters; a repeated one is an array, which no schema accepts. */
function queryOf(request: Request): object {
  const query = new Map<string, string | readonly string[]>();
  for (const [name, value] of new URL(request.url).searchParams) {
    query.set(name, query.has(name) ? [] : value);
  }
  // Not by assignment, which would set the prototype for the name `__proto__`.
  return Object.fromEntries(query);
}
