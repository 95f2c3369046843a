import {
  announce,
  appTransactionIdOf,
  type FakeAppProduct,
  type FakeAppPurchase,
  type FakeAppTransaction,
  type FakeAskToBuy,
  type Mutable,
  type State,
  transactionIn,
} from './state.ts';

const DAY_MS = 86_400_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function productIn(state: State, productId: string): FakeAppProduct {
  const product = state.products.get(productId);
  if (product === undefined) throw new Error('The App Store does not sell this product.');
  return product;
}

/** The sheet refuses what StoreKit refuses. */
function checked({ appAccountToken, quantity = 1 }: FakeAppPurchase): void {
  if (appAccountToken !== undefined && !UUID.test(appAccountToken)) {
    throw new Error('appAccountToken: StoreKit takes a UUID.');
  }
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > 10) {
    throw new Error('quantity: StoreKit takes 1 to 10.');
  }
}

type Fields = Partial<FakeAppTransaction> & Pick<FakeAppTransaction, 'productId'>;

function addTransaction(
  state: State,
  customer: string,
  { productId, ...fields }: Fields,
): Mutable<FakeAppTransaction> {
  const { type, price, currency, periodMs = 30 * DAY_MS } = productIn(state, productId);
  state.serial += 1;
  const transactionId = `2000000${String(state.serial).padStart(9, '0')}`;
  const { quantity = 1 } = fields;
  const at = state.now();
  const transaction: Mutable<FakeAppTransaction> = {
    ...{ transactionId, originalTransactionId: transactionId, bundleId: state.bundleId },
    ...{ productId, purchaseDate: at, originalPurchaseDate: at, quantity, type },
    ...{ inAppOwnershipType: 'PURCHASED', environment: state.environment },
    ...{ transactionReason: 'PURCHASE', storefront: 'CHN', storefrontId: '143465' },
    ...{ price: price * quantity, currency, appTransactionId: appTransactionIdOf(customer) },
    ...(type === 'Auto-Renewable Subscription' && { expiresDate: at + periodMs }),
    ...fields,
  };
  state.transactions.set(transactionId, transaction);
  state.customers.set(transactionId, customer);
  state.unfinished.add(transactionId);
  return transaction;
}

/** The customer confirms the sheet. */
export function buy(state: State, purchase: FakeAppPurchase): FakeAppTransaction {
  checked(purchase);
  const { customer = 'customer', productId, appAccountToken, quantity = 1, price } = purchase;
  // Apple gives back a lower-case token, whatever the device has set.
  const token = appAccountToken && { appAccountToken: appAccountToken.toLowerCase() };
  const before = subscriptionOf(state, customer, productId);
  const transaction = addTransaction(state, customer, {
    ...{ productId, quantity, ...token },
    ...(price !== undefined && { price: price * quantity }),
    ...(before && originalOf(before)),
  });
  bought(state, transaction, before === undefined ? 'INITIAL_BUY' : 'RESUBSCRIBE');
  return transaction;
}

function bought(state: State, transaction: FakeAppTransaction, subtype: string): void {
  if (transaction.type === 'Auto-Renewable Subscription') {
    announce(state, 'SUBSCRIBED', { subtype, transaction, data: { status: 1 } });
  } else announce(state, 'ONE_TIME_CHARGE', { transaction });
}

function subscriptionOf(state: State, customer: string, productId: string) {
  return [...state.transactions.values()].findLast(
    (each) =>
      each.type === 'Auto-Renewable Subscription' &&
      each.productId === productId &&
      state.customers.get(each.transactionId) === customer,
  );
}

type Original = Pick<FakeAppTransaction, 'originalTransactionId' | 'originalPurchaseDate'>;

const originalOf = ({ originalTransactionId, originalPurchaseDate }: Original): Original => {
  return { originalTransactionId, originalPurchaseDate };
};

/** A code that is redeemed in the App Store: no token, and nothing to pay. */
export function redeemCode(
  state: State,
  { productId, customer = 'customer' }: Pick<FakeAppPurchase, 'productId' | 'customer'>,
): FakeAppTransaction {
  const before = subscriptionOf(state, customer, productId);
  const transaction = addTransaction(state, customer, {
    ...{ productId, price: 0, offerType: 3, offerDiscountType: 'FREE_TRIAL' },
    ...(before && originalOf(before)),
  });
  if (before === undefined) bought(state, transaction, 'INITIAL_BUY');
  else announce(state, 'OFFER_REDEEMED', { transaction, data: { status: 1 } });
  return transaction;
}

/** Nobody presses a button: a new transaction under the first one, with the first one's token. */
export function renew(state: State, originalTransactionId: string): FakeAppTransaction {
  const { productId, appAccountToken, ...first } = transactionIn(state, originalTransactionId);
  if (first.type !== 'Auto-Renewable Subscription') throw new Error('It is no subscription.');
  const transaction = addTransaction(state, customerOf(state, originalTransactionId), {
    ...{ productId, transactionReason: 'RENEWAL', ...originalOf(first) },
    ...(appAccountToken !== undefined && { appAccountToken }),
  });
  announce(state, 'DID_RENEW', { transaction, data: { status: 1 } });
  return transaction;
}

/** To a more expensive one, charged now. A part of the old one is given back, unannounced. */
export function upgrade(
  state: State,
  originalTransactionId: string,
  productId: string,
): FakeAppTransaction {
  const old = transactionIn(state, originalTransactionId);
  old.isUpgraded = true;
  const { appAccountToken } = old;
  const transaction = addTransaction(state, customerOf(state, originalTransactionId), {
    ...{ productId, ...originalOf(old) },
    ...(appAccountToken !== undefined && { appAccountToken }),
  });
  announce(state, 'DID_CHANGE_RENEWAL_PREF', {
    ...{ subtype: 'UPGRADE', transaction, data: { status: 1 } },
  });
  return transaction;
}

/** A member of the family gets what somebody else has paid. */
export function familyShare(
  state: State,
  transactionId: string,
  member: string,
): FakeAppTransaction {
  const { productId, type, originalPurchaseDate } = transactionIn(state, transactionId);
  if (type === 'Consumable') throw new Error('Consumables are not shared.');
  const shared = addTransaction(state, member, {
    ...{ productId, inAppOwnershipType: 'FAMILY_SHARED', originalPurchaseDate },
  });
  bought(state, shared, 'INITIAL_BUY');
  return shared;
}

function customerOf(state: State, transactionId: string): string {
  return state.customers.get(transactionId) ?? 'customer';
}

/**
 * The sheet says that a parent must approve. Repeats are one request, and restart its day; it keeps
 * its first token, which Apple does not document.
 */
export function askToBuy(state: State, purchase: FakeAppPurchase): FakeAskToBuy {
  checked(purchase);
  productIn(state, purchase.productId);
  const { customer = 'customer', productId } = purchase;
  expireRequests(state);
  const expiresAt = state.now() + DAY_MS;
  const same = state.askToBuy.find(
    (each) =>
      each.state === 'waiting' && each.customer === customer && each.productId === productId,
  );
  if (same !== undefined) {
    same.expiresAt = expiresAt;
    return same;
  }
  const request: Mutable<FakeAskToBuy> = {
    ...{ customer, productId, purchase, state: 'waiting', expiresAt },
  };
  state.askToBuy.push(request);
  return request;
}

/** A day without an answer is a silent no. */
function expireRequests(state: State): void {
  for (const request of state.askToBuy) {
    if (request.state === 'waiting' && request.expiresAt < state.now()) request.state = 'expired';
  }
}

/** The parent answers. A no is announced to nobody. */
export function endRequest(
  state: State,
  request: FakeAskToBuy,
  as: 'approved' | 'declined',
): FakeAskToBuy {
  expireRequests(state);
  const found = state.askToBuy.find((each) => each === request);
  if (found?.state !== 'waiting') throw new Error('Nobody is waiting for this answer.');
  found.state = as;
  return found;
}

export function approve(state: State, request: FakeAskToBuy): FakeAppTransaction {
  return buy(state, endRequest(state, request, 'approved').purchase);
}
