import { describe, expect, it } from 'vitest';
import { listPackages, moduleNames } from '../../scripts/packages.ts';

/** Functions that take options, by module; `1` is the position of the options, if not the first. */
const CHECKED: Readonly<Record<string, 0 | 1>> = {
  '@spendcap/client createClient': 0,
  '@spendcap/client/device-key deviceSigner': 0,
  '@spendcap/client/messages defineMessages': 0,
  '@spendcap/core cnGame': 0,
  '@spendcap/core cnLive': 0,
  '@spendcap/sandbox fakeStripe': 0,
  '@spendcap/server createHandler': 1,
  '@spendcap/server createLimiter': 0,
  '@spendcap/server/payments/stripe guardStripe': 0,
  '@spendcap/server/payments/stripe reconcileStripe': 0,
  '@spendcap/server/payments/stripe stripeWebhook': 0,
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
  '@spendcap/server/testing storeSuite': 0,
};

/** Functions without options. */
const PLAIN: Readonly<Record<string, string>> = {
  '@spendcap/client': 'explain explainRefusal formatAmount',
  // Pure functions of values that the limiter has checked, policies and the checks themselves.
  '@spendcap/core': `ageRangeAt assertOptions blockingReasons boundsOf checkFields civilDateOf
    combineFindings countedAge countedAmount currencyExponent decide escapedNames exchange
    formatMoney intersectAgeRanges invalidRequest isCurrency isIsoDate isTimeZone jpTypical limitAllowance
    limitKey limitsOn parseAmount parseJson parseMoney parsePolicy policyInForce policyJsonSchema rulesFor
    startOfDate unverifiedReason usAppStore windowOf`,
  '@spendcap/server': 'generatePermitKey',
  '@spendcap/server/adapters/express': 'toExpress',
  '@spendcap/server/adapters/fastify': 'toFastify',
  '@spendcap/server/adapters/hono': 'toHono',
  '@spendcap/server/adapters/next': 'toNext',
  '@spendcap/server/adapters/node': 'toNode',
  '@spendcap/server/age/authority': 'generateAuthorityKey memoryStatusStore',
  '@spendcap/server/age/sources/nppa': 'memoryNppaStore',
  '@spendcap/server/http/metrics': 'prometheusMetrics',
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
