import { type AgeRange, type Assurance, SpendcapError } from '@spendcap/core';
import type { SourceFinding } from '../source.ts';

/** What a device says, as the app sends it, and the proof that the app itself said it. */
export interface PlatformEvidence {
  /** The exact JSON text of the signal that the app made; see docs/age-sources/platform.md. */
  readonly signal: string;
  /** What the platform's attestation gave the app over these very bytes. */
  readonly attestation?: unknown;
  /** What your server gave this device for this one request: it must stand in the signal. */
  readonly nonce?: string;
}

/**
 * Resolves to whether the platform attests that the genuine app, on a genuine device, said exactly these bytes:
 * App Attest with their SHA-256 as the client data hash, Play Integrity with it as the request hash.
 */
export type AttestationVerifier = (asked: {
  readonly attestation: unknown;
  readonly signal: Uint8Array;
  readonly nonce: string;
}) => Promise<boolean>;

/** Options of the sources for Apple and Google signals. */
export interface PlatformOptions {
  /** Without it every signal is a `client_claim`, which only ever lowers an age. */
  readonly attest?: AttestationVerifier;
}

/** What may be wrong, in words that never change. */
const INVALID = {
  malformed: 'is not of the documented form',
  age_claim_invalid: 'states ages that cannot be right',
  nonce_mismatch: 'was not made for this request',
  attestation_invalid: 'is not what the attested app said',
} as const;

/** Why a signal was rejected. */
export type PlatformFault = keyof typeof INVALID | 'attestation_unavailable';

export function platformInvalid(why: keyof typeof INVALID): SpendcapError {
  return new SpendcapError('age_evidence_invalid', `The platform signal ${INVALID[why]}.`, { why });
}

/** What a signal comes to, if its app is taken at its word. */
export interface Signal {
  readonly range: AgeRange;
  readonly assurance: Assurance;
}

/** The members of a signal: read known names, and expect any type. */
export type Members = Readonly<Record<string, unknown>>;

const MAX_SIGNAL_CHARACTERS = 4096;
const NONCE = /^[\w-]{16,256}$/;

/** Reads a signal, and says how far it can be believed. */
export async function readPlatform(
  evidence: PlatformEvidence,
  read: (members: Members) => Signal,
  { attest, kind, at }: PlatformOptions & { readonly kind: string; readonly at: number },
): Promise<SourceFinding> {
  const { signal, attestation, nonce } = (evidence ?? {}) as Partial<PlatformEvidence>;
  const members = parse(signal);
  const { range, assurance } = read(members);
  const finding = { range, asOf: at, kind };
  if (attest === undefined || attestation === undefined) {
    return { ...finding, assurance: 'client_claim' };
  }
  // One attestation would otherwise do for every account, and for ever.
  if (typeof nonce !== 'string' || !NONCE.test(nonce) || members.nonce !== nonce) {
    throw platformInvalid('nonce_mismatch');
  }
  const asked = { attestation, signal: Buffer.from(signal as string), nonce };
  if (!(await isAttested(attest, asked))) throw platformInvalid('attestation_invalid');
  return { ...finding, assurance };
}

async function isAttested(
  attest: AttestationVerifier,
  asked: Parameters<AttestationVerifier>[0],
): Promise<boolean> {
  try {
    return (await attest(asked)) === true;
  } catch {
    // Without its cause, which may hold what was attested.
    const message = 'The attestation could not be checked.';
    const why = 'attestation_unavailable' satisfies PlatformFault;
    throw new SpendcapError('age_source_unavailable', message, { why });
  }
}

function parse(signal: unknown): Members {
  if (typeof signal !== 'string' || signal.length > MAX_SIGNAL_CHARACTERS) {
    throw platformInvalid('malformed');
  }
  try {
    const members: unknown = JSON.parse(signal);
    if (typeof members === 'object' && members !== null && !Array.isArray(members)) {
      return members as Members;
    }
  } catch {
    // Told below; the error would quote the signal.
  }
  throw platformInvalid('malformed');
}

/** Throws if there is any member besides these: what is not needed shall not be sent. */
export function allowOnly(members: Members, names: readonly string[]): void {
  if (!Object.keys(members).every((name) => name === 'nonce' || names.includes(name))) {
    throw platformInvalid('malformed');
  }
}

/** One of a closed list of words. */
export function word<const W extends string>(value: unknown, words: readonly W[]): W {
  if (words.includes(value as W)) return value as W;
  throw platformInvalid('malformed');
}

/** An age of the platform's, `null` where it says none. */
export function ageOrNull(value: unknown, [min, max]: readonly [number, number]): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw platformInvalid('malformed');
  if (value < min || value > max) throw platformInvalid('age_claim_invalid');
  return value;
}
