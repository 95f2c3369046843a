import {
  closeSync,
  fchownSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { InvalidArgumentError } from 'commander';
import {
  type AuthorityKey,
  generateAuthorityKey,
  keyRing,
  type SigningAlgorithm,
} from '../age/authority/keys.ts';
import { aligned } from './columns.ts';
import { codeOf, readJsonFile } from './json-file.ts';
import { UsageError } from './usage-error.ts';

export interface KeyFlags {
  readonly alg: SigningAlgorithm;
  /** Seconds. */
  readonly ahead: number;
}

/** Seconds between publishing a key and signing with it: longer than verifiers cache a key set. */
const AHEAD = { min: 900, max: 30 * 86_400 } as const;
/** Longer than the lifetime of a token, a day at most: no token of a retired key is still valid. */
const FORGET_AFTER_MS = 25 * 3_600_000;
const EXPECTED = 'a key file made by `spendcap keys new`';

/**
 * Makes a key file with one key, which signs immediately.
 *
 * @throws UsageError if the file exists, or cannot be written
 */
export async function newKeyFile(file: string, { alg }: Pick<KeyFlags, 'alg'>): Promise<string> {
  const key = await generateAuthorityKey(alg);
  put(file, { replace: false, keys: () => [key] });
  return `${key.kid}: signs now`;
}

/**
 * Adds a key that signs after `ahead`, when the earlier keys retire. Drops keys whose tokens have
 * all expired.
 *
 * @param now epoch milliseconds
 * @throws UsageError if the file is not a key file, or the last new key does not sign yet
 */
export async function rotateKeys(
  file: string,
  { alg, ahead }: KeyFlags,
  now: number,
): Promise<string> {
  const activeFrom = new Date(now + ahead * 1000).toISOString();
  const key = { ...(await generateAuthorityKey(alg)), activeFrom };
  const target = targetOf(file);
  put(target, {
    replace: true,
    keys: () => [key, ...retired(readKeyFile(target), activeFrom, now)],
  });
  return `${key.kid}: signs from ${activeFrom}`;
}

/** The earlier keys, without those whose tokens have all expired. */
function retired(
  keys: readonly AuthorityKey[],
  retireAt: string,
  now: number,
): readonly AuthorityKey[] {
  const waiting = keys.find(({ activeFrom }) => Date.parse(activeFrom ?? '') > now);
  if (waiting !== undefined) {
    throw new UsageError(
      `a rotation is in progress: the last new key signs from ${waiting.activeFrom}`,
    );
  }
  return keys
    .filter((key) => !(Date.parse(key.retireAt ?? '') + FORGET_AFTER_MS < now))
    .map((key) => ({ retireAt, ...key }));
}

/**
 * The keys of a file as a table, or as the JWK Set of their public parts.
 *
 * @param now epoch milliseconds
 * @throws UsageError if the file is not a key file
 */
export function listKeys(file: string, { jwks }: { readonly jwks: boolean }, now: number): string {
  const keys = readKeyFile(file);
  const ring = keyRing(keys, FORGET_AFTER_MS / 1000);
  const published = ring.published(now);
  if (jwks) return JSON.stringify({ keys: published.map((key) => key.publicJwk) }, null, 2);
  const signer = ring.signer(now);
  const rows = published.map((key) => {
    const { activeFrom, retireAt, algorithm, publicJwk } = key;
    const state = key === signer ? 'signs' : activeFrom > now ? 'next' : 'retired';
    return [publicJwk.kid, algorithm, state, instantOf(activeFrom), instantOf(retireAt)];
  });
  return aligned([['KID', 'ALG', 'STATE', 'SIGNS FROM', 'RETIRES'], ...rows]).join('\n');
}

function instantOf(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString() : '-';
}

/** @throws InvalidArgumentError unless it is a number of seconds in range */
export function aheadOf(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= AHEAD.min && seconds <= AHEAD.max) return seconds;
  throw new InvalidArgumentError(`It must be ${AHEAD.min} to ${AHEAD.max} seconds.`);
}

/** The keys of a file that only its owner can read. */
export function readKeyFile(file: string): readonly AuthorityKey[] {
  const content = readJsonFile(file, EXPECTED);
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new UsageError(`'${file}' is readable by others: run chmod 600`);
  }
  const keys = typeof content === 'object' && content !== null && 'keys' in content && content.keys;
  if (!Array.isArray(keys)) throw new UsageError(`'${file}' is not ${EXPECTED}`);
  try {
    keyRing(keys, 0);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`'${file}': ${error.message}`);
  }
  return keys;
}

/**
 * Writes a new file and moves it into place in one step, so that readers see the old or the new
 * keys. The new file is also the lock: it is created exclusively, before the old one is read.
 */
function put(
  file: string,
  { replace, keys }: { replace: boolean; keys: () => readonly AuthorityKey[] },
): void {
  const next = `${file}.new`;
  const descriptor = attempt(() => openSync(next, 'wx', 0o600), {
    file,
    exists: `'${next}' exists: another call is running, or was interrupted (then delete it)`,
  });
  let held = true;
  try {
    try {
      const text = `${JSON.stringify({ keys: keys() }, null, 2)}\n`;
      // Not `writeSync`, which may write a part: the rest of a full disk.
      attempt(() => writeFileSync(descriptor, text), { file, exists: '' });
      if (replace) keepOwner(file, descriptor);
      attempt(() => fsyncSync(descriptor), { file, exists: '' });
    } finally {
      closeSync(descriptor);
    }
    // Unlike a rename, a link fails if the file exists.
    attempt(() => (replace ? renameSync : linkSync)(next, file), {
      file,
      exists: `'${file}' exists: use \`spendcap keys rotate\``,
    });
    // After the rename, a file of its name is the lock of another call.
    held = !replace;
  } finally {
    if (held) rmSync(next, { force: true });
  }
}

/** Otherwise a symbolic link would be replaced, and its target would keep the old keys. */
function targetOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // Reading it reports that it does not exist.
    return file;
  }
}

/** Otherwise the authority could not read a file that an administrator has rotated. */
function keepOwner(file: string, descriptor: number): void {
  const { uid, gid } = statSync(file);
  attempt(() => fchownSync(descriptor, uid, gid), { file, exists: '' });
}

function attempt<T>(step: () => T, { file, exists }: { file: string; exists: string }): T {
  try {
    return step();
  } catch (error) {
    const code = codeOf(error);
    throw new UsageError(code === 'EEXIST' ? exists : `cannot write '${file}' (${code})`);
  }
}
