import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { certificate, toPem } from '../wallet/certificate.ts';

/** A key by which WeChat Pay signs: a platform certificate, or a public key with an id. */
export interface PlatformKey {
  /** `Wechatpay-Serial`: the certificate's serial number or `PUB_KEY_ID_...`. */
  readonly serial: string;
  /** The certificate or the public key. */
  readonly pem: string;
  readonly privateKey: KeyObject;
  /** Epoch milliseconds; `null` for a public key, which does not expire. */
  readonly validity: { readonly from: number; readonly to: number } | null;
}

const YEARS_5 = 5 * 365 * 86_400_000;

/** RSA keys are slow to generate, therefore all fakes of a process use the same ones. */
const pairs = new Map<string, { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>();

export function rsaPair(name: string) {
  const known = pairs.get(name);
  if (known !== undefined) return known;
  const made = generateKeyPairSync('rsa', { modulusLength: 2048 });
  pairs.set(name, made);
  return made;
}

/** A platform certificate, valid for five years from `at`. */
export function platformCertificate(name: string, at: number): PlatformKey {
  const { privateKey, publicKey } = rsaPair(name);
  const validity = { from: at, to: at + YEARS_5 };
  const der = certificate({
    subject: { country: 'CN', name: 'Tenpay.com sign' },
    issuer: { country: 'CN', name: 'Tenpay.com Root CA' },
    publicKey,
    signingKey: authority().privateKey,
    notBefore: validity.from,
    notAfter: validity.to,
    ca: false,
  });
  const { serialNumber } = new X509Certificate(der);
  return { serial: serialNumber, pem: toPem(der), privateKey, validity };
}

/** A public key of WeChat Pay, which has no certificate. */
export function platformPublicKey(): PlatformKey {
  const { privateKey, publicKey } = rsaPair('public key');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    serial: 'PUB_KEY_ID_0119000000012026010100000000000001',
    pem,
    privateKey,
    validity: null,
  };
}

function authority() {
  const known = pairs.get('authority');
  if (known !== undefined) return known;
  const made = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  pairs.set('authority', made);
  return made;
}
