import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { ROOT } from '../../scripts/packages.ts';
import { launch } from '../e2e/browser.ts';
import { openShop } from '../sandbox/open-shop.ts';
import { freePort, must } from './bundlers.ts';

/** What the server has sent, and a browser that has opened it. */
export interface Visit {
  readonly html: string;
  readonly page: Page;
  /** Errors that the page has reported. */
  readonly errors: readonly string[];
}

/**
 * Builds the example with Next.js beside the packed packages, starts it and the sandbox's shop, and
 * visits the page.
 *
 * @param folder where Next.js and the packages are installed
 */
export async function visitNextCheckout(
  folder: string,
  browserPath: string,
  visit: (opened: Visit) => Promise<void>,
): Promise<void> {
  cpSync(join(ROOT, 'examples', 'next-checkout'), folder, { recursive: true });
  const [shop, browser, port] = await Promise.all([openShop(), launch(browserPath), freePort()]);
  const { origin } = new URL(shop.url);
  const next = join(folder, 'node_modules', 'next', 'dist', 'bin', 'next');
  try {
    await must(folder, 'env', [`SHOP_URL=${origin}`, 'node', next, 'build']);
    const args = [next, 'start', '--hostname', '127.0.0.1', '--port', String(port)];
    const env = { ...process.env, SHOP_URL: origin };
    const server = spawn(process.execPath, args, { cwd: folder, env, stdio: 'ignore' });
    try {
      const url = `http://127.0.0.1:${port}/`;
      const html = await firstAnswer(url);
      const errors: string[] = [];
      const page = await browser.newPage();
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(url);
      await visit({ html, page, errors });
    } finally {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
  } finally {
    await browser.close();
    shop.process.kill('SIGTERM');
    await once(shop.process, 'exit');
  }
}

/** The body of the first response of a server that is starting. */
async function firstAnswer(url: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const response = await fetch(url).catch(() => null);
    if (response) return response.text();
    await setTimeout(200);
  }
  throw new Error(`${url} did not answer`);
}
