import { type AppliedCharge, cnGame } from '@spendcap/core';
import { type FakePlayBuy, type FakePlayNotice, fakeGooglePlay } from '@spendcap/sandbox';
import { createLimiter } from '@spendcap/server';
import type { PaymentProblem } from '@spendcap/server/payments';
import type { GuardGooglePlayOptions } from '@spendcap/server/payments/google-play';
import { anyStore } from '../../../support/any-store.ts';
import { serveGooglePlay } from '../../../support/processors/google-play.ts';
import { cny, evidenceOf, START } from '../engine-kit.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

const player = (name: string) => ({
  evidence: { ...evidenceOf(name), expiresAt: START + 365 * DAY },
});
export const lin = player('lin');
export const friend = player('friend');
const products = {
  gem60: { currency: 'CNY', micros: 30_000_000 },
  gem80: { currency: 'CNY', micros: 40_000_000 },
  pass: { currency: 'CNY', micros: 25_000_000 },
};

export interface GameOptions extends Partial<Omit<GuardGooglePlayOptions, 'play' | 'limiter'>> {
  /** Replaces members of the orders that Google returns. */
  readonly alter?: object;
}

/** A game of a player of 12, who may spend 50 at a time and 200 a month. */
export function game({ alter, ...options }: GameOptions = {}) {
  const clock = { at: START };
  const now = () => clock.at;
  const fake = fakeGooglePlay({ now, products });
  const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now });
  const problems: PaymentProblem[] = [];
  const onProblem = (problem: PaymentProblem) => problems.push(problem);
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const response = await fake.fetch(input, init);
    if (alter === undefined || !String(input).includes('/orders/')) return response;
    return Response.json({ ...((await response.json()) as object), ...alter });
  };
  const served = serveGooglePlay({ fake, limiter, now, fetch, onProblem, ...options });
  const { guard, webhook } = served;

  const begin = (id = 'order-1', amount = '30.00', product = 'gem60') =>
    guard.begin({ id, product, ...lin, ...cny(amount) });
  return {
    ...{ clock, fake, limiter, problems, begin, ...served },
    /** The sheet is opened with what `begin` returned, and the player buys. */
    async buy(more: Partial<FakePlayBuy> & { readonly id?: string } = {}) {
      const { id = 'order-1', ...change } = more;
      const held = await begin(id);
      if (!held.allowed) throw new Error('refused');
      const { obfuscatedProfileId, obfuscatedAccountId } = held;
      const ids = { obfuscatedProfileId, obfuscatedAccountId: obfuscatedAccountId ?? '' };
      return fake.device.buy({ productId: 'gem60', ...ids, ...change });
    },
    confirm: (
      { purchaseToken, productId }: { readonly purchaseToken: string; readonly productId: string },
      by: typeof lin | Record<string, never> = lin,
    ) => guard.confirm({ purchaseToken, productId, ...by }),
    confirmPass: (purchaseToken: string) =>
      guard.confirm({ purchaseToken, productId: 'pass', type: 'subs', ...lin }),
    /** The statuses of the answers. */
    async deliver(notices: readonly FakePlayNotice[] = [...fake.notices]) {
      return (await fake.deliver(notices, webhook)).map(({ status }) => status);
    },
    async used({ evidence } = lin) {
      const { limits } = await limiter.allowance({ evidence });
      return limits.find(({ period }) => period === 'month')?.used;
    },
    /** What was called, without names. */
    calls: () => fake.requests.map(({ target }) => callIn(target)),
    codes: () => problems.map(({ code }) => code),
  };
}

function callIn(target: string): string {
  const [path = ''] = target.split('?');
  const [, action] = /:(\w+)$/.exec(path) ?? [];
  const [, , , , , area, kind] = path.split('/');
  return action ?? (area === 'purchases' ? kind : area) ?? '';
}

export const outcome = ({ result, wasHeld }: AppliedCharge) => [result, wasHeld];
