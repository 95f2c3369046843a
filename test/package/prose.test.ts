import { globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { PENDING, proseFaults, RULES } from '../../scripts/prose.ts';
import { run } from '../../scripts/run.ts';

const found = (text: string) => proseFaults('page.md', text);

describe('the prose step', () => {
  it.each(RULES)('finds "$example"', ({ example, write }) => {
    const faults = found(`It works. Yet ${example}. It ends.`);
    expect(faults).toEqual([expect.stringContaining(`: write ${write}`)]);
  });

  it.each([
    'The signature is over the bytes, and 60.00 is over the cap.',
    'A fake stands for the processor, or stands in for it; several copies stand alone.',
    'A key, as `ageTokens` takes it. Reads as `parseMoney` does.',
    'An intelligent tellurium storyteller masked the basket: FOREVER.',
    'A plain object, a quick start, the usual 400 days, run away from it.',
    'Ask a parent. It asks Stripe, in the way that its docs describe.',
  ])('accepts "%s"', (text) => {
    expect(found(text)).toEqual([]);
  });

  it('finds a phrase that a page or a comment breaks, at the line where it begins', () => {
    expect(found('fails\nat\nonce.')).toEqual([expect.stringMatching(/^page\.md:2 at once: /)]);
    expect(found(' * fails at\n * once.')).toEqual([expect.stringMatching(/^page\.md:1 /)]);
    expect(found('  // fails at\n  // once.')).toEqual([expect.stringMatching(/^page\.md:1 /)]);
  });

  it('finds identifiers', () => {
    expect(found('const told = asked;')).toHaveLength(2);
    expect(found('await buyAndTell(worldAsked);')).toHaveLength(2);
  });

  it('lists nothing as pending that is gone', () => {
    expect(PENDING.filter((path) => globSync(`${path}*`, { cwd: ROOT }).length === 0)).toEqual([]);
  });

  it('reads the files that are named, and fails on a fault', async () => {
    const read = await run('node', ['scripts/prose.ts', 'test/package/prose.test.ts']);
    expect(read.ok).toBe(false);
    expect(read.output).toMatch(/^test\/package\/prose\.test\.ts:\d+ at once: write /m);
    const clean = await run('node', ['scripts/prose.ts', 'LICENSE', 'package.json']);
    expect(clean).toEqual({ ok: true, output: '2 files, 0 words to replace\n' });
    expect((await run('node', ['scripts/prose.ts', 'no-such-file'])).ok).toBe(false);
  });
});
