import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** A browser of this machine, or `null` after one loud line. */
export function findBrowser(): string | null {
  const found = PLACES.find((place) => existsSync(place));
  if (found !== undefined) return found;
  if (process.env.SPENDCAP_REQUIRE_SERVICES === '1') {
    throw new Error(`the shop page needs a browser: none of ${PLACES.join(', ')} is there`);
  }
  console.warn('SKIPPED: the shop page is not tested, since this machine has no chromium');
  return null;
}

export function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGUMENTS });
}
