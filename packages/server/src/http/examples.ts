import type { Allowance, Problem, Purchase, Refused, Reservation } from '@spendcap/core';

// What openapi.json shows: a player of 12 under `cn-game` reserves 48.00 CNY, then tries 60.00 CNY.

const AT = '2026-11-23T04:00:00.000Z';
const TRANSACTION = {
  period: 'transaction',
  categories: null,
  cap: '50.00',
  used: '0.00',
  remaining: '50.00',
  resetsAt: null,
} as const;
const DAY = {
  period: 'day',
  categories: null,
  cap: '100.00',
  used: '48.00',
  remaining: '52.00',
  resetsAt: '2026-11-23T16:00:00.000Z',
} as const;
const MONTH = {
  period: 'month',
  categories: null,
  cap: '200.00',
  used: '48.00',
  remaining: '152.00',
  resetsAt: '2026-11-30T16:00:00.000Z',
} as const;

export const PURCHASE: Purchase = {
  id: 'order-2026-000481',
  state: 'reserved',
  amount: '48.00',
  currency: 'CNY',
  capCurrency: 'CNY',
  held: '48.00',
  committed: '0.00',
  refunded: '0.00',
  late: false,
  category: null,
  app: null,
  product: null,
  metadata: {},
  processor: null,
  processorRef: null,
  reservedAt: AT,
  expiresAt: '2026-11-23T04:30:00.000Z',
};

export const OVERDUE_PAGE = {
  purchases: [{ ...PURCHASE, processor: 'acme_pay' }],
  next: `${PURCHASE.expiresAt},${PURCHASE.id}`,
};

export const ALLOWANCE: Allowance = {
  at: AT,
  currency: 'CNY',
  policy: { id: 'cn-game', version: '2024-01-01', timeZone: 'Asia/Shanghai' },
  ageRange: { min: 12, maxExclusive: 13 },
  limits: [
    { id: 'cn-game.8-15.transaction', ...TRANSACTION },
    { id: 'cn-game.8-15.day', ...DAY },
    { id: 'cn-game.8-15.month', ...MONTH },
  ],
  blocked: [],
  blockedCategories: [],
};

export const RESERVATION: Reservation = {
  allowed: true,
  purchase: PURCHASE,
  permit: null,
  replayed: false,
  allowance: ALLOWANCE,
};

export const REFUSED: Refused = {
  allowed: false,
  reasons: [
    {
      code: 'transaction_cap_exceeded',
      row: {
        id: 'cn-game.8-15.transaction',
        citation: '国家新闻出版署《关于防止未成年人沉迷网络游戏的通知》国新出发〔2019〕34号',
        citationIn: {
          zh: '国家新闻出版署《关于防止未成年人沉迷网络游戏的通知》国新出发〔2019〕34号',
          en: 'Notice on Preventing Minors from Indulging in Online Games, Guo Xin Chu Fa [2019] No. 34',
        },
        status: 'law',
        effectiveFrom: '2019-11-01',
      },
      limit: TRANSACTION,
    },
    {
      code: 'day_cap_exceeded',
      row: {
        id: 'cn-game.8-15.day',
        citation: '《未成年人网络保护条例》（国务院令第766号）第四十四条',
        citationIn: {
          zh: '《未成年人网络保护条例》（国务院令第766号）第四十四条',
          en: 'Regulations on the Protection of Minors on the Internet (State Council Decree No. 766), Art. 44',
        },
        status: 'operator',
        effectiveFrom: '2024-01-01',
      },
      limit: DAY,
    },
  ],
  allowance: ALLOWANCE,
};

/** Problems, each for the responses whose description names its code. */
export const PROBLEMS: readonly Problem[] = [
  problem(400, 'invalid_amount', {
    detail: 'Pass a decimal string such as "48.00" (CNY: at most 2 decimals).',
  }),
  problem(401, 'unauthorized', { detail: 'Send a valid API key.' }),
  problem(404, 'purchase_not_found', { detail: 'No purchase has this id.' }),
  problem(409, 'purchase_conflict', { detail: 'This purchase id belongs to another purchase.' }),
  problem(422, 'age_token_invalid', { detail: 'The age token is malformed.', why: 'malformed' }),
];

function problem(
  status: number,
  code: string,
  rest: { readonly detail: string; readonly why?: string },
): Problem {
  const words = code.replaceAll('_', ' ');
  const title = words.charAt(0).toUpperCase() + words.slice(1);
  const type = `urn:spendcap:problem:${code}`;
  return { type, title, status, code, retryable: false, ...rest };
}
