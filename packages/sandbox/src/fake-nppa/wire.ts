import { createDecipheriv, createHash } from 'node:crypto';
import { parseJson } from '@spendcap/core';

/** The credentials of a game. */
export interface FakeGame {
  readonly appId: string;
  readonly bizId: string;
  /** 32 hexadecimal digits. */
  readonly secretKey: string;
}

/** An error response. The system sends all of them with HTTP status 200. */
export class NppaError extends Error {
  readonly errcode: number;

  constructor(errcode: number) {
    super(MESSAGES[errcode] ?? 'ERROR');
    this.errcode = errcode;
  }
}

const MESSAGES: Readonly<Record<number, string>> = {
  1001: 'SYS ERROR',
  1002: 'SYS REQ RESOURCE NOT EXIST',
  1003: 'SYS REQ METHOD ERROR',
  1004: 'SYS REQ HEADER MISS ERROR',
  1005: 'SYS REQ IP ERROR',
  1006: 'SYS REQ BUSY ERROR',
  1007: 'SYS REQ EXPIRE ERROR',
  1008: 'SYS REQ PARTNER ERROR',
  1009: 'SYS REQ PARTNER AUTH DISABLE',
  1010: 'SYS REQ AUTH ERROR',
  1011: 'SYS REQ PARTNER AUTH ERROR',
  1012: 'SYS REQ PARAM CHECK ERROR',
  2001: 'BUS AUTH IDNUM ILLEGAL',
  2002: 'BUS AUTH RESOURCE LIMIT',
  2003: 'BUS AUTH NO AUTH RECODE',
  2004: 'BUS AUTH CODE ALREADY IN USE',
  3001: 'BUS COLL PARTIAL ERROR',
  3002: 'BUS COLL BEHAVIOR NULL ERROR',
  3003: 'BUS COLL OVER LIMIT COUNT',
  3004: 'BUS COLL NO INVALID',
  3005: 'BUS COLL BEHAVIOR TIME ERROR',
  3006: 'BUS COLL PLAYER MODE INVALID',
  3007: 'BUS COLL BEHAVIOR MODE INVALID',
  3008: 'BUS COLL PLAYER ID MISS',
  3009: 'BUS COLL DEVICE ID MISS',
  3010: 'BUS COLL PLAYER ID INVALID',
};

export function signatureOf(
  { secretKey }: FakeGame,
  parameters: readonly (readonly [string, string])[],
  body: string,
): string {
  const sorted = [...parameters].sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.join(''));
  return createHash('sha256')
    .update(secretKey + sorted.join('') + body)
    .digest('hex');
}

/** Decrypts a body. @throws NppaError 1012 if it was not encrypted with this game's key */
export function decryptBody({ secretKey }: FakeGame, body: string): Record<string, unknown> {
  try {
    const bytes = Buffer.from((parseJson(body) as { data: string }).data, 'base64');
    const decipher = createDecipheriv(
      'aes-128-gcm',
      Buffer.from(secretKey, 'hex'),
      bytes.subarray(0, 12),
      { authTagLength: 16 },
    ).setAuthTag(bytes.subarray(-16));
    const text = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    const members: unknown = parseJson(text.toString());
    if (typeof members === 'object' && members !== null) return { ...members };
  } catch {
    // Every failure has the same error code.
  }
  throw new NppaError(1012);
}
