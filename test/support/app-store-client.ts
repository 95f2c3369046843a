import { SignedDataVerifier } from '@apple/app-store-server-library';
import type { FakeAppStore } from '@spendcap/sandbox';
import { environmentOf } from '../../packages/sandbox/src/shop/phone/app-store-client.ts';

export { clientOver } from '../../packages/sandbox/src/shop/phone/app-store-client.ts';

/** Apple's own verifier, which trusts the fake's root. */
export function verifierOf(fake: FakeAppStore): SignedDataVerifier {
  return new SignedDataVerifier(...verifierArguments(fake, false));
}

function verifierArguments(
  { rootCertificates, bundleId, appAppleId, ...fake }: FakeAppStore,
  isOnline: boolean,
): ConstructorParameters<typeof SignedDataVerifier> {
  const isLive = fake.environment === 'Production';
  const roots = [...rootCertificates];
  return [roots, isOnline, environmentOf(fake), bundleId, isLive ? appAppleId : undefined];
}

/** With the certificates checked online, as in production, and known to be good. */
class OnlineVerifier extends SignedDataVerifier {
  protected override async checkOCSPStatus(): Promise<void> {}
}

/** Apple's own verifier as production has it: it remembers a chain that it has verified. */
export function onlineVerifierOf(fake: FakeAppStore): SignedDataVerifier {
  return new OnlineVerifier(...verifierArguments(fake, true));
}
