import { createSession, expireSession, findSession } from './checkout.ts';
import { ApiError, invalidParameter, missing } from './errors.ts';
import type { FormObject } from './form.ts';
import { objectIn, textIn } from './form.ts';
import { findPayment } from './parameters.ts';
import {
  cancelPaymentIntent,
  capturePaymentIntent,
  confirmPaymentIntent,
  createPaymentIntent,
} from './payment-intents.ts';
import { createRefund } from './refunds.ts';
import type { State } from './state.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly params: FormObject;
}

type Handler = (state: State, params: FormObject, id: string) => unknown;

const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  ['POST', /^\/v1\/payment_intents$/, createPaymentIntent],
  [
    'GET',
    /^\/v1\/payment_intents$/,
    (s, params) => list('payment_intents', s.paymentIntents, params),
  ],
  ['GET', /^\/v1\/payment_intents\/search$/, searchPayments],
  ['GET', /^\/v1\/payment_intents\/(\w+)$/, (s, _, id) => findPayment(s, id)],
  ['POST', /^\/v1\/payment_intents\/(\w+)\/confirm$/, (s, p, id) => confirmPaymentIntent(s, id, p)],
  ['POST', /^\/v1\/payment_intents\/(\w+)\/capture$/, (s, p, id) => capturePaymentIntent(s, id, p)],
  ['POST', /^\/v1\/payment_intents\/(\w+)\/cancel$/, (s, p, id) => cancelPaymentIntent(s, id, p)],
  ['POST', /^\/v1\/checkout\/sessions$/, createSession],
  ['GET', /^\/v1\/checkout\/sessions$/, (s, p) => list('checkout/sessions', s.sessions, p)],
  ['GET', /^\/v1\/checkout\/sessions\/(\w+)$/, (s, _, id) => findSession(s, id)],
  ['POST', /^\/v1\/checkout\/sessions\/(\w+)\/expire$/, (s, _, id) => expireSession(s, id)],
  ['POST', /^\/v1\/refunds$/, createRefund],
  ['GET', /^\/v1\/refunds$/, (s, params) => list('refunds', s.refunds, params)],
  ['GET', /^\/v1\/refunds\/(\w+)$/, (s, _, id) => found('refund', s.refunds, id)],
  ['GET', /^\/v1\/charges$/, (s, params) => list('charges', s.charges, params)],
  ['GET', /^\/v1\/charges\/(\w+)$/, (s, _, id) => found('charge', s.charges, id)],
];

/** Executes one request. @throws ApiError for an error response */
export function perform(state: State, { method, path, params }: Call): unknown {
  for (const [verb, pattern, handler] of ROUTES) {
    const match = pattern.exec(path);
    if (match !== null && verb === method) return handler(state, params, match[1] ?? '');
  }
  const message = `Unrecognized request URL (${method}: ${path}).`;
  throw new ApiError(404, { type: 'invalid_request_error', message });
}

function found<T>(kind: string, objects: ReadonlyMap<string, T>, id: string): T {
  const object = objects.get(id);
  if (object === undefined) throw missing(kind, id);
  return object;
}

const FILTERS = ['payment_intent', 'charge', 'status', 'customer'];

/** One page, newest first, with the filters and cursor of the API. */
function list<T extends { readonly id: string; readonly created: number }>(
  name: string,
  objects: ReadonlyMap<string, T>,
  params: FormObject,
) {
  const created = objectIn(params, 'created');
  const matching = [...objects.values()].reverse().filter((object) => {
    const at = object.created;
    if (at < Number(textIn(created, 'gte') ?? 0)) return false;
    if (at > Number(textIn(created, 'lte') ?? Infinity)) return false;
    return FILTERS.every((filter) => {
      const wanted = textIn(params, filter);
      return wanted === undefined || Reflect.get(object, filter) === wanted;
    });
  });
  const after = textIn(params, 'starting_after');
  const start = after === undefined ? 0 : matching.findIndex(({ id }) => id === after) + 1;
  const end = start + limitIn(params);
  const data = matching.slice(start, end);
  return { object: 'list', url: `/v1/${name}`, has_more: end < matching.length, data };
}

function limitIn(params: FormObject): number {
  const limit = Number(textIn(params, 'limit') ?? 10);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 100) return limit;
  throw invalidParameter('limit', 'This value must be between 1 and 100.');
}

const METADATA_QUERY = /^metadata\["((?:[^"\\]|\\.)*)"\]:"((?:[^"\\]|\\.)*)"$/;

function searchPayments(state: State, params: FormObject) {
  limitIn(params);
  const match = METADATA_QUERY.exec(textIn(params, 'query') ?? '');
  if (match === null) throw invalidParameter('query', 'This fake supports metadata queries only.');
  const [key = '', value = ''] = match.slice(1).map((text) => text.replaceAll(/\\(.)/g, '$1'));
  const data = [...state.paymentIntents.values()].filter(({ metadata }) => metadata[key] === value);
  return {
    object: 'search_result',
    url: '/v1/payment_intents/search',
    has_more: false,
    next_page: null,
    data,
  };
}
