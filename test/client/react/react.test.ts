import { join } from 'node:path';
import { createClient } from '@spendcap/client';
import {
  AllowanceMeter,
  SpendcapProvider,
  useAllowance,
  useSpendcap,
} from '@spendcap/client/react';
import { cnGame, createHandler, createLimiter } from '@spendcap/server';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findBrowser, launch } from '../../e2e/browser.ts';
import { aged, NOON, player } from '../../server/limiter/limiter-kit.ts';
import { anyStore } from '../../support/any-store.ts';
import { allowance, answer, fakeFetch } from '../fake-api.ts';

const url = 'https://pay.example';
const Status = () => createElement('p', null, useAllowance().status);
const page = (client: ReturnType<typeof createClient>) =>
  createElement(SpendcapProvider, { client }, createElement(Status));

describe('on the server', () => {
  test('what was read before is in the first page, without a request', () => {
    const { fetch, calls } = fakeFetch(answer(allowance));
    const options = { url, ageToken: 't', fetch };
    const html = renderToString(page(createClient({ ...options, initialAllowance: allowance })));
    expect(html).toBe('<p>ready</p>');
    expect(renderToString(page(createClient(options)))).toBe('<p>loading</p>');
    expect(calls).toEqual([]);
  });

  test('a meter of amounts that a server does not say shows what stands in for it', () => {
    const limits = [{ period: 'month', cap: 50, used: null }] as never;
    const options = { url, ageToken: 't', fetch: fakeFetch(answer(allowance)).fetch };
    const client = createClient({ ...options, initialAllowance: { ...allowance, limits } });
    const meter = createElement(AllowanceMeter, { label: 'This month', fallback: 'Not known' });
    const html = renderToString(createElement(SpendcapProvider, { client }, meter));
    expect(html).toBe('<div>Not known</div>');
  });

  test('a hook without a provider says what it needs', () => {
    const Lost = () => String(useSpendcap());
    expect(() => renderToString(createElement(Lost))).toThrow('needs a SpendcapProvider above it');
  });
});

const executable = findBrowser();

describe.skipIf(executable === null).each([18, 19])('in a browser, React %i', (version) => {
  let browser: Browser;
  let script = '';

  beforeAll(async () => {
    browser = await launch(executable ?? '');
    const built = await build({
      entryPoints: [join(import.meta.dirname, 'shop.js')],
      bundle: true,
      write: false,
      format: 'iife',
      conditions: ['@spendcap/source'],
      define: { 'process.env.NODE_ENV': '"development"' },
      plugins: [
        {
          name: 'react',
          setup({ onResolve, resolve }) {
            if (version === 19) return;
            onResolve({ filter: /^react(-dom)?($|\/)/ }, ({ path, kind, importer }) => {
              const alias = path.replace(/^react(-dom)?/, `$&-${version}`);
              return resolve(alias, { kind, importer, resolveDir: import.meta.dirname });
            });
          },
        },
      ],
    });
    script = built.outputFiles[0]?.text ?? '';
  });
  afterAll(() => browser.close());

  /** The shop of a player of twelve, on a real limiter. */
  async function open() {
    const evidence = player('child', aged(12, 13));
    const verify = async () => evidence;
    const limiter = createLimiter({
      ...{ policy: cnGame(), store: anyStore(), now: () => NOON },
      ageTokens: { verify },
    });
    const handler = createHandler(limiter, { apiKeys: ['an-example-key-of-a-test'] });
    const initial = await limiter.allowance({ evidence });
    const paths: string[] = [];
    const errors: string[] = [];
    const gate = { isClosed: false, open: () => {} };
    const page = await browser.newPage();
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.route('**/*', async (route) => {
      const request = route.request();
      const { pathname } = new URL(request.url());
      if (pathname.startsWith('/never/')) return;
      if (pathname === '/')
        return route.fulfill({ contentType: 'text/html', body: '<main></main>' });
      if (!pathname.startsWith('/v1/') && pathname !== '/buy')
        return route.fulfill({ status: 204 });
      paths.push(pathname);
      if (pathname === '/buy') {
        const wanted = JSON.parse(request.postData() ?? '');
        if (gate.isClosed) await new Promise<void>((resolve) => (gate.open = resolve));
        const bought = await limiter.reserve({ ...wanted, evidence });
        return route.fulfill({ status: bought.allowed ? 200 : 403, json: bought });
      }
      const body = request.postData();
      const response = await handler(
        new Request(request.url(), {
          method: request.method(),
          headers: await request.allHeaders(),
          ...(body === null ? {} : { body }),
        }),
      );
      await route.fulfill({ status: response.status, body: await response.text() });
    });
    await page.goto('https://shop.example/');
    await page.addScriptTag({ content: script });
    expect(await page.evaluate('React.version')).toMatch(new RegExp(`^${version}\\.`));
    return { page, paths, errors, initial, gate };
  }

  const start = (page: Page, options: object) =>
    page.evaluate((given) => (globalThis as unknown as Started).start(given), options);
  interface Started {
    start(options: object): void;
  }

  test('hydration changes nothing of what the server has rendered, and reads once', async () => {
    const { page, paths, errors, initial } = await open();
    await start(page, { initial, hydrate: true });
    await page.getByRole('meter').waitFor();
    await vi.waitFor(() => expect(paths).toEqual(['/v1/decisions/batch']));
    expect(await page.evaluate('mutations')).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('a shelf shows what can be bought, a click buys once, and the meter follows', async () => {
    const { page, paths, errors } = await open();
    await start(page, {});
    const meter = page.getByRole('meter', { name: 'This month' });
    await meter.waitFor();
    expect(await meter.getAttribute('aria-valuetext')).toBe('0.00 / 200.00 CNY');
    await page.getByText('48.00: yes').waitFor();
    await page.getByText('60.00: no').waitFor();
    const status = page.getByRole('status').first();
    expect(await status.textContent()).toBe('');
    await page.getByRole('button', { name: 'Buy 48.00' }).dblclick();
    await page.getByText('said: paid').waitFor();
    expect(paths.filter((path) => path === '/buy')).toHaveLength(1);
    await vi.waitFor(async () => {
      expect(await meter.getAttribute('aria-valuenow')).toBe('48');
    });
    expect(errors).toEqual([]);
    await page.close();
  });

  test('a shop that is left while it pays ends the purchase, and listens to nothing', async () => {
    const { page, paths, errors, gate } = await open();
    await start(page, {});
    await page.getByText('48.00: yes').waitFor();
    // StrictMode has run every effect twice.
    expect(paths.toSorted()).toEqual(['/v1/allowance', '/v1/decisions/batch']);
    gate.isClosed = true;
    await page.getByRole('button', { name: 'Buy 48.00' }).click();
    await vi.waitFor(() => expect(paths).toContain('/buy'));
    await page.evaluate('unmount()');
    gate.open();
    await vi.waitFor(async () => expect(await page.evaluate('statuses()')).toEqual(['paid']));
    const before = paths.length;
    await page.evaluate(`dispatchEvent(new Event('focus'))`);
    await page.waitForTimeout(300);
    expect(paths.slice(before)).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });

  test('a shop that comes back while it pays shows what it cost; its own id pays once', async () => {
    const { page, paths, errors, gate } = await open();
    await start(page, { ids: ['order-1'] });
    const button = page.getByRole('button', { name: 'Buy 48.00' });
    gate.isClosed = true;
    await button.click();
    await vi.waitFor(() => expect(paths).toContain('/buy'));
    await page.evaluate('setOpen(false)');
    await button.waitFor({ state: 'detached' });
    await page.evaluate('setOpen(true)');
    await button.click();
    gate.open();
    await page.getByText('said: paid').waitFor();
    expect(paths.filter((path) => path === '/buy')).toHaveLength(1);
    const meter = page.getByRole('meter', { name: 'This month' });
    await vi.waitFor(async () => expect(await meter.getAttribute('aria-valuenow')).toBe('48'));
    expect(errors).toEqual([]);
    await page.close();
  });

  test('another player never sees the decisions on the shelf of the one before', async () => {
    const { page, errors } = await open();
    await start(page, {});
    await page.getByText('48.00: yes').waitFor();
    await page.evaluate(`signIn(location.origin + '/never')`);
    await page.getByText('48.00: no').waitFor({ timeout: 3_000 });
    expect(errors).toEqual([]);
    await page.close();
  });

  test('a refusal takes the focus to its heading, and gives it back', async () => {
    const { page, errors } = await open();
    await start(page, {});
    const button = page.getByRole('button', { name: 'Buy 60.00' });
    for (const leave of ['Escape', 'Not now'] as const) {
      await button.click();
      const dialog = page.getByRole('dialog', { name: 'Not today' });
      await dialog.waitFor();
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Not today');
      expect(await dialog.textContent()).toContain('transaction_cap_exceeded');
      if (leave === 'Escape') await page.keyboard.press('Escape');
      else await page.getByRole('button', { name: leave }).click();
      await dialog.waitFor({ state: 'hidden' });
      expect(await page.evaluate('document.activeElement.textContent')).toBe('Buy 60.00');
    }
    expect(errors).toEqual([]);
    await page.close();
  });
});
