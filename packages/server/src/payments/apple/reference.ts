const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** StoreKit takes a UUID only, and Apple's servers give it back in lower case. */
export function appAccountTokenOf(purchaseId: string): string {
  if (UUID.test(purchaseId)) return purchaseId;
  throw new TypeError('id: the App Store takes a UUID in lower case, such as crypto.randomUUID()');
}
