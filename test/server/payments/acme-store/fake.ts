import { createHmac, randomUUID } from 'node:crypto';

/** A transaction of Acme's store, as it is signed. */
export interface Transaction {
  readonly number: string;
  /** What the app passed to the sheet. */
  readonly token: string | null;
  /** The number of a subscription's first transaction, in its renewals. */
  readonly first: string | null;
  /** Absent where the store does not name the product. */
  readonly product: string | null;
  readonly at: number;
  /** Absent for a product whose price the store does not state. */
  readonly cents?: number;
  state: 'waiting' | 'bought' | 'abandoned';
  refundedCents: number;
}

/** A purchase on the device: what the sheet was opened with. */
export interface Sheet {
  readonly token: string | null;
  readonly product?: string | null;
  readonly cents?: number;
}

/**
 * Acme's store, invented: an app opens its sheet, the player buys, and the store signs what was
 * bought. Every change is notified to the operator, and all of them are listed for a month.
 */
export function acmeStore(secret: string, now: () => number) {
  const transactions: Transaction[] = [];
  const sent: string[] = [];

  const sign = (body: string) => createHmac('sha256', secret).update(body).digest('hex');
  const notify = (transaction: Transaction): void => {
    sent.push(JSON.stringify({ event: randomUUID(), transaction: structuredClone(transaction) }));
  };
  const find = (number: string): Transaction => {
    const found = transactions.find((each) => each.number === number);
    if (found === undefined) throw new Error('no such transaction');
    return found;
  };
  const enter = (
    { token, product = 'gems', cents }: Sheet,
    more: Partial<Transaction> = {},
  ): Transaction => {
    const number = `T${transactions.length + 1}`;
    const price = cents === undefined ? {} : { cents };
    const base = { number, token, product, first: null, at: now(), refundedCents: 0 };
    const transaction: Transaction = { ...base, ...price, state: 'bought', ...more };
    transactions.push(transaction);
    notify(transaction);
    return transaction;
  };

  return {
    /** What the device gets for a transaction, to hand to the server. */
    receipt(number: string) {
      const body = JSON.stringify(find(number));
      return { body, signature: sign(body) };
    },
    buy: (sheet: Sheet) => enter(sheet).number,
    /** A parent has to approve it. */
    askToBuy: (sheet: Sheet) => enter(sheet, { state: 'waiting' }).number,
    answer(number: string, state: 'bought' | 'abandoned') {
      find(number).state = state;
      notify(find(number));
    },
    /** Renewals repeat the token of the first transaction. */
    renew(number: string) {
      const { token, product, cents = 0 } = find(number);
      return enter({ token, product, cents }, { first: number }).number;
    },
    refund(number: string, cents: number) {
      find(number).refundedCents += cents;
      notify(find(number));
    },
    async *list(since: number): AsyncGenerator<Transaction> {
      for (const each of transactions) if (each.at >= since) yield structuredClone(each);
    },
    notifications: (): Request[] =>
      sent.map((body) => {
        const headers = { 'acme-signature': sign(body) };
        return new Request('https://shop.example/acme', { method: 'POST', headers, body });
      }),
  };
}
