import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  type CertificateOptions,
  certificate,
  toPem,
} from '../../../packages/sandbox/src/wallet/certificate.ts';
import { NOW } from '../age/token/token-kit.ts';

export const DAY = 86_400_000;

export interface Certified {
  readonly name: string;
  readonly key: KeyObject;
  readonly der: Buffer;
  readonly pem: string;
}

export interface CertifiedOptions
  extends Partial<
    Pick<CertificateOptions, 'ca' | 'notBefore' | 'notAfter' | 'purposes' | 'usage' | 'critical'>
  > {
  readonly key?: KeyObject;
}

export function p256(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** A certificate of a name, signed by another one or self-signed. */
export function certified(
  name: string,
  by: Certified | null,
  options: CertifiedOptions = {},
): Certified {
  const { key = p256(), ...rest } = options;
  const der = certificate({
    subject: { country: 'UT', name },
    issuer: { country: 'UT', name: by?.name ?? name },
    publicKey: createPublicKey(key),
    signingKey: by?.key ?? key,
    notBefore: NOW - 100 * DAY,
    notAfter: NOW + 100 * DAY,
    ca: by === null,
    ...rest,
  });
  return { name, key, der, pem: toPem(der) };
}
