import { type Drawing, minorOf, playerOf } from './drawing.ts';
import { type Action, type Sale, STRIPE_DEEDS, type StripeDeed } from './history.ts';
import type { Random } from './random.ts';

export function saleOf(drawing: Drawing): Action {
  const { random, sales } = drawing;
  const known = sales.length > 0 && random.chance(0.15) ? random.pick(sales.slice(-4)) : undefined;
  if (known !== undefined) {
    const { how, ...sale } = known;
    return { do: how, sale };
  }
  const how = random.chance(0.7) ? 'pay' : 'checkout';
  const currency = random.weighted({ CNY: 80, USD: 10, JPY: 10 });
  const method = random.pick([
    undefined,
    'pm_card_visa',
    'pm_card_visa',
    'pm_card_chargeDeclined',
    'pm_card_authenticationRequired',
    'pm_usBankAccount_success',
  ]);
  const sale: Sale = {
    id: `s${sales.length + 1}`,
    player: playerOf(drawing),
    amount: minorOf(random, currency),
    currency: currency.toLowerCase(),
    capture: random.chance(0.8) ? 'automatic' : 'manual',
    app: 'game-1',
    ...(method === undefined ? {} : { method }),
    ...(random.chance(0.2) ? { category: 'loot' } : {}),
  };
  sales.push({ ...sale, how });
  planSale(drawing, sale, how);
  return { do: how, sale };
}

const NEXT_DEED: Readonly<Record<string, StripeDeed>> = {
  pm_card_authenticationRequired: 'bank_authenticates',
  pm_card_chargeDeclined: 'player_confirms',
  pm_usBankAccount_success: 'bank_processes',
};

/** What usually follows; plans are carried out from the last to the first. */
function planSale(
  { random, plans }: Drawing,
  { id, amount, method, capture }: Sale,
  how: string,
): void {
  if (random.chance(0.4)) {
    plans.push(webhooksOf(random, id));
    if (random.chance(0.6))
      plans.push({ do: random.pick(['refund_succeeds', 'refund_fails']), id });
    const part = random.chance(0.5) ? {} : { amount: Math.ceil(amount / 3) };
    plans.push({ do: random.pick(['guard_refunds', 'guard_refunds_later']), id, ...part });
  }
  if (random.chance(0.5)) plans.push(webhooksOf(random, id));
  if (how === 'pay' && capture === 'manual') plans.push({ do: 'guard_captures', id });
  if (how === 'checkout') plans.push({ do: 'player_pays_session', id });
  else if (method === undefined)
    plans.push({ do: random.pick(['player_confirms', 'guard_confirms']), id });
  else if (random.chance(0.7)) {
    const deed = NEXT_DEED[method];
    if (deed !== undefined) plans.push({ do: deed, id });
  }
}

/** An event of a recent sale, whether or not it is possible. */
export function aboutSale({ random, sales }: Drawing, what: 'sale' | 'deed' | 'webhooks'): Action {
  const { id, amount } = random.pick(random.chance(0.7) ? sales.slice(-3) : sales);
  if (what === 'webhooks') return webhooksOf(random, id);
  const part = random.chance(0.5)
    ? {}
    : { amount: random.pick([amount, Math.ceil(amount / 3), 1]) };
  return { do: random.pick(STRIPE_DEEDS), id, ...part };
}

function webhooksOf(random: Random, id: string): Action {
  const picks = Array.from({ length: random.whole(1, 5) }, () => random.whole(0, 11));
  return { do: 'webhooks', id, picks };
}
