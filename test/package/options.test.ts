import { describe, expect, it } from 'vitest';
import { listPackages, moduleNames } from '../../scripts/packages.ts';

/** Functions that take options, by module; `1` or `2` is their position, if not the first. */
const CHECKED: Readonly<Record<string, 0 | 1 | 2>> = {
  '@spendcap/client createClient': 0,
  '@spendcap/client/device-key deviceSigner': 0,
  '@spendcap/client/elements defineElements': 0,
  '@spendcap/client/device-purchases devicePurchases': 0,
  '@spendcap/client/explain defineMessages': 0,
  '@spendcap/client/explain explainRefusal': 1,
  '@spendcap/client/explain explainStatus': 1,
  '@spendcap/core cnGame': 0,
  '@spendcap/core cnLive': 0,
  '@spendcap/sandbox fakeAlipay': 0,
  '@spendcap/sandbox fakeAppStore': 0,
  '@spendcap/sandbox fakeStripe': 0,
  '@spendcap/sandbox fakeGooglePlay': 0,
  '@spendcap/sandbox fakeWechatPay': 0,
  '@spendcap/sandbox fakeWechatVirtual': 0,
  '@spendcap/server createHandler': 1,
  '@spendcap/server createLimiter': 0,
  '@spendcap/server/payments/wechat-pay guardWechatPay': 0,
  '@spendcap/server/payments/wechat-pay guardWechatVirtual': 0,
  '@spendcap/server/payments/wechat-pay wechatPayClient': 0,
  '@spendcap/server/payments/wechat-pay wechatPayProcessor': 0,
  '@spendcap/server/payments/wechat-pay wechatVirtualProcessor': 0,
  '@spendcap/server/payments/apple appleProcessor': 0,
  '@spendcap/server/payments/apple guardApple': 0,
  '@spendcap/server/payments/alipay alipayProcessor': 0,
  '@spendcap/server/payments/alipay guardAlipay': 0,
  '@spendcap/server/payments/google-play googlePlayProcessor': 0,
  '@spendcap/server/payments/google-play guardGooglePlay': 0,
  '@spendcap/server/payments/signed-callback signedCallbackProcessor': 0,
  '@spendcap/server/payments/stripe guardStripe': 0,
  '@spendcap/server/payments applyDeviceCharge': 2,
  '@spendcap/server/payments captureCharge': 1,
  '@spendcap/server/payments processorWebhook': 0,
  '@spendcap/server/payments startCharge': 1,
  '@spendcap/server/payments reconcile': 0,
  '@spendcap/server/payments/stripe stripeProcessor': 0,
  '@spendcap/core combineFindings': 1,
  '@spendcap/core exchange': 1,
  '@spendcap/core jpTypical': 0,
  '@spendcap/core usAppStore': 0,
  '@spendcap/sandbox ageIssuer': 0,
  '@spendcap/sandbox fakeNppa': 0,
  '@spendcap/sandbox/wallet walletIssuer': 0,
  '@spendcap/server ageTokens': 0,
  '@spendcap/server permitVerifier': 0,
  '@spendcap/server permits': 0,
  '@spendcap/server verifyPermit': 1,
  '@spendcap/server/age/authority ageAuthority': 0,
  '@spendcap/server/age/sources statusListCheck': 0,
  '@spendcap/server/age/sources/mdoc mdocSource': 0,
  '@spendcap/server/age/sources/nppa nppaSource': 0,
  '@spendcap/server/age/sources/nppa/sqlite sqliteNppaStore': 0,
  '@spendcap/server/age/sources/oidc oidcSource': 0,
  '@spendcap/server/age/sources/platform appleSource': 0,
  '@spendcap/server/age/sources/platform googlePlaySource': 0,
  '@spendcap/server/age/sources/sd-jwt sdJwtSource': 0,
  '@spendcap/server/age/sources/statement statementSource': 0,
  '@spendcap/server/stores/memory memoryStore': 0,
  '@spendcap/server/stores/postgres postgresStore': 0,
  '@spendcap/server/stores/redis redisStore': 0,
  '@spendcap/server/stores/sqlite sqliteStore': 0,
  '@spendcap/server/testing processorSuite': 0,
  '@spendcap/server/testing storeSuite': 0,
};

/** Functions without options. */
const PLAIN: Readonly<Record<string, string>> = {
  '@spendcap/client/explain': 'formatAmount statusOf',
  '@spendcap/client/device-purchases': 'cordovaStore openIapStore',
  '@spendcap/client/transports': 'alipayFetch randomId wechatFetch xhrFetch',
  '@spendcap/client/react': 'useAffordable useAllowance usePreview usePurchase useSpendcap',
  // Pure functions of values that the limiter has checked, policies and the checks themselves.
  '@spendcap/core': `ageRangeAt assertOptions blockingReasons boundsOf checkFields
    civilDateOf countedAge countedAmount currencyExponent decide escapedNames
    formatMoney intersectAgeRanges invalidRequest isCurrency isIsoDate isTimeZone
    isoText limitAllowance limitKey limitsOn parseAmount parseJson parseMoney parsePolicy
    policyInForce policyJsonSchema rulesFor startOfDate unverifiedReason windowOf`,
  '@spendcap/server': 'generatePermitKey',
  '@spendcap/server/adapters/express': 'problemHandler toExpress',
  '@spendcap/server/adapters/fastify': 'toFastify',
  '@spendcap/server/adapters/hono': 'toHono',
  '@spendcap/server/adapters/next': 'toNext',
  '@spendcap/server/http': 'problemFor',
  '@spendcap/server/adapters/node': 'toNode',
  '@spendcap/server/age/authority': 'generateAuthorityKey memoryStatusStore',
  '@spendcap/server/age/sources/nppa': 'memoryNppaStore',
  '@spendcap/server/http/metrics': 'prometheusMetrics',
  // What a guard is made of, and values that a guard has checked.
  '@spendcap/server/payments': `applySnapshot beginDevicePurchase fence hasMethod idempotencyKey
    purchaseContextOf`,
  '@spendcap/server/payments/google-play': 'isGooglePlayError',
  '@spendcap/server/payments/signed-callback': 'oppoChannel vivoChannel xiaomiChannel',
  '@spendcap/server/payments/wechat-pay': 'isWechatPayError',
};

type Exported = (...args: readonly unknown[]) => unknown;

/** What is called: no class, and each function once, by the first module that exports it. */
async function exportedFunctions(): Promise<ReadonlyMap<string, Exported>> {
  const found = new Map<unknown, string>();
  const modules = listPackages().flatMap(moduleNames);
  for (const module of modules.filter((name) => !name.endsWith('/worker'))) {
    for (const [name, value] of Object.entries(await import(module))) {
      const called = typeof value === 'function' && !/^[A-Z]/.test(name);
      if (called && !found.has(value)) found.set(value, `${module} ${name}`);
    }
  }
  return new Map([...found].map(([value, name]) => [name, value as Exported]));
}

const functions = await exportedFunctions();

describe('options of public functions', () => {
  it('are listed here, or said to be absent', () => {
    const plain = Object.entries(PLAIN).flatMap(([module, names]) =>
      names.split(/\s+/).map((name) => `${module} ${name}`),
    );
    const listed = [...Object.keys(CHECKED), ...plain];
    expect(listed.toSorted()).toEqual([...functions.keys()].toSorted());
  });

  it.each(Object.entries(CHECKED))(
    '%s refuses a name that it does not know',
    async (name, position) => {
      const call = async () => functions.get(name)?.(...Array(position).fill({}), { nonsense: 1 });
      await expect(call).rejects.toThrow(TypeError);
      await expect(call).rejects.toThrow(/has no (?:option )?"nonsense"/);
    },
  );
});
