import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { run } from '../../scripts/run.ts';
import { collectExamples } from './examples.ts';

const PAGE = 'docs/testing.md';

it('every block of the page on testing is a test file that passes', async () => {
  const blocks = collectExamples().filter(({ place }) => place.startsWith(PAGE));
  expect(blocks.length).toBeGreaterThan(4);
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'testing-page-'));
  // The configuration includes `test/`.
  mkdirSync(join(folder, 'test'));
  for (const [index, { code }] of blocks.entries()) {
    writeFileSync(join(folder, 'test', `block-${index}.test.ts`), code);
  }
  const report = join(folder, 'report.json');
  const where = ['--config', join(ROOT, 'vitest.config.ts'), '--root', folder, '--maxWorkers=1'];
  const flags = [...where, '--reporter=json', '--outputFile', report];
  const { output } = await run('vitest', ['run', ...flags]);
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  expect([numPassedTests, numFailedTests], output).toEqual([blocks.length, 0]);
}, 180_000);
