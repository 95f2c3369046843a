import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { explainRefusal } from '@spendcap/client/explain';
import { cnGame, createLimiter } from '@spendcap/server';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { anyStore } from '../support/any-store.ts';

/** Without the imports and blank lines. */
const MAX_INTEGRATION_LINES = 20;
const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/*/README.md'], {
  cwd: ROOT,
});
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** The first fenced block of a language. */
function block(page: string, language: string): string {
  const [, code = ''] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(read(page)) ?? [];
  return code;
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): readonly string[] {
  const headings = read(page).matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('links between pages', () => {
  it.each(pages)('%s leads to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(
      ([, link = '']) => link,
    );
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('reach every page of docs/ from the README', () => {
    const docs = pages.filter((page) => page.startsWith('docs/'));
    expect(docs.length).toBeGreaterThan(5);
    expect(docs.filter((page) => !read('README.md').includes(`](${page})`))).toEqual([]);
  });
});

/** Of npm, Vite, node-redis, Stripe, Apple and Google. */
const FOREIGN =
  'peerDependencies noExternal pingInterval stripeAccount clientDataHash requestHash installId ' +
  'queryPurchasesAsync';

it('no page names a function or a field in camel case that the sources do not have', () => {
  const sources = globSync('packages/*/{src/**/*.ts,package.json}', { cwd: ROOT }).map(read);
  const known = new Set(sources.flatMap((text) => text.match(/\w+/g) ?? []));
  const gone = pages.flatMap((page) =>
    [...read(page).matchAll(/`([a-z]+[A-Z]\w*)(?:\(\))?`/g)]
      .map(([, name = '']) => name)
      .filter((name) => !known.has(name) && !FOREIGN.split(' ').includes(name))
      .map((name) => `${page}: ${name}`),
  );
  expect(gone).toEqual([]);
});

describe('README.md', () => {
  it('protects an Express and Stripe checkout in 20 lines', () => {
    const code = block('README.md', 'ts');
    expect(code).toContain('guardStripe');
    const lines = code.split('\n').filter((line) => line !== '' && !line.startsWith('import '));
    expect(lines.length).toBeLessThanOrEqual(MAX_INTEGRATION_LINES);
  });

  it('shows a refusal as it is, and its words', async () => {
    const at = Date.UTC(2026, 10, 23, 4);
    const limiter = createLimiter({ policy: cnGame(), store: anyStore(), now: () => at });
    const evidence = {
      subject: 'player-12',
      statements: [{ kind: 'range', min: 12, maxExclusive: 13, asOf: at }],
      kind: 'test',
      assurance: 'verified',
      expiresAt: at + 60_000,
    } as const;
    const buy = (id: string, amount: string) =>
      limiter.reserve({ id, amount, currency: 'CNY', evidence });
    await buy('order-1', '48.00');
    await buy('order-2', '48.00');
    const refused = await buy('order-3', '12.00');
    if (refused.allowed) throw new Error('It is over the day cap.');
    expect(refused).toMatchObject(JSON.parse(block('README.md', 'json')));
    const words = explainRefusal(refused, { locale: 'en' });
    expect(read('README.md').replaceAll('\n', ' ')).toContain(`"${words}"`);
  });
});
