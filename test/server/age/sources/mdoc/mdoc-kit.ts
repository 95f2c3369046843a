import { createPublicKey, hash, type KeyObject, sign } from 'node:crypto';
import { cborEncode, DataItem } from '@owf/mdoc';
import {
  type MdocSession,
  type MdocSourceOptions,
  mdocSource,
} from '@spendcap/server/age/sources/mdoc';
import { type Certified, certified, DAY, p256 } from '../../../jwt/certificate-kit.ts';
import { NOW } from '../../token/token-kit.ts';

export const AV = 'eu.europa.ec.av.1';
export const LICENCE = 'org.iso.18013.5.1.mDL';
export const SESSION = {
  protocol: 'openid4vp',
  clientId: 'x509_san_dns:game.example',
  nonce: 'n-0S6_WzA2Mj',
  responseUri: 'https://game.example/response',
} as const satisfies MdocSession;

export const root = certified('root', null);
export const signer = certified('signer', root);
const device = p256();

export type Members = Readonly<Record<string, unknown>>;

/** One element as it is shown. */
export interface Item {
  readonly digestID: number;
  readonly random: Uint8Array;
  readonly elementIdentifier: string;
  readonly elementValue: unknown;
}

/** How a reply differs from one that is accepted; `undefined` takes a member away. */
export interface Changes {
  readonly docType?: string;
  /** What the issuer signed, where it is another type than the document says. */
  readonly signedType?: string;
  readonly namespace?: string;
  readonly elements?: Members;
  /** Changes the elements after the issuer has signed their digests. */
  readonly shown?: (items: readonly Item[]) => readonly Item[];
  /** Further members of what the issuer signs. */
  readonly signed?: Members;
  readonly validity?: Members;
  readonly chain?: readonly Certified[];
  readonly issuerKey?: KeyObject;
  readonly issuerHeader?: ReadonlyMap<number, unknown>;
  readonly deviceHeader?: ReadonlyMap<number, unknown>;
  /** Who signs for the device, and what key the issuer bound the document to. */
  readonly deviceKey?: KeyObject;
  readonly boundTo?: KeyObject;
  readonly session?: readonly unknown[];
  /** In the place of the null of a detached payload. */
  readonly devicePayload?: Uint8Array;
  readonly deviceAuth?: Members;
  readonly response?: Members;
}

/** Objects to maps, without members that are undefined. */
function cborMap(members: Members): Map<string, unknown> {
  return new Map(Object.entries(members).filter(([, value]) => value !== undefined));
}

export function item(elementIdentifier: string, elementValue: unknown, digestID: number): Item {
  return { digestID, random: Buffer.alloc(16, digestID + 1), elementIdentifier, elementValue };
}

/** OpenID4VP 1.0, appendix B.2.6.1, without encryption. */
export function transcript({ clientId, nonce, responseUri }: typeof SESSION): readonly unknown[] {
  const info = cborEncode([clientId, nonce, null, responseUri]);
  return [null, null, ['OpenID4VPHandover', hash('sha256', info, 'buffer')]];
}

function embedded(value: unknown): DataItem {
  return DataItem.fromData(value);
}

function asItem(each: Item): DataItem {
  return embedded(cborMap({ ...each }));
}

function coseKey(key: KeyObject): Map<number, unknown> {
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  return new Map<number, unknown>([
    [1, 2],
    [-1, 1],
    [-2, Buffer.from(x, 'base64url')],
    [-3, Buffer.from(y, 'base64url')],
  ]);
}

const ES256 = new Map<number, unknown>([[1, -7]]);

function signature(header: ReadonlyMap<number, unknown>, payload: Uint8Array, key: KeyObject) {
  const toSign = cborEncode(['Signature1', cborEncode(header), Buffer.alloc(0), payload]);
  return sign('sha256', toSign, { key, dsaEncoding: 'ieee-p1363' });
}

/** A reply made by hand, right in every respect that is not changed. */
export function deviceResponse(changes: Changes = {}): Uint8Array {
  const { docType = AV, namespace = docType.replace(/\.mDL$/, '') } = changes;
  const { chain = [signer], elements = { age_over_18: true } } = changes;
  const items = Object.entries(elements).map(([name, value], id) => item(name, value, id));
  const digests = items.map(
    (each) => [each.digestID, hash('sha256', cborEncode(asItem(each)), 'buffer')] as const,
  );
  const payload = cborEncode(
    embedded(
      cborMap({
        version: '1.0',
        digestAlgorithm: 'SHA-256',
        docType: changes.signedType ?? docType,
        valueDigests: new Map([[namespace, new Map(digests)]]),
        deviceKeyInfo: cborMap({ deviceKey: coseKey(changes.boundTo ?? device) }),
        validityInfo: cborMap({
          signed: new Date(NOW - DAY),
          validFrom: new Date(NOW - DAY),
          validUntil: new Date(NOW + DAY),
          ...changes.validity,
        }),
        ...changes.signed,
      }),
    ),
  );
  const header = changes.issuerHeader ?? ES256;
  const [only, ...others] = chain.map(({ der }) => der);
  const x5chain = others.length === 0 ? only : [only, ...others];
  const issuerAuth = [
    cborEncode(header),
    only === undefined ? new Map() : new Map([[33, x5chain]]),
    payload,
    signature(header, payload, changes.issuerKey ?? signer.key),
  ];
  const shown = (changes.shown ?? ((all) => all))(items).map(asItem);
  const document = cborMap({
    docType,
    issuerSigned: cborMap({ nameSpaces: new Map([[namespace, shown]]), issuerAuth }),
    deviceSigned: deviceSigned(docType, changes),
  });
  return cborEncode(
    cborMap({ version: '1.0', documents: [document], status: 0, ...changes.response }),
  );
}

function deviceSigned(docType: string, changes: Changes): Map<string, unknown> {
  const nameSpaces = embedded(new Map());
  const session = changes.session ?? transcript(SESSION);
  const authentication = cborEncode(
    embedded(['DeviceAuthentication', session, docType, nameSpaces]),
  );
  const header = changes.deviceHeader ?? ES256;
  const signed = signature(
    header,
    changes.devicePayload ?? authentication,
    changes.deviceKey ?? device,
  );
  const sign1 = [cborEncode(header), new Map(), changes.devicePayload ?? null, signed];
  const deviceAuth = cborMap({ deviceSignature: sign1, ...changes.deviceAuth });
  return cborMap({ nameSpaces, deviceAuth });
}

export function sourceOf(options: Partial<MdocSourceOptions> = {}) {
  const issuers = [{ types: [AV], roots: [root.pem] }] as const;
  const source = mdocSource({ issuers, ...options });
  return (bytes: Uint8Array | string, session: MdocSession = SESSION, at = NOW) =>
    source.verify({ deviceResponse: bytes, session }, { at });
}
