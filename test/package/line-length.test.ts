import { expect, it } from 'vitest';
import { longLines, MAX_LINE } from '../../scripts/line-length.ts';
import { run } from '../../scripts/run.ts';

const WORDS = 'word '.repeat(30).trim();

it.each([`// ${WORDS}`, ` * ${WORDS}`, `/** It's ${WORDS} */`, `  ${WORDS}`])(
  'a long line of comment, SQL or code is found: %s',
  (line) => {
    expect(longLines('a.ts', `short\n${line}\n`)).toEqual([`a.ts:2 ${line.length}`]);
  },
);

it.each([
  `test('${WORDS}', () => {`,
  `  \`${WORDS}\``,
  `  find: /${WORDS}/,`,
  `// ${'€'.repeat(97)}`,
])('a literal may be long, and characters count, not bytes: %s', (line) =>
  expect(longLines('a.ts', line)).toEqual([]),
);

it('no line of this repository is longer', async () => {
  const { ok, output } = await run('node', ['scripts/line-length.ts']);
  expect(output).toMatch(new RegExp(`^\\d+ files, 0 lines over ${MAX_LINE} characters\n$`));
  expect(ok).toBe(true);
  expect((await run('node', ['scripts/line-length.ts', 'no-such-file'])).ok).toBe(false);
});
