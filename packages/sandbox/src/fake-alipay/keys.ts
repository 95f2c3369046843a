import { generateKeyPairSync } from 'node:crypto';

function pair() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

let made: FakeAlipayKeys | undefined;

/** The keys of every fake of this process, PEM. */
export interface FakeAlipayKeys {
  readonly merchant: { readonly publicKey: string; readonly privateKey: string };
  readonly alipay: { readonly publicKey: string; readonly privateKey: string };
  /** Trusted by nobody. */
  readonly foreign: { readonly publicKey: string; readonly privateKey: string };
}

/** Generated at the first use, once: RSA keys of 2048 bits take a while. */
export function fakeKeys(): FakeAlipayKeys {
  made ??= { merchant: pair(), alipay: pair(), foreign: pair() };
  return made;
}
