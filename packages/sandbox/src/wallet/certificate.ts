import { type KeyObject, randomBytes, sign } from 'node:crypto';

/** The contents of a test certificate. */
export interface CertificateOptions {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  readonly publicKey: KeyObject;
  /** The issuer's private key, on P-256. */
  readonly signingKey: KeyObject;
  /** Epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** True if it may sign other certificates. */
  readonly ca: boolean;
  /** Extended key purposes, as dotted OIDs. */
  readonly purposes?: readonly string[];
  /** The first eight bits of the key usage. Default by `ca`. */
  readonly usage?: number;
  /** Further critical extensions, as dotted OIDs. */
  readonly critical?: readonly string[];
  /** Further extensions that are not critical and say something by being there (NULL). */
  readonly marks?: readonly string[];
}

export interface DistinguishedName {
  readonly country: string;
  readonly name: string;
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  countryName: '2.5.4.6',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
} as const;

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  printable: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const DIGITAL_SIGNATURE = 0x80;
const SIGNS_CERTIFICATES = 0x04;

/** An X.509 certificate (RFC 5280) in DER, signed with ECDSA and SHA-256. */
export function certificate(options: CertificateOptions): Buffer {
  const { subject, issuer, publicKey, signingKey, notBefore, notAfter } = options;
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const version = der(0xa0, der(TAG.integer, Buffer.from([2])));
  const toBeSigned = sequence(
    version,
    serialNumber(),
    algorithm,
    distinguishedName(issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions(options))),
  );
  return sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, signingKey)));
}

/** The text form of a certificate (RFC 7468). */
export function toPem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extensions({
  ca,
  purposes = [],
  usage: bits,
  critical = [],
  marks = [],
}: CertificateOptions): Buffer[] {
  const basic = ca ? sequence(der(TAG.boolean, Buffer.from([0xff]))) : sequence();
  const usage = bitString(Buffer.from([bits ?? (ca ? SIGNS_CERTIFICATES : DIGITAL_SIGNATURE)]));
  const list = [extension(OID.basicConstraints, basic, true), extension(OID.keyUsage, usage, true)];
  if (purposes.length > 0) {
    list.push(extension(OID.extendedKeyUsage, sequence(...purposes.map(oid)), true));
  }
  list.push(...critical.map((id) => extension(id, sequence(), true)));
  list.push(...marks.map((id) => extension(id, der(TAG.null, Buffer.alloc(0)), false)));
  return list;
}

function extension(id: string, value: Buffer, critical: boolean): Buffer {
  const mark = critical ? [der(TAG.boolean, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...mark, der(TAG.octetString, value));
}

function distinguishedName({ country, name }: DistinguishedName): Buffer {
  const attribute = (id: string, value: Buffer) => der(TAG.set, sequence(oid(id), value));
  return sequence(
    attribute(OID.countryName, der(TAG.printable, Buffer.from(country))),
    attribute(OID.commonName, der(TAG.utf8, Buffer.from(name))),
  );
}

function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  // Positive and without a leading zero byte, which DER forbids.
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return der(TAG.integer, bytes);
}

function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  // RFC 5280, section 4.1.2.5: two digits of the year until 2049.
  return digits < '2050'
    ? der(TAG.utcTime, Buffer.from(digits.slice(2)))
    : der(TAG.generalizedTime, Buffer.from(digits));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) {
    bytes.unshift((left % 128) + 128);
  }
  return bytes;
}

function bitString(bytes: Buffer): Buffer {
  return der(TAG.bitString, Buffer.concat([Buffer.from([0]), bytes]));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(TAG.sequence, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
