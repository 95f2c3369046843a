import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { AlipayAnswerError, type Fields, textOf } from './answers.ts';
import { chinaTime } from './time.ts';

type Method<T> = (...args: never[]) => T;

/** What is used of Alipay's client. `new AlipaySdk(config)` of `alipay-sdk` 4 fits. */
export interface AlipayClient {
  readonly config: {
    readonly appId: string;
    readonly alipayPublicKey?: string;
    readonly privateKey?: string;
    readonly signType?: string;
  };
  readonly exec: Method<Promise<unknown>>;
  readonly curl: Method<Promise<unknown>>;
  readonly sdkExec: Method<string>;
  readonly pageExec: Method<string>;
}

/** Parameters beside `bizContent`. */
export interface CallParams {
  readonly bizContent: Fields;
  readonly notifyUrl?: string;
  readonly returnUrl?: string;
  readonly timestamp?: string;
}

/** The client with the signatures that are used: never exported. */
export interface Sdk {
  readonly config: { readonly appId: string; readonly alipayPublicKey: string };
  exec(method: string, params: object, options: object): Promise<Fields>;
  curl(verb: string, path: string, options: object): Promise<{ readonly data: Fields }>;
  sdkExec(method: string, params: CallParams): string;
  pageExec(method: string, httpMethod: 'GET' | 'POST', params: CallParams): string;
}

/**
 * Refuses a client whose answers could not be verified, before anything is held.
 *
 * @throws TypeError if it is no client of `alipay-sdk`, lacks Alipay's public key or signs with
 *   SHA-1
 */
export function checkClient(client: AlipayClient): Sdk {
  const isClient = METHODS.every((name) => typeof client?.[name] === 'function');
  if (!isClient || typeof client.config?.appId !== 'string') {
    throw new TypeError('alipay must be a client of alipay-sdk, such as new AlipaySdk(config)');
  }
  if ((client.config.signType ?? 'RSA2') !== 'RSA2') {
    throw new TypeError('alipay: signType must be RSA2');
  }
  alipayKeyOf(client);
  return client as unknown as Sdk;
}

const METHODS = ['exec', 'curl', 'sdkExec', 'pageExec'] as const;

/** The key that verifies Alipay's answers and notifications. @throws TypeError without one */
export function alipayKeyOf({ config }: AlipayClient): KeyObject {
  const key = keyIn('alipayPublicKey', config.alipayPublicKey, createPublicKey);
  if (config.privateKey === undefined) return key;
  const own = createPublicKey(keyIn('privateKey', config.privateKey, createPrivateKey));
  if (own.equals(key)) {
    throw new TypeError("alipay: alipayPublicKey is your app's own key. Use Alipay's public key.");
  }
  return key;
}

function keyIn(
  name: string,
  text: string | undefined,
  create: (pem: string) => KeyObject,
): KeyObject {
  let key: KeyObject;
  try {
    key = create(text ?? '');
  } catch {
    // Without a cause: its message may contain the key.
    throw new TypeError(`alipay: ${name} is missing, or not in the PEM form that keyType says`);
  }
  if (key.asymmetricKeyType === 'rsa') return key;
  throw new TypeError(`alipay: ${name} must be an RSA key`);
}

/** A call whose answer has a valid signature; the SDK checks it on request only. */
export function execSigned(
  sdk: Sdk,
  method: string,
  params: CallParams & { readonly at: number },
): Promise<Fields> {
  const { at, ...rest } = params;
  // The SDK writes the local time of the machine.
  const given = { timestamp: chinaTime(at), ...rest };
  return unquoted(() => sdk.exec(method, given, { validateSign: true }));
}

interface RestCall {
  readonly verb: string;
  readonly path: string;
  readonly body?: Fields;
  readonly query?: Fields;
}

/** A call of the v3 API, whose answers the SDK always verifies. */
export function curlSigned(
  sdk: Sdk,
  { verb, path, ...options }: RestCall,
): Promise<{ readonly data: Fields }> {
  return unquoted(() => sdk.curl(verb, path, options));
}

/** The SDK's errors quote the whole answer: amounts and buyers, which belong in no error. */
async function unquoted<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof Error) || !('responseDataRaw' in error)) throw error;
    if (typeof error.responseDataRaw !== 'string') throw error;
    const { traceId, responseHttpStatus } = error as unknown as Fields;
    const message = "Alipay's answer is no success, or its signature is not valid.";
    throw Object.assign(new Error(message), { traceId, responseHttpStatus });
  }
}

/** The answer if it is a success. @throws AlipayAnswerError otherwise */
export function succeeded(answer: Fields, codes: readonly string[] = ['10000']): Fields {
  if (codes.includes(textOf(answer, 'code') ?? '')) return answer;
  throw new AlipayAnswerError(answer);
}
