import type { PaymentSnapshot, Purchase } from '@spendcap/core';
import { withDeadline } from '../../deadline.ts';
import { readBody } from '../../raw-body.ts';
import { objectIn } from '../client.ts';
import { type Game, gameTradeNoOf } from './game.ts';
import { hmac, paySignature } from './signature.ts';

const PATH = '/wxa/game/queryorderinfo';
const MAX_ANSWER_BYTES = 65_536;
/** `biz_id` of goods; coins are 1. */
const GOODS = 2;
const PAID = 2;
const NOT_FOUND = 90_019;

/**
 * Queries a purchase. The answer is authenticated by TLS alone and states no amount: a paid one is
 * captured as held, since the price was signed into the payment.
 *
 * @throws Error if the platform refuses the query or is busy
 */
export async function queryGame(game: Game, held: Purchase): Promise<PaymentSnapshot> {
  const { id: purchaseId, amount, currency } = held;
  const unseen = { purchaseId, state: 'unseen', captured: null, refunds: [] } as const;
  const player = await game.playerOf(purchaseId);
  if (player === null) return unseen;
  const body = JSON.stringify({
    openid: player.openid,
    offer_id: game.offerId,
    ts: Math.floor(game.now() / 1_000),
    zone_id: player.zoneId ?? '1',
    env: game.env,
    out_trade_no: gameTradeNoOf(purchaseId),
    biz_id: GOODS,
  });
  const url = new URL(game.baseUrl + PATH);
  url.search = new URLSearchParams({
    access_token: await game.accessToken(),
    signature: hmac(player.sessionKey, body),
    sig_method: 'hmac_sha256',
    pay_sig: paySignature(game.appKey, PATH, body),
  }).toString();
  const answer = await send(game, url, body);
  if (answer.errcode === NOT_FOUND) return unseen;
  // The error names no token: it is in the address.
  if (answer.errcode !== 0) throw new Error(`WeChat refused a query: ${Number(answer.errcode)}.`);
  if (answer.out_trade_no !== purchaseId) {
    throw new Error('WeChat answered a query with another order.');
  }
  if (answer.pay_state !== PAID) return { ...unseen, state: 'open' };
  return { purchaseId, state: 'closed', captured: { amount, currency }, refunds: [] };
}

async function send({ fetch, timeoutMs }: Game, url: URL, body: string) {
  const headers = { 'content-type': 'application/json' };
  return withDeadline(timeoutMs, async (signal) => {
    const init = { method: 'POST', headers, body, redirect: 'error', signal } as const;
    const response = await fetch(new Request(url, init));
    const bytes = await readBody(response, MAX_ANSWER_BYTES);
    const answer = bytes === null || response.status !== 200 ? null : objectIn(bytes);
    if (answer === null) throw new Error(`WeChat answered a query with ${response.status}.`);
    return answer;
  });
}
