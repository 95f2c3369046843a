import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { collectExamples, examplesIn, executable, hasResults, typeFaults } from './examples.ts';

const MIN_EXAMPLES = 25;
const MIN_RESULTS = 40;

const examples = collectExamples();
const runnable = examples.filter(hasResults);
let folder = '';

beforeAll(() => {
  // Inside the workspace, so that the examples' imports are found as a user's would be.
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'examples-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function execute(js: string): Promise<void> {
  const file = join(folder, `${crypto.randomUUID()}.mjs`);
  writeFileSync(file, js);
  await import(pathToFileURL(file).href);
}

describe('examples in docstrings and pages', () => {
  it('are there', () => {
    expect(runnable.length).toBeGreaterThanOrEqual(MIN_EXAMPLES);
    const results = runnable.map((example) => executable(example).results);
    expect(results.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(MIN_RESULTS);
  });

  it('compile as strictly as the sources', () => {
    expect(typeFaults(examples)).toEqual([]);
  }, 60_000);

  it.each(runnable)('$place comes out as it says', async (example) => {
    await execute(executable(example).js);
  });
});

describe('the runner of examples', () => {
  const example = (...lines: string[]) => ({ place: 'here', code: lines.join('\n') });

  it('finds blocks that import something', () => {
    const page = ['```ts', `import 'a';`, '```', '```sh', 'import', '```', '```ts', 'a;', '```'];
    expect(examplesIn('page.md', page.join('\n'), /^/)).toEqual([
      { place: 'page.md:1', code: `import 'a';\n` },
    ]);
    const source = ' * ```ts\n * import "a";\n *   b;\n * ```\n';
    expect(examplesIn('a.ts', source, /^ *\* ?/)).toEqual([
      { place: 'a.ts:1', code: 'import "a";\n  b;\n' },
    ]);
  });

  it.each([
    { where: 'same line', lines: ['const a = 1;', 'a + 1; // => 2'], wrong: ['=> 2', '=> 3'] },
    {
      where: 'next line',
      lines: ['[1, 2].map((n) => n * 2);', '// => [2, 4]', '// and so on'],
      wrong: ['[2, 4]', '[2, 5]'],
    },
    {
      where: 'lines after',
      lines: ['({ a: 1, b: 2 }); // => {', '//   a: 1,', '//   b: 2 }'],
      wrong: ['//   b: 2', '//   b: 3'],
    },
    {
      where: 'line of a constant',
      lines: ['const n: number = await Promise.resolve(3); // => 3'],
      wrong: ['=> 3', '=> 4'],
    },
  ])('compares a result on the $where', async ({ lines, wrong: [from = '', to = ''] }) => {
    const { js, results } = executable(example(...lines));
    expect(results).toBe(1);
    await execute(js);
    const other = executable(example(...lines.map((line) => line.replaceAll(from, to))));
    await expect(execute(other.js)).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });

  it('refuses a result that would never be compared', () => {
    expect(() => executable(example('function f() {', '  f(); // => 1', '}'))).toThrow('here');
    expect(() => executable(example('1; // => }'))).toThrow('not a value');
  });

  it('sees wrong types', () => {
    const wrong = example(`import { parseMoney } from '@spendcap/core';`, 'parseMoney(1);');
    expect(typeFaults([wrong])).toEqual([expect.stringMatching(/^here Expected 2 arguments/)]);
  });
});
