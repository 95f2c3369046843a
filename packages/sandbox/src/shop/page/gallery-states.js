/** Every state of every element, as a client would have it. */
const DAY = '2026-11-29T16:00:00.000Z';
const MONTH = '2026-12-31T16:00:00.000Z';
const policy = { id: 'cn-game', version: '1', timeZone: 'Asia/Shanghai' };
const zh = '国家新闻出版署《关于防止未成年人沉迷网络游戏的通知》国新出发〔2019〕34号';
const en =
  'Notice on Preventing Minors from Indulging in Online Games, Guo Xin Chu Fa [2019] No. 34';
const row = {
  id: 'cn-game.8-15.month',
  citation: zh,
  citationIn: { zh, en },
  status: 'law',
  effectiveFrom: '2019-11-01',
};

function limit(period, [cap, used, remaining], more = {}) {
  const ends = { day: DAY, month: MONTH };
  const resetsAt = ends[period] ?? null;
  return { id: row.id, period, categories: null, cap, used, remaining, resetsAt, ...more };
}

const LIMITS = [
  limit('transaction', ['50.00', '0.00', '50.00']),
  limit('day', ['100.00', '84.00', '16.00']),
  limit('month', ['200.00', '84.00', '116.00']),
];
const allowance = {
  at: '2026-11-29T02:00:00.000Z',
  currency: 'CNY',
  policy,
  ageRange: { min: 12, maxExclusive: 13 },
  limits: LIMITS,
  blocked: [],
};
const refusedBy = (...reasons) => ({ allowed: false, reasons, allowance });
const over = (period, remaining = '16.00') => ({
  code: `${period}_cap_exceeded`,
  row,
  limit: limit(period, ['100.00', '84.00', remaining]),
});

const REFUSALS = {
  transaction: refusedBy(over('transaction', '50.00')),
  day: refusedBy(over('day')),
  'day-used-up': refusedBy(over('day', '0.00')),
  month: refusedBy({ ...over('month'), limit: limit('month', ['200.00', '184.00', '16.00']) }),
  lifetime: refusedBy(over('lifetime')),
  tips: refusedBy({
    ...over('day'),
    limit: limit('day', ['100.00', '84.00', '16.00'], { categories: ['tip'] }),
  }),
  age: refusedBy({ code: 'forbidden_for_age', row }),
  category: refusedBy({ code: 'forbidden_category', row, category: 'loot_box' }),
  'age-unknown': refusedBy({ code: 'age_unverified' }),
  'age-not-precise': refusedBy({ code: 'age_not_precise', provableAge: 16, row }),
  approval: refusedBy({ code: 'guardian_approval_required', row }),
  frozen: refusedBy({ code: 'frozen_by_guardian' }),
  currency: refusedBy({ code: 'currency_not_supported', currency: 'CNY' }),
  newer: refusedBy({ code: 'moon_phase' }),
};

const ready = (more = {}) => ({ status: 'ready', allowance: { ...allowance, ...more } });
const blocked = ({ reasons }) => ready({ limits: [], blocked: reasons });
const ALLOWANCES = {
  loading: { status: 'loading', allowance: null },
  ready: ready(),
  'used-up': ready({
    limits: [
      limit('day', ['100.00', '100.00', '0.00']),
      limit('month', ['200.00', '100.00', '100.00']),
    ],
  }),
  'no-limit': ready({ limits: [] }),
  stale: { ...ready(), status: 'stale' },
  unavailable: { status: 'unavailable', allowance: null, error: new Error('away') },
  'signed-out': null,
  age: blocked(REFUSALS.age),
  frozen: blocked(REFUSALS.frozen),
  'age-unknown': blocked(REFUSALS['age-unknown']),
  'age-not-precise': blocked(REFUSALS['age-not-precise']),
  approval: blocked(REFUSALS.approval),
  newer: ready({ limits: [limit('fortnight', ['80.00', '12.00', '68.00'], { resetsAt: MONTH })] }),
};

const settled = () => new Promise(() => undefined);
const OUTCOMES = {
  paid: { status: 'paid', id: 'order-1', result: null },
  refused: { status: 'refused', id: 'order-1', ...REFUSALS.day },
  pending: { status: 'pending', id: 'order-1', result: null, settled },
  'for-guardian': { status: 'pending', id: 'order-1', result: { waitsFor: 'guardian' }, settled },
  failed: { status: 'failed', id: 'order-1' },
  unavailable: { status: 'failed', id: 'order-1', error: new Error('away') },
  unknown: { status: 'unknown', id: 'order-1', settled },
};

const product = (id, more) => ({ id, currency: 'CNY', ...more });
export const PRODUCTS = [
  product('gems', { name: '480 ✦', amount: '48.00', image: '/page/art-gem.svg' }),
  product('markup', {
    name: '<b onclick="alert(1)">Seed & soil</b>',
    amount: '6.00',
    image: '/page/art-tip.svg',
  }),
  product('long', {
    name: 'Donaudampfschifffahrtsgewächshaus',
    amount: '118.00',
    image: '/page/art-bridge.svg',
  }),
  product('box', { name: '种子盲盒', amount: '9007199254740993.00', category: 'loot_box' }),
];
const DECISIONS = [
  { allowed: true, allowance },
  REFUSALS.approval,
  REFUSALS.day,
  REFUSALS.category,
];

/** A client in one state: it answers, and nothing changes. */
function clientIn(state, checkout = async () => OUTCOMES.paid) {
  const snapshot = { allowance: state, purchases: {} };
  return {
    subscribe: () => () => undefined,
    getSnapshot: () => snapshot,
    refresh: async () => undefined,
    preview: () => null,
    affordable: async () => DECISIONS,
    checkout,
  };
}

/** The elements that stay in the page: name, state, and how it gets there. */
export const ITEMS = [
  ...Object.entries(ALLOWANCES).map(([state, snapshot]) => ({
    element: 'spendcap-allowance',
    state,
    properties: { client: snapshot && clientIn(snapshot) },
  })),
  {
    element: 'spendcap-shelf',
    state: 'ready',
    properties: { client: clientIn(ready()), products: PRODUCTS },
  },
  ...Object.entries(REFUSALS).map(([state, refusal]) => ({
    element: 'spendcap-refusal',
    state,
    properties: { client: clientIn(ready()), refusal },
  })),
];

/** The states of `<spendcap-checkout>`: what its client does, and whether the player pays. */
export const DIALOGS = [
  { state: 'confirm', client: clientIn(ready()), pays: false },
  { state: 'signed-out', client: null, pays: false },
  { state: 'checking', client: clientIn(ready(), settled), pays: true },
  {
    state: 'paying',
    client: clientIn(ready(), async (purchase, pay) => {
      await pay({ ...purchase, id: 'order-1' });
      return settled();
    }),
    pays: true,
  },
  ...Object.entries(OUTCOMES).map(([state, outcome]) => ({
    state,
    client: clientIn(ready(), async () => outcome),
    pays: true,
  })),
];
