import { createSign, createVerify, type KeyLike } from 'node:crypto';

/** Name and value of each parameter of a call or a notification, in any order. */
export type Params = Readonly<Record<string, string>>;

/**
 * The text that a signature covers: `name=value` of all parameters except `except`, raw, sorted by
 * name and joined by `&` (opendocs.alipay.com, "signature").
 */
export function signingText(params: Params, except: readonly string[]): string {
  return Object.keys(params)
    .filter((name) => !except.includes(name))
    .toSorted()
    .map((name) => `${name}=${params[name]}`)
    .join('&');
}

/** RSA2: RSASSA-PKCS1-v1_5 with SHA-256, in base64. */
export function signRsa2(text: string, key: KeyLike): string {
  return createSign('RSA-SHA256').update(text, 'utf8').sign(key, 'base64');
}

export function verifyRsa2(text: string, signature: string, key: KeyLike): boolean {
  return createVerify('RSA-SHA256').update(text, 'utf8').verify(key, signature, 'base64');
}

/** The gateway accepts both habits of the SDKs: empty parameters signed, or left out. */
export function isSignedCall(params: Params, key: KeyLike): boolean {
  const { sign = '' } = params;
  const filled = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== ''));
  return [params, filled].some((each) => verifyRsa2(signingText(each, ['sign']), sign, key));
}

/** Signs a notification as Alipay does: its text has neither `sign` nor `sign_type`. */
export function signNotification(params: Params, key: KeyLike): string {
  return signRsa2(signingText(params, ['sign', 'sign_type']), key);
}

/** JSON as Alipay's servers write it, with `\/`. The signature covers these bytes. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll('/', '\\/');
}

const CHINA_MS = 8 * 3_600_000;

/** `yyyy-MM-dd HH:mm:ss` in China, which has no daylight saving time. */
export function chinaTime(at: number): string {
  return new Date(at + CHINA_MS).toISOString().slice(0, 19).replace('T', ' ');
}

/** Epoch milliseconds of `yyyy-MM-dd HH:mm:ss` in China; `null` if it is no such time. */
export function parseChinaTime(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return null;
  const at = Date.parse(`${text.replace(' ', 'T')}Z`) - CHINA_MS;
  return Number.isNaN(at) || chinaTime(at) !== text ? null : at;
}

/** Fen of a yuan text with at most two decimals, from 0.01 to 100000000; `null` otherwise. */
export function parseYuan(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  const match = /^(0|[1-9]\d{0,8})(?:\.(\d{1,2}))?$/.exec(text);
  if (match === null) return null;
  const fen = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
  return fen >= 1 && fen <= 10_000_000_000 ? fen : null;
}

export function yuan(fen: number): string {
  const digits = String(fen).padStart(3, '0');
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
