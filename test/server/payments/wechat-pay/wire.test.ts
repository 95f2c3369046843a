import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  verify,
  X509Certificate,
} from 'node:crypto';
import { wechatPayClient } from '@spendcap/server/payments/wechat-pay';
import { describe, expect, it } from 'vitest';
import { certificateIn } from '../../../../packages/server/src/payments/wechat-pay/merchant.ts';
import { payerText } from '../../../../packages/server/src/payments/wechat-pay/payer.ts';
import { openResource } from '../../../../packages/server/src/payments/wechat-pay/resource.ts';
import {
  authorization,
  isSignedBy,
  isTimely,
  requestText,
  type SignedMessage,
  signatureOf,
} from '../../../../packages/server/src/payments/wechat-pay/signature.ts';
import { loadVectors } from '../../../vectors/load.ts';

interface Vectors {
  readonly signature: {
    readonly publicKey: string;
    readonly text: string;
    readonly signature: string;
  };
  readonly notification: {
    readonly certificate: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly sealed: Record<
    'apiV3Key' | 'nonce' | 'associated_data' | 'ciphertext' | 'plaintext',
    string
  >;
  readonly certificates: Record<'apiV3Key' | 'serial' | 'body', string>;
}

const VECTORS = loadVectors<Vectors>('wechat-pay.json');

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const digestOf = (text: string) => [
  Buffer.byteLength(text),
  createHash('sha256').update(text).digest('hex').slice(0, 16),
];

function messageOf(headers: Readonly<Record<string, string>>, body: string): SignedMessage {
  const fields = new Headers(headers);
  return { header: (name) => fields.get(name), body: Buffer.from(body) };
}

describe('what is signed', () => {
  // Byte length and start of the SHA-256 of the texts that the official SDKs sign.
  it('is five lines of a request', () => {
    const body =
      '{"appid":"wx00000000000000aa","mchid":"1900000001","description":"60 gems",' +
      '"out_trade_no":"sc_0001","time_expire":"2026-05-20T10:45:00+08:00",' +
      '"notify_url":"https://pay.example.com/wx","amount":{"total":600,"currency":"CNY"},' +
      '"payer":{"openid":"o_example_openid"}}';
    const order = { method: 'POST', target: '/v3/pay/transactions/jsapi', timestamp: 1779244200 };
    const query = {
      method: 'GET',
      target: '/v3/pay/transactions/out-trade-no/sc_0001?mchid=1900000001',
      timestamp: 1779244230,
    };
    const nonce = 'N0NCEEXAMPLE0000000000000000000';
    expect(digestOf(requestText({ ...order, nonce: `${nonce}1`, body }))).toEqual([
      339,
      '9f565f7cc5ee0949',
    ]);
    expect(digestOf(requestText({ ...query, nonce: `${nonce}2`, body: '' }))).toEqual([
      108,
      '9800d64da4e4538a',
    ]);
  });

  it('is four lines for the player’s device', () => {
    const head = ['wx00000000000000aa', '1779244201', 'N0NCEEXAMPLE00000000000000000003'];
    const id = 'wx20103000000000exampleprepay0001';
    expect(digestOf(payerText(...head, `prepay_id=${id}`))).toEqual([107, 'd0bfa337a724d267']);
    expect(digestOf(payerText(...head, id))).toEqual([97, '3fa20e52053f15e1']);
  });

  it('is put into a header with the number of the merchant’s certificate', () => {
    const request = { method: 'GET', target: '/v3/certificates', timestamp: 1624523846 };
    const header = authorization(
      { ...request, nonce: 'A1B2C3D4E5F6G7', body: '' },
      { mchId: '1900000001', serialNo: 'AB01', privateKey },
    );
    expect(header).toMatch(
      /^WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="A1B2C3D4E5F6G7",timestamp="1624523846",serial_no="AB01",signature="[\w+/]{342}=="$/,
    );
  });
});

describe('published vectors', () => {
  it('a signature by the public key of the Go SDK verifies', () => {
    const { publicKey, text, signature } = VECTORS.signature;
    const key = createPublicKey(publicKey);
    const bytes = Buffer.from(signature, 'base64');
    expect(verify('sha256', Buffer.from(text), key, bytes)).toBe(true);
    // The key of the notification below.
    const { certificate } = VECTORS.notification;
    expect(new X509Certificate(certificate).publicKey.equals(key)).toBe(true);
  });

  it('a whole notification of the Go SDK verifies, and no altered one', async () => {
    const { certificate, headers, body } = VECTORS.notification;
    const at = 1624523846_000;
    const wechat = wechatPayClient({
      mchId: '1234567890',
      appIds: ['054aa7d7a2a54ab5898df65bd96f001c'],
      serialNo: '5A6B7C8D9E0F1A2B',
      privateKey,
      apiV3Key: 'a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb',
      platformKeys: { D7CE59D1F522D701: certificate },
      fetch: () => Promise.reject(new Error('no call is needed')),
      now: () => at,
    });
    expect(await wechat.verify(messageOf(headers, body), at)).toBe(true);
    expect(await wechat.verify(messageOf(headers, body), at + 300_000)).toBe(true);
    expect(await wechat.verify(messageOf(headers, body), at + 301_000)).toBe(false);
    expect(await wechat.verify(messageOf(headers, body), at - 301_000)).toBe(false);
    expect(await wechat.verify(messageOf(headers, `${body} `), at)).toBe(false);
    // The SDK’s example has a key of 16 bytes, which API v3 does not have.
    expect(wechat.decrypt(JSON.parse(body).resource)).toBeNull();
  });

  it('a resource of the Java SDK decrypts, and no altered one', () => {
    const { apiV3Key, plaintext, ...rest } = VECTORS.sealed;
    const resource = { algorithm: 'AEAD_AES_256_GCM', ...rest };
    const key = Buffer.from(apiV3Key);
    expect(openResource(resource, key)).toBe(plaintext);
    const bytes = Buffer.from(rest.ciphertext, 'base64');
    const short = bytes.subarray(0, -1).toString('base64');
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    for (const altered of [
      { associated_data: 'bad-associatedData' },
      { nonce: 'bad-4a9R25RW' },
      { nonce: 'short' },
      { ciphertext: bytes.toString('base64') },
      { ciphertext: short },
      { ciphertext: '' },
      { algorithm: 'AEAD_SM4_GCM' },
      { associated_data: 5 },
    ]) {
      expect(openResource({ ...resource, ...altered }, key)).toBeNull();
    }
    expect(openResource(null, key)).toBeNull();
  });

  it('an own example decrypts, also without associated data', () => {
    const key = Buffer.from('spendcap-example-apiv3-key-32byt');
    const ciphertext = 'SS+mqQteWf2eNzCejYSal26ecBRkyD0=';
    const sealed = { algorithm: 'AEAD_AES_256_GCM', nonce: 'exampleNonce', ciphertext };
    expect(openResource({ ...sealed, associated_data: 'transaction' }, key)).toBe('{"a":1}');
    expect(openResource(sealed, key)).toBeNull();
  });

  it('a certificate list of the Java SDK decrypts to the named certificate', () => {
    const { apiV3Key, serial, body } = VECTORS.certificates;
    const [listed] = JSON.parse(body).data;
    expect(listed.serial_no).toBe(serial);
    const pem = openResource(listed.encrypt_certificate, Buffer.from(apiV3Key));
    const found = certificateIn(pem, serial);
    expect(found?.notAfter).toBe(Date.parse(listed.expire_time));
    expect(certificateIn(pem, serial.replace('5', '6'))).toBeNull();
  });
});

describe('the signature of a message', () => {
  const { headers, body, certificate } = VECTORS.notification;
  const signatureIn = (changes: Readonly<Record<string, string>>) =>
    signatureOf(messageOf({ ...headers, ...changes }, body));

  it.each([
    ['no signature', { 'Wechatpay-Signature': '' }],
    ['base64 that WeChat does not write', { 'Wechatpay-Signature': 'AAA' }],
    ['blanks in it', { 'Wechatpay-Signature': `A A${'A'.repeat(341)}` }],
    ['too long a signature', { 'Wechatpay-Signature': 'A'.repeat(2000) }],
    ['no nonce', { 'Wechatpay-Nonce': '' }],
    ['a timestamp that is no number', { 'Wechatpay-Timestamp': '1e9' }],
    ['no serial number', { 'Wechatpay-Serial': '' }],
    [
      'the scheme of brand accounts',
      { 'Wechatpay-Signature-Type': 'WECHATPAY-BRAND-SHA256-RSA2048' },
    ],
  ])('is refused with %s', (_, changes) => {
    expect(signatureIn(changes)).toBeNull();
  });

  it('is that of the scheme if none is named', () => {
    const signed = signatureIn({ 'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048' });
    expect(signed).toEqual(signatureIn({}));
    if (signed === null) return expect.fail();
    const { publicKey } = new X509Certificate(certificate);
    expect(isSignedBy(publicKey, signed, Buffer.from(body))).toBe(true);
    expect(isTimely(signed, 1624523846_000)).toBe(true);
    const probe = signatureIn({ 'Wechatpay-Signature': `WECHATPAY/SIGNTEST/${'A'.repeat(325)}` });
    expect(probe === null || !isSignedBy(publicKey, probe, Buffer.from(body))).toBe(true);
  });
});
