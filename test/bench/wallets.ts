import { hash, verify, X509Certificate } from 'node:crypto';
import {
  CoseKey,
  DeviceResponse,
  type MdocContext,
  SessionTranscript,
  type Sign1,
} from '@owf/mdoc';
import { SDJwtInstance } from '@sd-jwt/core';
import { walletIssuer } from '@spendcap/sandbox/wallet';
import { mdocSource } from '@spendcap/server/age/sources/mdoc';
import { sdJwtSource } from '@spendcap/server/age/sources/sd-jwt';
import { compactVerify, importJWK, type JWK } from 'jose';
import { type Comparison, inFlight } from './harness.ts';

const NONCE = 'n-0S6_WzA2Mj';
const AUDIENCE = 'x509_san_dns:game.example';
/** What was verified is remembered by nobody, so each is verified wholly. */
const COUNT = 2_000;

/** Beside the library with the issuer's key at hand: both signatures, disclosures, key binding. */
export async function sdJwtComparison(): Promise<Comparison> {
  const issuer = walletIssuer();
  const type = 'urn:eudi:pid:1';
  const pid = await issuer.sdJwt({ type, claims: { birthdate: '2014-05-01', family_name: 'M' } });
  const request = { claims: ['birthdate'], nonce: NONCE, audience: AUDIENCE };
  const presentation = await pid.present(request);
  const source = sdJwtSource({
    issuers: [{ types: [type], roots: issuer.roots }],
    audience: AUDIENCE,
  });
  const [header = ''] = presentation.split('.');
  const { x5c } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const issuerKey = new X509Certificate(Buffer.from(x5c[0], 'base64')).publicKey;
  const bare = new SDJwtInstance({
    hasher: (data) =>
      hash('sha256', typeof data === 'string' ? data : new Uint8Array(data), 'buffer'),
    verifier: (data, signature) => isSigned(data, signature, issuerKey),
    kbVerifier: async (data, signature, payload) => {
      const { jwk } = payload.cnf as { readonly jwk: JWK };
      return isSigned(data, signature, await importJWK(jwk, 'ES256'));
    },
  });
  return {
    work: 'SD-JWT VC shown by a wallet',
    ours: {
      name: 'sdJwtSource',
      run: (count) =>
        inFlight(count, () => source.verify({ presentation, nonce: NONCE }, { at: Date.now() })),
    },
    beside: {
      name: '@sd-jwt/core',
      run: (count) => inFlight(count, () => bare.verify(presentation, { keyBindingNonce: NONCE })),
    },
    atLeast: 0.9,
    count: COUNT,
  };
}

async function isSigned(
  data: string,
  signature: string,
  key: Parameters<typeof compactVerify>[1],
): Promise<boolean> {
  await compactVerify(`${data}.${signature}`, key, { algorithms: ['ES256'] });
  return true;
}

/** Beside the library: its whole `verify`, with the chain to the root as one signature. */
export async function mdocComparison(): Promise<Comparison> {
  const issuer = walletIssuer();
  const type = 'eu.europa.ec.av.1';
  const document = await issuer.mdoc({ type, elements: { age_over_18: true, age_over_16: true } });
  const session = { protocol: 'dc-api', origin: 'https://game.example', nonce: NONCE } as const;
  const deviceResponse = await document.present({ elements: ['age_over_18'], session });
  const source = mdocSource({ issuers: [{ types: [type], roots: issuer.roots }] });
  const root = new X509Certificate(issuer.roots[0] ?? '');
  const trustedCertificates = [new Uint8Array(root.raw)];
  const bare = async () => {
    const sessionTranscript = await SessionTranscript.forOid4VpDcApi(session, CONTEXT);
    const response = DeviceResponse.decode(deviceResponse);
    await response.verify({ sessionTranscript, trustedCertificates }, CONTEXT);
  };
  return {
    work: 'mdoc shown by a wallet',
    ours: {
      name: 'mdocSource',
      run: (count) =>
        inFlight(count, () => source.verify({ deviceResponse, session }, { at: Date.now() })),
    },
    beside: { name: '@owf/mdoc', run: (count) => inFlight(count, bare) },
    atLeast: 0.9,
    count: COUNT,
  };
}

const unused = () => {
  throw new Error('not part of this');
};

const CONTEXT: MdocContext = {
  crypto: {
    random: unused,
    calculateEphemeralMacKey: unused,
    digest: ({ bytes }) => hash('sha256', bytes, 'buffer'),
  },
  cose: {
    mac0: { sign: unused, verify: unused },
    sign1: {
      sign: unused,
      verify: ({ sign1, key }: { readonly sign1: Sign1; readonly key: CoseKey }) => {
        const { kty, crv, x, y } = key.jwk;
        const jwk = { key: { kty, crv, x, y }, format: 'jwk', dsaEncoding: 'ieee-p1363' } as never;
        return verify('sha256', sign1.toBeSigned, jwk, sign1.signature);
      },
    },
  },
  x509: {
    getIssuerNameField: ({ certificate, field }) => {
      const { issuer } = new X509Certificate(certificate);
      return issuer.split('\n').flatMap((line) => line.split(`${field}=`)[1] ?? []);
    },
    getPublicKey: ({ certificate, alg }) => {
      const jwk = new X509Certificate(certificate).publicKey.export({ format: 'jwk' });
      return CoseKey.fromJwk({ ...jwk, kty: jwk.kty ?? '', alg });
    },
    verifyCertificateChain: ({ x5chain, trustedCertificates }) => {
      const [signer, root] = [x5chain[0], trustedCertificates[0]].map(
        (bytes) => new X509Certificate(bytes ?? ''),
      );
      if (signer === undefined || root === undefined) throw new Error('no chain');
      if (!signer.checkIssued(root) || !signer.verify(root.publicKey))
        throw new Error('not issued');
    },
    getCertificateData: ({ certificate }) => {
      const read = new X509Certificate(certificate);
      return {
        issuerName: read.issuer,
        subjectName: read.subject,
        serialNumber: read.serialNumber,
        thumbprint: read.fingerprint256,
        notBefore: read.validFromDate,
        notAfter: read.validToDate,
        pem: read.toString(),
      };
    },
  },
};
