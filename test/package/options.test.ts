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
};

/** Functions whose options are not checked yet: an unknown name is ignored. */
const UNCHECKED: readonly string[] = [
  '@spendcap/sandbox ageIssuer',
  '@spendcap/sandbox fakeNppa',
  '@spendcap/sandbox/wallet walletIssuer',
  '@spendcap/server ageTokens',
  '@spendcap/server permitVerifier',
  '@spendcap/server permits',
  '@spendcap/server verifyPermit',
  '@spendcap/server/age/authority ageAuthority',
  '@spendcap/server/age/sources statusListCheck',
  '@spendcap/server/age/sources/mdoc mdocSource',
  '@spendcap/server/age/sources/nppa nppaSource',
  '@spendcap/server/age/sources/nppa/sqlite sqliteNppaStore',
  '@spendcap/server/age/sources/oidc oidcSource',
  '@spendcap/server/age/sources/platform appleSource',
  '@spendcap/server/age/sources/platform googlePlaySource',
  '@spendcap/server/age/sources/sd-jwt sdJwtSource',
  '@spendcap/server/age/sources/statement statementSource',
  '@spendcap/server/http/metrics prometheusMetrics',
  '@spendcap/server/stores/memory memoryStore',
  '@spendcap/server/stores/postgres postgresStore',
  '@spendcap/server/stores/redis redisStore',
  '@spendcap/server/stores/sqlite sqliteStore',
  '@spendcap/server/testing storeSuite',
];

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
    const listed = [...Object.keys(CHECKED), ...UNCHECKED, ...plain];
    expect(listed.toSorted()).toEqual([...functions.keys()].toSorted());
  });

  it.each(Object.entries(CHECKED))('%s refuses a name that it does not know', (name, position) => {
    const call = () => functions.get(name)?.(...Array(position).fill({}), { nonsense: 1 });
    expect(call).toThrow(TypeError);
    expect(call).toThrow(/has no (?:option )?"nonsense"/);
  });
});
