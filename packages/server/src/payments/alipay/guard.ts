import { assertOptions, type OptionNames, type Refused } from '@spendcap/core';
import { checkLimiter, checkNow, forbidden, listenerOf } from '../deps.ts';
import type { Started } from '../start.ts';
import type { Fields } from './answers.ts';
import { type AlipayClient, checkClient, curlSigned, execSigned } from './client.ts';
import {
  assertPermitted,
  checkAllow,
  isSettle,
  isSigned,
  isStart,
  methodOfPath,
} from './methods.ts';
import { checkSellerId } from './notifications.ts';
import { bizOf, openParamsOf, paramsOf } from './params.ts';
import { processorOf } from './processor.ts';
import { sendOrder, sentSnapshot } from './send.ts';
import { settleTrade } from './settle.ts';
import { type Deps, startOrder } from './start.ts';
import { chinaTime } from './time.ts';
import type { AlipayDeps, AlipayPurchaseOptions, GuardedAlipay } from './types.ts';

/** Options of `guardAlipay`. */
export interface GuardAlipayOptions<S extends AlipayClient> extends AlipayDeps {
  /** Your client. The guard has its types. */
  readonly alipay: S;
  /**
   * API methods to permit without a hold: `['alipay.user.info.share']`. Anything they charge is not
   * limited.
   */
  readonly allow?: readonly string[];
}

const OPTIONS: OptionNames<GuardAlipayOptions<AlipayClient>> = {
  alipay: true,
  sellerId: true,
  limiter: true,
  now: true,
  onProblem: true,
  allow: true,
};

type Options = AlipayPurchaseOptions | undefined;

/**
 * Wraps your client of `alipay-sdk` so that no call charges a player beyond the caps. Calls that
 * start a charge take the purchase in `options.spendcap`, reserve it, and return
 * `{ allowed: true, purchase, orderString | page | result }` or the refusal; a refused purchase is
 * neither signed nor sent. `out_trade_no` and `time_expire` are derived from the purchase. Queries
 * are unchanged, and their signature is verified; close, cancel and refund settle the purchase;
 * every other method rejects with `payment_forbidden` unless `allow` lists it.
 *
 * A signed order can be paid until its `time_expire`, whatever is closed, so its hold stays until
 * then. Use the guard together with `processorWebhook` and `reconcile`, both with
 * `alipayProcessor`.
 *
 * @example
 * ```ts
 * import { cnGame, createLimiter } from '@spendcap/server';
 * import { guardAlipay } from '@spendcap/server/payments/alipay';
 * import { memoryStore } from '@spendcap/server/stores/memory';
 * import { fakeAlipay } from '@spendcap/sandbox';
 * import { AlipaySdk } from 'alipay-sdk';
 * const limiter = createLimiter({ policy: cnGame(), store: memoryStore() });
 * const alipay = new AlipaySdk(fakeAlipay().config);
 * const guard = guardAlipay({ alipay, sellerId: '2088000000000001', limiter });
 * const answer = await guard.sdkExec(
 *   'alipay.trade.app.pay',
 *   { bizContent: { total_amount: '6.00', subject: '60 gems' } },
 *   { spendcap: { id: 'order-1' } }, // no age token: this policy refuses
 * );
 * answer.allowed; // => false
 * ```
 * @throws TypeError for an invalid option or parameter, and from a start without `options.spendcap`
 * @throws SpendcapError `payment_forbidden`, `outcome_unknown`, `purchase_ended`,
 * `purchase_conflict`, `invalid_amount`, and the errors of the limiter's methods
 * @throws AlipayAnswerError if Alipay's signed answer certainly rejected the call
 */
export function guardAlipay<S extends AlipayClient>(
  options: GuardAlipayOptions<S>,
): GuardedAlipay<S> {
  assertOptions('guardAlipay', options, OPTIONS);
  const { alipay, sellerId, limiter, now = Date.now } = options;
  checkLimiter(limiter);
  checkNow(now);
  checkSellerId(sellerId);
  const allow = checkAllow(options.allow ?? []);
  const sdk = checkClient(alipay);
  const processor = processorOf(sdk, { sellerId, now });
  const deps: Deps = { sdk, sellerId, limiter, now, processor, ...listenerOf(options) };
  // The methods overload by their first argument, as the type declares.
  return Object.freeze(methodsOf(deps, allow)) as unknown as GuardedAlipay<S>;
}

function methodsOf(deps: Deps, allow: ReadonlySet<string>) {
  const { sdk, now } = deps;
  return {
    async exec(method: string, given?: object, options?: Options) {
      if (isSigned(method)) throw new TypeError(`${method}: use sdkExec or pageExec`);
      if (isStart(method)) {
        const { bizContent: biz, ...rest } = paramsOf(given);
        const started = await startOrder<Fields>(deps, {
          biz,
          options,
          call: (bizContent, purchaseId) =>
            sendOrder(deps, { method, params: { ...rest, bizContent }, purchaseId }),
          snapshotOf: (answer, purchaseId) => sentSnapshot(answer, { method, purchaseId }),
        });
        return named(started, 'result');
      }
      if (options !== undefined) throw new TypeError('options: only for calls that start a charge');
      if (isSettle(method)) return settleTrade(deps, method, paramsOf(given));
      assertPermitted(method, allow);
      const params = openParamsOf(given);
      return execSigned(sdk, method, { ...params, at: now() });
    },

    async curl(verb: string, path: string, given: RestOptions = {}) {
      const method = methodOfPath(path);
      const { spendcap, body, query, ...rest } = given;
      for (const name of Object.keys(rest)) throw new TypeError(`${name}: unsupported`);
      if (!isStart(method)) {
        if (spendcap !== undefined) throw new TypeError('spendcap: only to start a charge');
        if (isSettle(method)) throw new TypeError(`${method}: use exec`);
        assertPermitted(method, allow);
        return curlSigned(sdk, { verb, path, ...(body && { body }), ...(query && { query }) });
      }
      if (verb !== 'POST' || query !== undefined) throw new TypeError(`${method}: POST a body`);
      const started = await startOrder(deps, {
        biz: bizOf(body),
        options: spendcap === undefined ? undefined : { spendcap },
        call: (order) => curlSigned(sdk, { verb, path, body: order }),
        snapshotOf: ({ data }, purchaseId) => sentSnapshot(data, { method, purchaseId }),
      });
      return named(started, 'result');
    },

    async sdkExec(method: string, given: object, options?: Options) {
      assertSigned(method);
      const { bizContent: biz, ...rest } = paramsOf(given);
      const call = (bizContent: Fields) =>
        sdk.sdkExec(method, { ...rest, timestamp: chinaTime(now()), bizContent });
      return named(await startOrder(deps, { biz, options, call }), 'orderString');
    },

    async pageExec(method: string, verb: 'GET' | 'POST', ...more: [object, Options?]) {
      assertSigned(method);
      if (verb !== 'GET' && verb !== 'POST') {
        throw new TypeError('pageExec: expected GET or POST as the second argument');
      }
      const [given, options] = more;
      const { bizContent: biz, ...rest } = paramsOf(given);
      const call = (bizContent: Fields) =>
        sdk.pageExec(method, verb, { ...rest, timestamp: chinaTime(now()), bizContent });
      return named(await startOrder(deps, { biz, options, call }), 'page');
    },
  };
}

interface RestOptions extends Partial<AlipayPurchaseOptions> {
  readonly body?: Fields;
  readonly query?: Fields;
}

function assertSigned(method: string): void {
  // Whoever holds a signed text can send it, so nothing else is signed for others.
  if (!isSigned(method)) throw forbidden(`${String(method)} is not signed for a buyer's device.`);
}

/** The answer under its own name. */
function named<T, N extends string>(started: Refused | Started<T>, name: N) {
  if (!started.allowed) return started;
  const { answer, ...reservation } = started;
  return { ...reservation, [name]: answer };
}
