import {
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import {
  CoseKey,
  DateOnly,
  DeviceKey,
  DeviceRequest,
  DeviceResponse,
  DocRequest,
  Issuer,
  type IssuerSigned,
  ItemsRequest,
  type MdocContext,
  SessionTranscript,
  SignatureAlgorithm,
} from '@owf/mdoc';
import { assertOptions } from '@spendcap/core';
import type { MdocSession } from '@spendcap/server/age/sources/mdoc';
import type { Signer } from './signer.ts';

/** An mdoc to issue. */
export interface MdocRequest {
  /** The document type: `eu.europa.ec.av.1` or `org.iso.18013.5.1.mDL`. */
  readonly type: string;
  /** For example `{ age_over_18: true }`. `birth_date` is an ISO date. */
  readonly elements: Readonly<Record<string, unknown>>;
  /** The namespace of the elements. Default: that of the type. */
  readonly namespace?: string;
  /** Default 90. */
  readonly validDays?: number;
}

/** An mdoc in a wallet. */
export interface WalletMdoc {
  /**
   * Presents the requested elements that exist, signed for the session. For `age_over_NN` it is the
   * nearest true element at or above NN, otherwise the nearest false one at or below NN.
   */
  present(request: {
    readonly elements: readonly string[];
    readonly session: MdocSession;
  }): Promise<Uint8Array>;
}

type Keys = { readonly signer: Signer; readonly device: KeyObject };

const DAY_MS = 86_400_000;
const CONTEXT: Pick<MdocContext, 'crypto' | 'cose'> = {
  crypto: {
    random: (length) => randomBytes(length),
    digest: ({ digestAlgorithm, bytes }) =>
      hash(digestAlgorithm.toLowerCase().replace('-', ''), bytes, 'buffer'),
    calculateEphemeralMacKey: () => {
      throw new Error('This wallet does not support MACs.');
    },
  },
  cose: {
    sign1: {
      sign: ({ toBeSigned, key }) => {
        const privateKey = createPrivateKey({ key: key.jwk, format: 'jwk' });
        return sign('sha256', toBeSigned, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      },
      verify: () => false,
    },
    mac0: {
      sign: () => {
        throw new Error('This wallet does not support MACs.');
      },
      verify: () => false,
    },
  },
};

/** Issues a document to a device key. */
export async function walletMdoc(
  request: MdocRequest,
  { signer, device }: Keys,
  now: number,
): Promise<WalletMdoc> {
  const names = { type: true, elements: true, namespace: true, validDays: true } as const;
  assertOptions('mdoc', request, names);
  const { type, elements, validDays = 90 } = request;
  const namespace = request.namespace ?? type.replace(/\.mDL$/, '');
  const deviceKey = coseKey(device);
  const { kty = '', crv, x, y } = createPublicKey(device).export({ format: 'jwk' });
  const issued = await new Issuer(type, CONTEXT)
    .addIssuerNamespace(namespace, Object.fromEntries(Object.entries(elements).map(asElement)))
    .sign({
      signingKey: coseKey(signer.privateKey),
      certificates: [...signer.chain],
      algorithm: SignatureAlgorithm.ES256,
      digestAlgorithm: 'SHA-256',
      deviceKeyInfo: { deviceKey: DeviceKey.fromJwk({ kty, crv, x, y }) },
      validityInfo: {
        signed: wholeSecond(now),
        validFrom: wholeSecond(now),
        validUntil: wholeSecond(now + validDays * DAY_MS),
      },
    });
  return {
    present: async ({ elements: requested, session }) => {
      const docRequest = DocRequest.create({
        itemsRequest: ItemsRequest.create({
          docType: type,
          namespaces: { [namespace]: Object.fromEntries(requested.map((name) => [name, false])) },
        }),
      });
      return reply(issued, { docRequest, session, deviceKey });
    },
  };
}

interface Presentation {
  readonly docRequest: DocRequest;
  readonly session: MdocSession;
  readonly deviceKey: CoseKey;
}

async function reply(
  issued: IssuerSigned,
  { docRequest, session, deviceKey }: Presentation,
): Promise<Uint8Array> {
  const made = await DeviceResponse.createWithDeviceRequest(
    {
      deviceRequest: DeviceRequest.create({ docRequests: [docRequest] }),
      issuerSigned: [issued],
      sessionTranscript: await transcriptOf(session),
      signature: { signingKey: deviceKey },
    },
    CONTEXT,
  );
  return made.encode();
}

async function transcriptOf(session: MdocSession): Promise<SessionTranscript> {
  if (session.protocol === 'transcript') return SessionTranscript.decode(session.transcript);
  return session.protocol === 'openid4vp'
    ? SessionTranscript.forOid4Vp(session, CONTEXT)
    : SessionTranscript.forOid4VpDcApi(session, CONTEXT);
}

function asElement([name, value]: [string, unknown]): [string, unknown] {
  return [name, name === 'birth_date' ? new DateOnly(String(value)) : value];
}

/** ISO 18013-5: dates of a document have no fractional seconds. */
function wholeSecond(at: number): Date {
  return new Date(Math.floor(at / 1000) * 1000);
}

function coseKey(privateKey: KeyObject): CoseKey {
  const { kty = '', ...jwk } = privateKey.export({ format: 'jwk' });
  return CoseKey.fromJwk({ ...jwk, kty, alg: 'ES256' });
}
