import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ageAuthority } from '@spendcap/server/age/authority';
import { afterAll, describe, expect, it } from 'vitest';
import { removeTemporaryFiles, temporaryFile } from '../../support/temporary.ts';
import { believing, NAMED, SUBJECT_KEY } from '../age/authority/authority-kit.ts';
import { ISSUER } from '../age/token/token-kit.ts';
import { MAIN, runCommand } from './command.ts';

/** Runs `spendcap keys ...` to its end, and fails if it says anything private. */
async function keys(...args: readonly string[]) {
  const outcome = await runCommand(['keys', ...args]);
  for (const secret of secretsIn(args[1] ?? '')) {
    expect(outcome.stdout + outcome.stderr).not.toContain(secret);
  }
  return outcome;
}

function keysIn(file: string): Record<string, string>[] {
  return JSON.parse(readFileSync(file, 'utf8')).keys;
}

function secretsIn(file: string): string[] {
  try {
    return keysIn(file).flatMap(({ d, p, q }) => [d, p, q].filter((part) => part !== undefined));
  } catch {
    return [];
  }
}

/** Exit code and stderr, where a file has 1 KiB at most: its writes fail as on a full disk. */
function withLittleSpace(command: readonly string[]): readonly [number | null, string] {
  const shell = `trap '' XFSZ; ulimit -f 1; exec "$0" --conditions=@spendcap/source "$@"`;
  const args = ['--norc', '-c', shell, process.execPath, ...command];
  const { PATH } = process.env;
  const { status, stderr } = spawnSync('bash', args, { encoding: 'utf8', env: { PATH } });
  return [status, stderr];
}

afterAll(removeTemporaryFiles);

describe('spendcap keys', () => {
  it('makes a file that only its owner may read, and never over another', async () => {
    const file = temporaryFile('keys.json');
    const { code, stdout } = await keys('new', file);
    expect([code, stdout]).toEqual([0, `${keysIn(file)[0]?.kid}: signs now\n`]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file, 'utf8');
    const again = await keys('new', file);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/exists: use `spendcap keys rotate`/);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it('adds a key that takes over when everyone knows it, and lists both', async () => {
    const file = temporaryFile('keys.json');
    await keys('new', file);
    const { code } = await keys('rotate', file, '--alg', 'EdDSA', '--ahead', '7200');
    expect(code).toBe(0);
    const [next, old] = keysIn(file);
    expect(next).toMatchObject({ alg: 'EdDSA', activeFrom: old?.retireAt });
    const ahead = Date.parse(next?.activeFrom ?? '') - Date.now();
    expect(ahead).toBeGreaterThan(7_100_000);
    expect(ahead).toBeLessThanOrEqual(7_200_000);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const { stdout } = await keys('list', file);
    const rows = stdout
      .trim()
      .split('\n')
      .map((row) => row.split(/\s+/));
    expect(rows.slice(1)).toEqual([
      [next?.kid, 'EdDSA', 'next', next?.activeFrom, '-'],
      [old?.kid, 'ES256', 'signs', '-', old?.retireAt],
    ]);
    const jwks = JSON.parse((await keys('list', file, '--jwks')).stdout);
    expect(jwks.keys.map(({ kid }: { kid: string }) => kid)).toEqual([next?.kid, old?.kid]);

    const again = await keys('rotate', file);
    expect([again.code, again.stderr]).toEqual([
      2,
      `spendcap: a rotation is in progress: the last new key signs from ${next?.activeFrom}\n`,
    ]);
  });

  it('rotates the file behind a link, and leaves it to its owner', async () => {
    const file = temporaryFile('keys.json');
    const link = temporaryFile('link.json');
    await keys('new', file);
    symlinkSync(file, link);
    // Only an administrator may give files away; everyone else keeps their own.
    if (process.getuid?.() === 0) chownSync(file, 65_534, 65_534);
    const { uid, gid } = statSync(file);
    expect((await keys('rotate', link)).code).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(keysIn(file)).toHaveLength(2);
    expect(statSync(file)).toMatchObject({ uid, gid });
  });

  it('lets go of a key of which no token is left', async () => {
    const file = temporaryFile('keys.json');
    await keys('new', file);
    const [key] = keysIn(file);
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    const other = temporaryFile('keys.json');
    await keys('new', other);
    const old = { ...keysIn(other)[0], retireAt: ago(26) };
    const content = { keys: [{ ...key, activeFrom: ago(26) }, old] };
    writeFileSync(file, JSON.stringify(content));
    expect((await keys('rotate', file)).code).toBe(0);
    expect(keysIn(file).map(({ kid }) => kid)).toEqual([expect.any(String), key?.kid]);
  });

  it('makes what ageAuthority takes', async () => {
    const file = temporaryFile('keys.json');
    await keys('new', file, '--alg', 'PS256');
    await keys('rotate', file);
    const sources = { desk: believing('desk') };
    const options = { issuer: ISSUER, sources, subjectKey: SUBJECT_KEY };
    const authority = ageAuthority({ ...options, keys: keysIn(file) });
    expect(await authority.issue({ desk: {} }, NAMED)).toMatch(/^eyJ/);
    const { stdout } = await keys('list', file, '--jwks');
    expect(JSON.parse(stdout)).toEqual(authority.jwks());
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ['no file', () => undefined, /cannot read .* it must be a key file/],
    ['a file that is no JSON', (file) => writeFileSync(file, 'd="secret"'), /is not valid JSON/],
    ['a file of other things', (file) => writeFileSync(file, '[]'), /is not a key file/],
    ['no keys', (file) => writeFileSync(file, '{"keys":[]}'), /keys must be a list of 1 to/],
    [
      'a key that cannot sign',
      (file) => writeFileSync(file, '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'),
      /a signing key must be a private JWK/,
    ],
    ['a folder that is not there', () => undefined, /cannot read/],
  ])('says in one line what is wrong with %s', async (_, prepare, message) => {
    const file = temporaryFile('keys.json');
    prepare(file);
    if (existsSync(file)) chmodSync(file, 0o600);
    for (const verb of ['list', 'rotate']) {
      const { code, stderr, stdout } = await keys(verb, file);
      expect([code, stdout, stderr.split('\n').length]).toEqual([2, '', 2]);
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain('secret');
      expect(existsSync(`${file}.new`)).toBe(false);
    }
  });

  it('leaves the keys as they are if the disk has room for a part of the new ones', async () => {
    const file = temporaryFile('keys.json');
    await keys('new', file, '--alg', 'RS256');
    const before = readFileSync(file, 'utf8');
    const command = [MAIN, 'keys', 'rotate', file, '--alg', 'RS256'];
    expect(withLittleSpace(command)).toEqual([2, `spendcap: cannot write '${file}' (EFBIG)\n`]);
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(existsSync(`${file}.new`)).toBe(false);
    const folder = dirname(file);
    writeFileSync(join(folder, 'package.json'), '{"dependencies":{"express":"*","stripe":"*"}}');
    const [code, message] = withLittleSpace([MAIN, 'init', folder]);
    expect([code, message]).toEqual([2, expect.stringMatching(/^spendcap: cannot write .*EFBIG/)]);
    expect(existsSync(join(folder, 'spendcap.mjs'))).toBe(false);
  });

  it('refuses a file that others can read, invalid options, and a concurrent call', async () => {
    const file = temporaryFile('keys.json');
    await keys('new', file);
    chmodSync(file, 0o644);
    expect((await keys('list', file)).stderr).toMatch(/is readable by others: run chmod 600/);
    chmodSync(file, 0o600);
    const before = readFileSync(file, 'utf8');
    for (const [args, message] of [
      [['--alg', 'HS256'], /--alg .* ES256, EdDSA, RS256, PS256/],
      [['--ahead', '60'], /--ahead .* must be 900 to 2592000 seconds/],
      [['--ahead', '-1'], /--ahead .* must be/],
    ] as const) {
      expect((await keys('rotate', file, ...args)).stderr).toMatch(message);
    }
    writeFileSync(`${file}.new`, '');
    expect((await keys('rotate', file)).stderr).toMatch(/exists: another call is running/);
    expect(readFileSync(file, 'utf8')).toBe(before);
    const nowhere = await keys('new', '/no/such/folder/keys.json');
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      "spendcap: cannot write '/no/such/folder/keys.json' (ENOENT)\n",
    ]);
  });
});
