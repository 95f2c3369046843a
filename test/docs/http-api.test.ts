import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { startApi } from './api-world.ts';

const run = promisify(execFile);
const MIN_COMMANDS = 10;

interface Command {
  readonly script: string;
  readonly status: number;
  /** What the page shows of the answer. */
  readonly shown: object;
}

/** Every command of the page, with the status and the JSON that the page says comes out. */
function commandsIn(page: string): readonly Command[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const found = text.matchAll(
    /```sh\n(?<script>curl.*?)```\n(?<between>.*?)```json\n(?<shown>.*?)```/gs,
  );
  return [...found].map(({ groups = {} }) => ({
    script: groups.script ?? '',
    status: Number(/^\s*Answers `(\d{3})`/.exec(groups.between ?? '')?.[1]),
    shown: JSON.parse(groups.shown ?? ''),
  }));
}

const page = 'docs/http-api.md';
const commands = commandsIn(page);
let api: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe(page, () => {
  it('has its answer beside each command', () => {
    const all = readFileSync(join(ROOT, page), 'utf8').split('```sh\n').length - 1;
    expect(commands.length).toBe(all);
    expect(all).toBeGreaterThanOrEqual(MIN_COMMANDS);
  });

  it.each(commands)('$script', async ({ script, status, shown }) => {
    const withStatus = `curl() { command curl --noproxy '*' -sS -w '\\n%{http_code}' "$@"; }\n${script}`;
    const { stdout } = await run('bash', ['-ec', withStatus], {
      env: { ...process.env, ...api.variables },
    });
    const end = stdout.lastIndexOf('\n');
    const answer = JSON.parse(stdout.slice(0, end).replace(/"eyJ[\w.-]+"/, '"eyJ…"'));
    expect({ status: Number(stdout.slice(end)), answer }).toMatchObject({ status, answer: shown });
  });
});
