import { createHmac, randomUUID } from 'node:crypto';

export interface Order {
  readonly number: string;
  readonly cents: number;
  status: 'waiting' | 'paid' | 'closed';
  readonly refunds: { readonly id: string; readonly cents: number }[];
}

export type Fault = 'reject' | 'cut_before' | 'cut_after';

/** What Acme's client throws for an answer that is no success. */
export class AcmeError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`Acme answered ${status}`);
    this.status = status;
  }
}

/**
 * Acme Pay, an invented service: orders are created, paid on a page of Acme's, closed or refunded.
 * Every change is notified as JSON, signed with HMAC-SHA256 in `acme-signature`.
 */
export function acmePay(secret: string) {
  const orders = new Map<string, Order>();
  const sent: string[] = [];
  let created = 0;
  let fault: Fault | undefined;

  const notify = (order: Order): void => {
    sent.push(JSON.stringify({ event: randomUUID(), order: structuredClone(order) }));
  };
  const find = (number: string): Order => {
    const order = orders.get(number);
    if (order === undefined) throw new AcmeError(404);
    return order;
  };

  return {
    client: {
      async createOrder(number: string, cents: number): Promise<Order> {
        const now = fault;
        fault = undefined;
        if (now === 'cut_before') throw new TypeError('fetch failed');
        created += 1;
        if (now === 'reject') throw new AcmeError(422);
        const order = orders.get(number) ?? { number, cents, status: 'waiting', refunds: [] };
        if (order.cents !== cents) throw new AcmeError(409);
        orders.set(number, order);
        if (now === 'cut_after') throw new TypeError('fetch failed');
        return structuredClone(order);
      },
      async readOrder(number: string): Promise<Order> {
        return structuredClone(find(number));
      },
      async closeOrder(number: string): Promise<Order> {
        const order = find(number);
        if (order.status === 'waiting') {
          order.status = 'closed';
          notify(order);
        }
        return structuredClone(order);
      },
    },
    failNext(next: Fault): void {
      fault = next;
    },
    pay(number: string): void {
      const order = find(number);
      if (order.status !== 'waiting') throw new Error('The order cannot be paid.');
      order.status = 'paid';
      notify(order);
    },
    refund(number: string, cents: number): void {
      const order = find(number);
      order.refunds.push({ id: randomUUID(), cents });
      notify(order);
    },
    created: () => created,
    notifications: (): Request[] =>
      sent.map((body) => {
        const signature = createHmac('sha256', secret).update(body).digest('hex');
        const headers = { 'acme-signature': signature };
        return new Request('https://shop.example/acme', { method: 'POST', headers, body });
      }),
  };
}

export type AcmeClient = ReturnType<typeof acmePay>['client'];
