import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type OpenShop, openShop } from '../sandbox/open-shop.ts';
import { findBrowser, launch } from './browser.ts';

/** Null on a machine without a browser: `describe.skipIf(executable === null)`. */
export const executable = findBrowser();

/** Less than a test has, so that a failure names its line. */
const PATIENCE_MS = 20_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The sandbox's shop in a browser, for the tests of one file. */
export interface Site {
  /** Of the shop, with a slash at its end. Only in tests and hooks. */
  readonly url: string;
  /** What went wrong in a page. Every test expects none at its end. */
  readonly faults: string[];
  /** A page in a context of its own, which ends with the test. */
  newPage(options?: BrowserContextOptions): Promise<Page>;
}

/** Opens the shop and a browser before the tests of a `describe`, and closes both after them. */
export function openSite(): Site {
  let shop: OpenShop;
  let browser: Browser;
  const faults: string[] = [];
  beforeAll(async () => {
    [shop, browser] = await Promise.all([openShop(), launch(executable ?? '')]);
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    expect(faults.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    if (shop === undefined) return;
    const exited = once(shop.process, 'exit');
    shop.process.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
  return {
    get url() {
      return shop.url;
    },
    faults,
    async newPage(options = {}) {
      // Not of `browser.newPage`, whose context takes no second page.
      const page = await (await browser.newContext(options)).newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        // A page that would need more than the content security policy allows says so here.
        if (/Content Security Policy/.test(message.text())) faults.push(message.text());
      });
      return page;
    },
  };
}

interface Findings {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Every finding of axe-core, by its rule. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate('axe.run()')) as Findings;
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

/** The accessible name of what has focus, also inside of an element. */
export function focusedIn(page: Page): Promise<string> {
  return page.evaluate(`(() => {
    let active = document.activeElement;
    while (active.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return active.getAttribute('aria-label') ?? active.textContent.trim();
  })()`);
}
