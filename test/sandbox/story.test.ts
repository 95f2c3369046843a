import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isAsExpected, tableRow } from '../../packages/sandbox/src/story/table.ts';

const start = fileURLToPath(new URL('../../packages/sandbox/src/start.ts', import.meta.url));

test('the story comes out as the policy says, and leaves nothing behind', async () => {
  const flags = ['--conditions=@spendcap/source', start, '--story-only', '--port', '0'];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  child.stderr.on('data', (chunk) => (printed += chunk));
  const [code] = await once(child, 'exit');
  expect(printed).toMatch(/(\d+) of \1 lines are as the policy requires/);
  expect(printed).toMatch(/^ok {2}server +is killed \(-9\)/m);
  expect(printed).not.toMatch(/^!!/m);
  expect(Math.max(...printed.split('\n').map((line) => line.length))).toBeLessThanOrEqual(101);
  expect(code).toBe(0);
  const url = /spendcap on (\S+),/.exec(printed)?.[1] ?? '';
  await expect(fetch(`${url}/health/live`)).rejects.toThrow();
}, 90_000);

test('ends quietly when nobody reads on', async () => {
  const flags = ['--conditions=@spendcap/source', start, '--story-only', '--port', '0'];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'exit');
  expect(stderr).not.toContain('EPIPE');
  expect(code).toBe(0);
}, 90_000);

test('a line that came out otherwise is marked', () => {
  const line = { who: 'player-12', what: 'buys', amount: '48.00', expected: 'allowed' };
  expect(isAsExpected({ ...line, got: 'allowed' })).toBe(true);
  expect(isAsExpected({ ...line, got: 'allowed (2 charges)' })).toBe(false);
  expect(tableRow({ ...line, got: 'allowed' })).toMatch(/^ok {2}player-12 {2}buys/);
  const wrong = tableRow({ ...line, got: 'refused: day cap' });
  expect(wrong).toMatch(/^!! .*refused: day cap\n +expected: allowed$/);
});
