import { createPublicKey } from 'node:crypto';
import { fakeAlipay } from '@spendcap/sandbox';
import { alipayProcessor, guardAlipay } from '@spendcap/server/payments/alipay';
import { AlipaySdk } from 'alipay-sdk';
import { describe, expect, it } from 'vitest';
import { createWorld } from './alipay-kit.ts';

const { config, sellerId } = fakeAlipay();
const { limiter } = await createWorld();
const alipay = new AlipaySdk(config);
const deps = { alipay, sellerId, limiter };

describe('options', () => {
  it.each([
    ['guardAlipay', () => guardAlipay({ ...deps, alow: [] } as never)],
    ['alipayProcessor', () => alipayProcessor({ alipay, sellerId, alow: [] } as never)],
    ['fakeAlipay', () => fakeAlipay({ alow: [] } as never)],
  ])('%s names one that it does not have', (name, create) => {
    expect(create).toThrow(`${name} has no option "alow"`);
  });

  it('that are missing or cannot work are named', () => {
    expect(() => guardAlipay({ ...deps, alipay: undefined } as never)).toThrow(/^alipay must be/);
    expect(() => guardAlipay({ ...deps, alipay: 'x' } as never)).toThrow(/^alipay must be/);
    expect(() => guardAlipay({ ...deps, limiter: {} } as never)).toThrow(/^limiter must be/);
    expect(() => guardAlipay({ ...deps, now: 1 } as never)).toThrow(/^now must be/);
    for (const wrong of [undefined, '', '2021000000000001', '20880000000000010', 2088]) {
      expect(() => guardAlipay({ ...deps, sellerId: wrong } as never)).toThrow(/^sellerId:/);
      expect(() => alipayProcessor({ alipay, sellerId: wrong } as never)).toThrow(/^sellerId:/);
    }
  });

  it('of allow are API methods that are not guarded', () => {
    for (const method of ['alipay.trade.pay', 'alipay.trade.app.pay', 'alipay.trade.refund']) {
      expect(() => guardAlipay({ ...deps, allow: [method] })).toThrow(/is guarded/);
    }
    expect(() => guardAlipay({ ...deps, allow: ['exec'] })).toThrow(/not an API method/);
  });
});

describe('a client', () => {
  const guard = (changed: object) => () =>
    guardAlipay({ ...deps, alipay: new AlipaySdk({ ...config, ...changed }) });

  it('that could verify nothing is refused', () => {
    expect(guard({ alipayPublicKey: '' })).toThrow(/alipayPublicKey is missing/);
    expect(guard({ alipayPublicKey: 'AAAA' })).toThrow(/alipayPublicKey is missing/);
  });

  it('that signs with SHA-1, or whose key is in another form than it says, is refused', () => {
    expect(guard({ signType: 'RSA' })).toThrow(/signType must be RSA2/);
    expect(guard({ keyType: 'PKCS1' })).toThrow(/privateKey is missing, or not in the PEM form/);
  });

  it('with its own public key in the place of Alipay’s is refused', () => {
    const own = createPublicKey(config.privateKey).export({ type: 'spki', format: 'pem' });
    expect(guard({ alipayPublicKey: String(own) })).toThrow(/your app's own key/);
  });

  it('is never quoted in an error', () => {
    const failed = [guard({ alipayPublicKey: 'AAAA' }), guard({ keyType: 'PKCS1' })].map(
      (create) => {
        try {
          return create() && '';
        } catch (error) {
          return `${error} ${JSON.stringify(error)} ${String((error as Error).cause)}`;
        }
      },
    );
    for (const text of failed) expect(text).not.toContain(config.privateKey.slice(60, 90));
  });
});
