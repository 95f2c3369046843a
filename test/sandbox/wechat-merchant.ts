import { createDecipheriv, createPublicKey, randomUUID, sign, verify } from 'node:crypto';
import type { FakeWechatMerchant } from '@spendcap/sandbox';

/** Every line ends with a line feed, the last one, too. */
export const textOf = (...parts: readonly string[]): string => parts.map((p) => `${p}\n`).join('');

interface Sending {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A merchant's client, written from the documents and not from the library. */
export function merchant(
  fetch: (input: Request) => Promise<Response>,
  credentials: FakeWechatMerchant,
  now: () => number,
) {
  async function call(target: string, { method = 'GET', body, headers }: Sending = {}) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const timestamp = String(Math.floor(now() / 1000));
    const nonce = randomUUID();
    const signature = sign(
      'sha256',
      Buffer.from(textOf(method, target, timestamp, nonce, text)),
      credentials.privateKey,
    ).toString('base64');
    const fields = Object.entries({
      ...{ signature, nonce_str: nonce, timestamp },
      ...{ mchid: credentials.mchId, serial_no: credentials.serialNo },
    });
    const list = fields.map(([name, value]) => `${name}="${value}"`).join(',');
    return fetch(
      new Request(`https://api.mch.weixin.qq.com${target}`, {
        method,
        headers: {
          authorization: `WECHATPAY2-SHA256-RSA2048 ${list}`,
          accept: 'application/json',
          'content-type': 'application/json',
          ...headers,
        },
        ...(body === undefined ? {} : { body: text }),
      }),
    );
  }
  return {
    call,
    get: (target: string) => call(target),
    post: (target: string, body: unknown) => call(target, { method: 'POST', body }),
  };
}

/** True if a message of WeChat is signed by one of the keys. */
export function isSigned(
  headers: Headers,
  body: string,
  keys: FakeWechatMerchant['platformKeys'],
): boolean {
  const header = (name: string) => headers.get(`wechatpay-${name}`) ?? '';
  const pem = keys[header('serial')];
  if (pem === undefined) return false;
  const text = textOf(header('timestamp'), header('nonce'), body);
  const signature = Buffer.from(header('signature'), 'base64');
  return verify('sha256', Buffer.from(text), createPublicKey(pem), signature);
}

export interface Sealed {
  readonly ciphertext: string;
  readonly associated_data: string;
  readonly nonce: string;
}

/** Decrypts a resource. @throws Error if the tag does not match */
export function open({ ciphertext, associated_data, nonce }: Sealed, apiV3Key: string): string {
  const bytes = Buffer.from(ciphertext, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', apiV3Key, nonce);
  decipher.setAAD(Buffer.from(associated_data)).setAuthTag(bytes.subarray(-16));
  return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
}
