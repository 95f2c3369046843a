import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { bundleClient } from './bundle.ts';
import { allowance, allowed, refused } from './fake-api.ts';

// The engine of React Native itself. Its command-line program has no `Intl`, `crypto`, `fetch` or
// AbortController, and its timers fire without waiting.

const DEFAULT = join(ROOT, 'node_modules', 'hermes-engine-cli', 'linux64-bin', 'hermes');

/** Of 130 MB, so that not even `SPENDCAP_REQUIRE_SERVICES` requires it. */
function findHermes(): string | null {
  const path = process.env.SPENDCAP_TEST_HERMES ?? DEFAULT;
  if (existsSync(path)) return path;
  console.warn('SKIPPED: Hermes is not tested: npm install --no-save hermes-engine-cli');
  return null;
}

const hermes = findHermes();

const CONTENTS = `
  export * from '@spendcap/client';
  export * from '@spendcap/client/transports';
  export { deviceSigner } from '@spendcap/client/device-key';
  export { devicePurchases } from '@spendcap/client/device-purchases';
  export { explainRefusal } from '@spendcap/client/explain';
  export { messages as arabic } from '@spendcap/client/languages/ar';
  export { messages as chinese } from '@spendcap/client/languages/zh-CN';`;

/** A timer fires when nothing else is left to do. */
const CLOCK = `
  var timers = [], immediately = setTimeout;
  setTimeout = function (run, ms) {
    var timer = { run: run, ms: ms || 0 };
    timers.push(timer);
    return timer;
  };
  clearTimeout = function (timer) {
    timers = timers.filter(function (each) { return each !== timer; });
  };
  function passTime() {
    timers.sort(function (one, other) { return one.ms - other.ms; });
    var next = timers.shift();
    if (!next) return;
    next.run();
    immediately(passTime);
  }
  immediately(passTime);`;

const SCRIPT = `(async () => {
  const answers = ${JSON.stringify({
    '/v1/allowance': allowance,
    '/v1/decisions': allowed,
    '/v1/decisions/batch': {
      decisions: [{ allowed: true, reasons: [] }],
      reasons: [],
      allowance,
    },
  })};
  const sent = [];
  const url = 'https://pay.example';
  const fetch = async (to, init) => {
    sent.push(init.headers);
    return { status: 200, json: async () => answers[to.slice(url.length)] };
  };
  const signer = client.deviceSigner({
    algorithm: 'ES256',
    publicKey: { kty: 'EC' },
    sign: async () => new Uint8Array(64),
    sha256: async () => new Uint8Array(32),
  });
  const shop = client.createClient({ url, ageToken: 't', fetch, signer, newId: client.randomId });
  const seen = [];
  const stop = shop.subscribe(() => seen.push(shop.getSnapshot().allowance.status));
  await shop.refresh();
  const price = { amount: '48.00', currency: 'CNY' };
  const decisions = await shop.affordable([price]);
  const refusal = ${JSON.stringify(refused)};
  const refused = await shop.checkout(price, () => refusal);
  const forgotten = await shop.checkout(price, () => undefined);
  let report;
  const { pay } = client.devicePurchases({
    store: {
      watch(events) { report = events; return () => undefined; },
      buy: async (product) => void report.confirm({ product, token: 'signed' }),
    },
    begin: async () => ({ appAccountToken: 'uuid' }),
    confirm: async () => ({ payment: 'paid' }),
  });
  const bought = await shop.checkout({ ...price, id: 'mine' }, pay('gems'));
  stop();
  const silent = client.createClient({
    url, ageToken: 't', newId: client.randomId, fetch: () => new Promise(() => undefined),
  });
  const late = await silent.checkout(price, () => ({ payment: 'paid' }));
  const languages = [client.arabic, client.chinese];
  const texts = ['en', 'zh-CN', 'ar'].map((locale) => {
    const reasons = [{ code: 'currency_not_supported', currency: 'CNY' }];
    return client.explainRefusal({ ...refused, reasons }, { locale, languages });
  });
  print(JSON.stringify({
    seen: seen[0],
    decisions: decisions.map(({ allowed }) => allowed),
    statuses: [refused.status, forgotten.status, bought.status, late.status],
    ids: [refused.id, bought.id],
    late: late.error.code,
    proof: sent[0].dpop.split('.').length,
    texts,
  }));
})().catch((error) => print(error.stack));`;

/** As the tool chain of React Native does it for this engine: no classes, no async functions. */
function compiled(source: string): string {
  const target = ts.ScriptTarget.ES5;
  const compilerOptions = { target, downlevelIteration: true, module: ts.ModuleKind.None };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

describe.skipIf(hermes === null)('Hermes', () => {
  test('shows the allowance, pays, explains a refusal, signs, and gives up in time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spendcap-hermes-'));
    try {
      const file = join(folder, 'client.js');
      const bundle = await bundleClient(CONTENTS, 'es2018');
      writeFileSync(file, `${CLOCK}\n${compiled(`${bundle}\n${SCRIPT}`)}`);
      const options = { encoding: 'utf8', timeout: 20_000 } as const;
      const printed = execFileSync(hermes ?? '', ['-w', '-Xmicrotask-queue', file], options);
      expect(JSON.parse(printed)).toEqual({
        seen: 'ready',
        decisions: [true],
        statuses: ['refused', 'unknown', 'paid', 'failed'],
        ids: [expect.stringMatching(/^[0-9a-f-]{36}$/), 'mine'],
        late: 'timeout',
        proof: 3,
        texts: [
          'You can only pay in CNY here. Choose a price in CNY.',
          expect.stringContaining('CNY'),
          expect.stringContaining('CNY'),
        ],
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
