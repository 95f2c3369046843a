// Checks every Lua script of the Redis store: that Lua 5.1, which Redis runs, compiles it, and that
// luacheck finds no unknown global, unused value or shadowed variable.

import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Script } from '../packages/server/src/stores/redis/lua/script.ts';
import { ROOT } from './packages.ts';
import { run } from './run.ts';

/** What Redis gives a script beside Lua's own. */
const REDIS_GLOBALS = ['redis', 'cjson', 'struct', 'KEYS', 'ARGV'];
const LUACHECK = ['--no-color', '--no-cache', '--std', 'lua51', '--max-line-length', '100'];

const TOOLS = [
  { command: 'luac5.1', args: ['-p', '--'], debian: 'lua5.1' },
  {
    command: 'luacheck',
    args: [...LUACHECK, '--read-globals', ...REDIS_GLOBALS, '--'],
    debian: 'lua-check',
  },
] as const;

const isScript = (value: unknown): value is Script =>
  typeof value === 'object' && value !== null && 'text' in value && 'sha' in value;

/** Writes each script that a module of `lua/` exports to a file, and returns the files. */
async function writeScripts(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of globSync('packages/server/src/stores/redis/lua/*.ts', { cwd: ROOT })) {
    const module: Readonly<Record<string, unknown>> = await import(join(ROOT, path));
    for (const [name, value] of Object.entries(module)) {
      if (!isScript(value)) continue;
      files.push(join(folder, `${name}.lua`));
      writeFileSync(join(folder, `${name}.lua`), value.text);
    }
  }
  if (files.length === 0) throw new Error('no Lua script was found');
  return files;
}

const folder = mkdtempSync(join(tmpdir(), 'spendcap-lua-'));
try {
  const files = await writeScripts(folder);
  for (const { command, args, debian } of TOOLS) {
    if ((await run('which', [command])).ok) {
      const { ok, output } = await run(command, [...args, ...files]);
      if (!ok) {
        console.log(output);
        process.exitCode = 1;
      }
      continue;
    }
    const message = `${command} is not installed: Debian has it in ${debian}`;
    if (process.env.SPENDCAP_REQUIRE_SERVICES === '1') throw new Error(message);
    console.log(`SKIPPED, ${message}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
