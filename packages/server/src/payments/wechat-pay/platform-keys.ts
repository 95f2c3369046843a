import type { CipherKey, KeyObject } from 'node:crypto';
import { parseJson, SpendcapError } from '@spendcap/core';
import { certificateIn, type Merchant, type PlatformKey } from './merchant.ts';
import { openResource } from './resource.ts';
import { isSignedBy, isTimely, type SignedMessage, signatureOf } from './signature.ts';

/** So that messages with invented serial numbers cannot cause a download each. */
const PAUSE_MS = 60_000;

/** The keys that verify WeChat Pay's messages. */
export interface PlatformKeys {
  /**
   * True if a message is signed by a known key, over its raw bytes, at most 5 minutes ago.
   *
   * @throws SpendcapError `outcome_unknown` while the certificate that it names cannot be had
   */
  verify(message: SignedMessage, at: number): Promise<boolean>;
  /** The `Wechatpay-Serial` of requests, so that the answer is signed with a key that is known. */
  preferred(at: number): string | null;
}

/** Downloads the list of platform certificates: the unverified answer. */
export type Download = () => Promise<SignedMessage>;

/**
 * Configured keys, and platform certificates as they are needed. A certificate is authenticated by
 * the APIv3 key, which only WeChat Pay and the merchant have: it decrypts with no other.
 */
export function platformKeys(merchant: Merchant, download: Download): PlatformKeys {
  const keys = new Map(merchant.platformKeys);
  let pausedUntil = -Infinity;
  let running: Promise<void> | null = null;
  /** Of the last download, if its list could not be used. */
  let failure: SpendcapError | null = null;

  function keyAt(serial: string, at: number): KeyObject | null {
    const found = keys.get(serial);
    return found !== undefined && found.notBefore <= at && at < found.notAfter ? found.key : null;
  }

  async function refresh(at: number): Promise<void> {
    if (running !== null) return running;
    if (at < pausedUntil) {
      if (failure !== null) throw failure;
      return;
    }
    pausedUntil = at + PAUSE_MS;
    running = load(at).finally(() => {
      running = null;
    });
    return running;
  }

  async function load(at: number): Promise<void> {
    failure = null;
    let answer: SignedMessage;
    try {
      answer = await download();
    } catch (error) {
      // Nothing was learned: the next message may try again.
      pausedUntil = -Infinity;
      throw unavailable('cannot be downloaded.', error);
    }
    const listed = certificatesIn(answer, merchant.apiV3Key);
    const signed = signatureOf(answer);
    const known =
      signed === null ? null : (listed.get(signed.serial)?.key ?? keyAt(signed.serial, at));
    const isListed = signed !== null && isTimely(signed, at) && known !== null;
    if (!isListed || !isSignedBy(known, signed, answer.body)) {
      failure = unavailable('are in no list that verifies. Check apiV3Key and the clock.');
      throw failure;
    }
    for (const [serial, certificate] of listed) keys.set(serial, certificate);
  }

  return {
    async verify(message, at) {
      const signed = signatureOf(message);
      if (signed === null || !isTimely(signed, at)) return false;
      const { serial } = signed;
      if (keyAt(serial, at) === null && isCertificate(serial)) await refresh(at);
      const key = keyAt(serial, at);
      return key !== null && isSignedBy(key, signed, message.body);
    },
    preferred(at) {
      const serials = [...keys.keys()].filter((serial) => keyAt(serial, at) !== null);
      return serials.find((serial) => !isCertificate(serial)) ?? serials.at(-1) ?? null;
    },
  };
}

function unavailable(why: string, cause?: unknown): SpendcapError {
  const message = `WeChat Pay's platform certificates ${why}`;
  return new SpendcapError('outcome_unknown', message, { cause });
}

/** A public key has no certificate, so it cannot be downloaded. */
function isCertificate(serial: string): boolean {
  return /^[0-9A-F]{8,64}$/.test(serial);
}

function certificatesIn({ body }: SignedMessage, apiV3Key: CipherKey): Map<string, PlatformKey> {
  const found = new Map<string, PlatformKey>();
  for (const { serial_no, encrypt_certificate } of listIn(body)) {
    if (typeof serial_no !== 'string') continue;
    const certificate = certificateIn(openResource(encrypt_certificate, apiV3Key), serial_no);
    if (certificate !== null) found.set(serial_no.toUpperCase(), certificate);
  }
  return found;
}

interface Listed {
  readonly serial_no?: unknown;
  readonly encrypt_certificate?: unknown;
}

function listIn(body: Uint8Array): readonly Listed[] {
  try {
    const { data } = parseJson(new TextDecoder().decode(body)) as { readonly data?: unknown };
    return Array.isArray(data) ? data.filter((each) => typeof each === 'object' && each) : [];
  } catch {
    return [];
  }
}
