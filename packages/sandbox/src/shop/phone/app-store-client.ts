import { AppStoreServerAPIClient, Environment } from '@apple/app-store-server-library';
import type { FakeAppStore } from '../../fake-app-store.ts';

/** Apple's own client, which leads to a fake instead of the network. */
export function clientOver(fake: FakeAppStore): AppStoreServerAPIClient {
  const { signingKey, keyId, issuerId } = fake.key;
  const environment = environmentOf(fake);
  const api = new AppStoreServerAPIClient(signingKey, keyId, issuerId, fake.bundleId, environment);
  type Call = [
    path: string,
    query: URLSearchParams,
    method: string,
    body: unknown,
    headers: object,
  ];
  return Object.assign(api, {
    makeFetchRequest: (...[path, query, method, body, headers]: Call) =>
      fake.fetch(`https://api.storekit-sandbox.apple.com${path}?${query}`, {
        ...{ method, headers: { ...headers } },
        ...(typeof body === 'string' && { body }),
      }),
  });
}

export function environmentOf({ environment }: Pick<FakeAppStore, 'environment'>): Environment {
  return environment === 'Production' ? Environment.PRODUCTION : Environment.SANDBOX;
}
