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
  writeSync,
} from 'node:fs';
import {
  type AuthorityKey,
  generateAuthorityKey,
  keyRing,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
} from '../age/authority/keys.ts';
import { aligned } from './columns.ts';
import { readJsonFile } from './policy.ts';
import { UsageError } from './usage-error.ts';

export interface KeyFlags {
  readonly alg: string;
  readonly ahead: string;
}

/** Seconds for which a new key is published before it signs. The key sets of verifiers are older by less. */
const AHEAD = { min: 900, max: 30 * 86_400 } as const;
/** A token lives for a day at most: then nothing is left that a retired key has signed. */
const FORGET_AFTER_MS = 25 * 3_600_000;
const MEANT = 'a key file, as `spendcap keys new` makes it';

/**
 * Makes a key file with one key, which signs at once.
 *
 * @throws UsageError if the file is there already, or cannot be written
 */
export async function newKeyFile(file: string, { alg }: Pick<KeyFlags, 'alg'>): Promise<string> {
  const key = await generateAuthorityKey(algorithmOf(alg));
  put(file, { replace: false, keys: () => [key] });
  return `${key.kid}: signs now`;
}

/**
 * Adds a key that signs from a while ahead, when those before it retire. Keys of which no token is
 * left are dropped.
 *
 * @param now epoch milliseconds
 * @throws UsageError if the file is no key file, or the last new key does not sign yet
 */
export async function rotateKeys(
  file: string,
  { alg, ahead }: KeyFlags,
  now: number,
): Promise<string> {
  const seconds = Number(ahead);
  if (!/^\d+$/.test(ahead) || seconds < AHEAD.min || seconds > AHEAD.max) {
    throw new UsageError(`--ahead must be ${AHEAD.min} to ${AHEAD.max} seconds`);
  }
  const activeFrom = new Date(now + seconds * 1000).toISOString();
  const key = { ...(await generateAuthorityKey(algorithmOf(alg))), activeFrom };
  const target = behindLinks(file);
  put(target, { replace: true, keys: () => [key, ...retired(read(target), activeFrom, now)] });
  return `${key.kid}: signs from ${activeFrom}`;
}

/** The keys before a new one, without those of which no token is left. */
function retired(
  keys: readonly AuthorityKey[],
  retireAt: string,
  now: number,
): readonly AuthorityKey[] {
  const waiting = keys.find(({ activeFrom }) => Date.parse(activeFrom ?? '') > now);
  if (waiting !== undefined) {
    throw new UsageError(
      `a rotation is under way: the last new key signs from ${waiting.activeFrom}`,
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
 * @throws UsageError if the file is no key file
 */
export function listKeys(file: string, { jwks }: { readonly jwks: boolean }, now: number): string {
  const keys = read(file);
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

function algorithmOf(text: string): SigningAlgorithm {
  const algorithm = SIGNING_ALGORITHMS.find((each) => each === text);
  if (algorithm !== undefined) return algorithm;
  throw new UsageError(`--alg must be ${SIGNING_ALGORITHMS.join(', ')}`);
}

/** The keys of a file that nobody else may read. */
function read(file: string): readonly AuthorityKey[] {
  const content = readJsonFile(file, MEANT);
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new UsageError(`'${file}' may be read by others: chmod 600 it`);
  }
  const keys = typeof content === 'object' && content !== null && 'keys' in content && content.keys;
  if (!Array.isArray(keys)) throw new UsageError(`'${file}' is not ${MEANT}`);
  try {
    keyRing(keys, 0);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(`'${file}': ${error.message}`);
  }
  return keys;
}

/**
 * Makes a file beside the one there is and puts it in its place in one step, so that whoever reads it
 * finds the old keys or the new. The file beside it is the lock, held from before the old one is read.
 */
function put(
  file: string,
  { replace, keys }: { replace: boolean; keys: () => readonly AuthorityKey[] },
): void {
  const beside = `${file}.new`;
  const descriptor = attempt(() => openSync(beside, 'wx', 0o600), {
    file,
    taken: `'${beside}' is in the way: another call is under way, or was cut off`,
  });
  let held = true;
  try {
    try {
      writeSync(descriptor, `${JSON.stringify({ keys: keys() }, null, 2)}\n`);
      if (replace) giveToOwnerOf(file, descriptor);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // Unlike a rename, a link fails where the file is there already.
    attempt(() => (replace ? renameSync : linkSync)(beside, file), {
      file,
      taken: `'${file}' is there already: use \`spendcap keys rotate\``,
    });
    // Once it is renamed, a file of its name is the lock of another call.
    held = !replace;
  } finally {
    if (held) rmSync(beside, { force: true });
  }
}

/** A link would be replaced itself, and the file behind it would keep the old keys. */
function behindLinks(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // That there is none is told by who reads it.
    return file;
  }
}

/** Else the authority could not read what an administrator has rotated. */
function giveToOwnerOf(file: string, descriptor: number): void {
  const { uid, gid } = statSync(file);
  attempt(() => fchownSync(descriptor, uid, gid), { file, taken: '' });
}

function attempt<T>(step: () => T, { file, taken }: { file: string; taken: string }): T {
  try {
    return step();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    throw new UsageError(code === 'EEXIST' ? taken : `cannot write '${file}' (${code})`);
  }
}
