import { type KeyObject, sign, verify } from 'node:crypto';

/** SHA-256 with RSA and PKCS #1 v1.5, the only scheme that is accepted. */
const SCHEME = 'WECHATPAY2-SHA256-RSA2048';
/** Older and newer messages are refused (WeChat Pay's documents: five minutes). */
const TOLERANCE_SECONDS = 300;
/** 8,192 bits as base64. */
const MAX_SIGNATURE_LENGTH = 1_368;

/** What a request is signed over. `target` is path and query. */
export interface RequestText {
  readonly method: string;
  readonly target: string;
  /** Epoch seconds. */
  readonly timestamp: number;
  readonly nonce: string;
  readonly body: string;
}

/** Five lines, each ended by a line feed, the last one, too. */
export function requestText({ method, target, timestamp, nonce, body }: RequestText): string {
  return `${method}\n${target}\n${timestamp}\n${nonce}\n${body}\n`;
}

export function signText(text: string, privateKey: KeyObject): string {
  return sign('sha256', Buffer.from(text), privateKey).toString('base64');
}

export interface Signer {
  readonly mchId: string;
  readonly serialNo: string;
  readonly privateKey: KeyObject;
}

/** The `Authorization` header of a request. */
export function authorization(request: RequestText, signer: Signer): string {
  const fields = {
    mchid: signer.mchId,
    nonce_str: request.nonce,
    timestamp: request.timestamp,
    serial_no: signer.serialNo,
    signature: signText(requestText(request), signer.privateKey),
  };
  const list = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
  return `${SCHEME} ${list.join(',')}`;
}

/** A message of WeChat Pay as it arrived: an answer or a notification. */
export interface SignedMessage {
  /** A header by its name in lower case; `null` if it is absent. */
  header(name: string): string | null;
  readonly body: Uint8Array;
}

/** The headers that sign a message. */
export interface MessageSignature {
  readonly timestamp: string;
  readonly nonce: string;
  readonly serial: string;
  readonly signature: Buffer;
}

/** The signature of a message; `null` if one is missing, malformed or of another scheme. */
export function signatureOf({ header }: Pick<SignedMessage, 'header'>): MessageSignature | null {
  const timestamp = header('wechatpay-timestamp') ?? '';
  const nonce = header('wechatpay-nonce') ?? '';
  const serial = header('wechatpay-serial') ?? '';
  const text = header('wechatpay-signature') ?? '';
  if ((header('wechatpay-signature-type') ?? SCHEME) !== SCHEME) return null;
  if (!/^\d{1,12}$/.test(timestamp) || !/^[\w-]{1,128}$/.test(serial)) return null;
  if (!/^[\x21-\x7e]{1,128}$/.test(nonce) || text.length > MAX_SIGNATURE_LENGTH) return null;
  const signature = Buffer.from(text, 'base64');
  // Node.js ignores what is not base64; such a text was not written by WeChat.
  return signature.toString('base64') === text && text !== ''
    ? { timestamp, nonce, serial, signature }
    : null;
}

/** True if a message is at most five minutes old or early. `at` is epoch milliseconds. */
export function isTimely({ timestamp }: MessageSignature, at: number): boolean {
  return Math.abs(Math.floor(at / 1_000) - Number(timestamp)) <= TOLERANCE_SECONDS;
}

/** True if the raw body was signed with the key: timestamp, nonce, body, each with a line feed. */
export function isSignedBy(key: KeyObject, signed: MessageSignature, body: Uint8Array): boolean {
  const head = Buffer.from(`${signed.timestamp}\n${signed.nonce}\n`);
  return verify('sha256', Buffer.concat([head, body, LINE_FEED]), key, signed.signature);
}

const LINE_FEED = Buffer.from('\n');
