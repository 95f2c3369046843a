import { assertOptions, type Money, type OptionNames } from '@spendcap/core';
import type { Limiter } from '../../../limiter/types.ts';
import { checkLimiter, checkNow, checkTimeout, listenerOf, type PaymentDeps } from '../../deps.ts';
import type { PaymentProblem } from '../../problems.ts';

/** A player of the game, as WeChat knows the device's login. */
export interface VirtualPlayer {
  readonly openid: string;
  /** Of `jscode2session`. */
  readonly sessionKey: string;
  /** The zone in which the goods were bought. Default `1`. */
  readonly zoneId?: string;
}

/** How a mini-game is paid, for guard and processor. */
export interface WechatVirtualOptions {
  readonly limiter: Limiter;
  readonly offerId: string;
  /** The app key of the environment: live and sandbox have their own. */
  readonly appKey: string;
  readonly env: 'live' | 'sandbox';
  /** The access token of `getStableAccessToken`, for queries. */
  readonly accessToken: () => Promise<string>;
  /**
   * The player of a purchase, for queries; `null` if the session key is not known any more. The
   * purchase is then settled by its notification alone.
   */
  readonly playerOf: (purchaseId: string) => Promise<VirtualPlayer | null>;
  /** Default `https://api.weixin.qq.com`. */
  readonly baseUrl?: string;
  /** Time limit of a query in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default: the global `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Called for what the ledger rejected permanently when the answer of a call was applied. */
  readonly onProblem?: (problem: PaymentProblem) => unknown;
}

const OPTIONS: OptionNames<WechatVirtualOptions> = {
  limiter: true,
  offerId: true,
  appKey: true,
  env: true,
  accessToken: true,
  playerOf: true,
  baseUrl: true,
  timeoutMs: true,
  fetch: true,
  now: true,
  onProblem: true,
};

/** Checked options, with their defaults. */
export interface Game extends Required<Omit<WechatVirtualOptions, 'env' | 'onProblem'>> {
  readonly listening: Pick<PaymentDeps, 'onProblem'>;
  /** As WeChat numbers it. */
  readonly env: 0 | 1;
}

/** @throws TypeError for an option that can never work; it never quotes a key */
export function gameOf(owner: string, options: WechatVirtualOptions): Game {
  assertOptions(owner, options, OPTIONS);
  const { limiter, offerId, appKey, env, accessToken, playerOf } = options;
  const { baseUrl = 'https://api.weixin.qq.com', timeoutMs = 10_000, now = Date.now } = options;
  const { fetch = (request: Request) => globalThis.fetch(request) } = options;
  checkLimiter(limiter);
  checkNow(now);
  if (!isText(offerId)) throw new TypeError('offerId: expected the id of the offer');
  if (!isText(appKey)) throw new TypeError('appKey: expected the app key of the environment');
  if (env !== 'live' && env !== 'sandbox') throw new TypeError('env: expected live or sandbox');
  for (const [name, value] of Object.entries({ accessToken, playerOf, fetch })) {
    if (typeof value !== 'function') throw new TypeError(`${name}: expected a function`);
  }
  if (typeof baseUrl !== 'string' || !/^https?:\/\/[^/?#]+$/.test(baseUrl)) {
    throw new TypeError('baseUrl: expected an origin');
  }
  checkTimeout(timeoutMs);
  const number = env === 'live' ? 0 : 1;
  return {
    ...{ limiter, offerId, appKey, accessToken, playerOf, baseUrl, timeoutMs, fetch, now },
    env: number,
    listening: listenerOf(options),
  };
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && /^\S{1,128}$/.test(value);
}

/** WeChat Pay's documents: at most 32 characters, not beginning with `_`, used once. */
export function gameTradeNoOf(purchaseId: string): string {
  if (/^(?!_)[\w-]{1,32}$/.test(purchaseId)) return purchaseId;
  throw new TypeError('id: mini-games take 1 to 32 letters, digits, _ or -, not beginning with _');
}

/** What a hold keeps as `processorRef`: a number is unique within one offer and environment. */
export function gameRefOf({ offerId, env }: Game): string {
  return `${offerId}/${env}`;
}

/** The price that a purchase was held with: some messages of the platform state no amount. */
export async function heldPrice({ limiter }: Game, purchaseId: string): Promise<Money | null> {
  if (!/^[\w-]{1,32}$/.test(purchaseId)) return null;
  const purchase = await limiter.get(purchaseId);
  return purchase === null ? null : { amount: purchase.amount, currency: purchase.currency };
}
