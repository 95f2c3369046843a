// The checkout of a WeChat mini-game. Only the fake `wx` and the shop's start are Node.js.
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createClient } from '@spendcap/client';
import { explainRefusal } from '@spendcap/client/explain';
import { messages as chinese } from '@spendcap/client/languages/zh-CN';
import {
  type MiniProgram,
  randomId,
  type WechatRequest,
  wechatFetch,
} from '@spendcap/client/transports';

/** A fake of the engine's `wx`: every status is a success, and the body is text. */
const wx: MiniProgram<WechatRequest> = {
  request({ url, method, header, data, success, fail }) {
    fetch(url, { method, headers: header, ...(data !== undefined && { body: data }) })
      .then(async (response) => ({ statusCode: response.status, data: await response.text() }))
      .then(success, (error) => fail({ errMsg: `request:fail ${error.message}` }));
  },
};

// The game's back end.
const { origin, close } = await openShop();
const player = `${origin}/shop/players/player-12`;

// The mini-game.
const send = wechatFetch(wx);
const client = createClient({
  url: `${origin}/spendcap`,
  fetch: send,
  ageToken: () => readText(`${player}/age-token`),
  // WeChat Pay takes at most 32 characters as an order's number.
  newId: () => randomId().replace(/-/g, ''),
});

function readText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    wx.request({
      ...{ url, method: 'GET', header: {}, dataType: 'text', responseType: 'text' },
      success: ({ data }) => resolve(String(data)),
      fail: ({ errMsg }) => reject(new Error(errMsg)),
    });
  });
}

async function showAllowance(): Promise<void> {
  const { limits } = await client.allowance();
  for (const { period, remaining } of limits) console.log(`${period}: ${remaining} left`);
}

async function tap(product: string, amount: string): Promise<void> {
  const outcome = await client.checkout({ amount, currency: 'CNY', category: 'item' }, ({ id }) =>
    send(`${player}/purchases`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id, product, method: 'card' }),
    }),
  );
  const isRefused = outcome.status === 'refused';
  const text = isRefused && explainRefusal(outcome, { locale: 'zh-CN', languages: [chinese] });
  console.log(`${product}: ${text || outcome.status}`);
}

await showAllowance();
await tap('gems-480', '48.00');
await tap('greenhouse', '60.00');
await showAllowance();
close();

/** Starts `sandbox --shop-only` and waits until it says where the shop is. */
async function openShop() {
  const index = import.meta.resolve('@spendcap/sandbox');
  const program = new URL(index.replace(/index(\.\w+)$/, 'main$1'));
  const shop = fork(program, ['--shop-only', '--port', '0'], { silent: true });
  for await (const line of createInterface({ input: shop.stdout ?? process.stdin })) {
    const [url] = /(?<=^The shop is open: +)http\S+/.exec(line) ?? [];
    if (url !== undefined) return { origin: new URL(url).origin, close: () => shop.kill() };
  }
  throw new Error('The shop did not open.');
}
