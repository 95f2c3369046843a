import { createHmac } from 'node:crypto';
import type { FakeEvent } from './objects.ts';

export interface SignOptions {
  readonly secret: string;
  readonly url: string;
  /** Time of the signature, epoch seconds. */
  readonly timestamp: number;
}

/**
 * The webhook request for an event, indented as Stripe's are and signed as
 * `t=...,v1=HMAC-SHA256(secret, "t.body")`.
 */
export function signedRequest(event: FakeEvent, { secret, url, timestamp }: SignOptions): Request {
  const body = JSON.stringify(event, null, 2);
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return new Request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'stripe-signature': `t=${timestamp},v1=${signature}`,
    },
    body,
  });
}

/** Sends events one after the other, in their order. */
export function deliveries(send: (event: FakeEvent) => Promise<Response>) {
  let last = Promise.resolve();
  let fault: unknown;

  async function deliver(event: FakeEvent): Promise<void> {
    try {
      const { ok, status } = await send(event);
      if (!ok) throw new Error(`The endpoint responded to ${event.type} with ${status}.`);
    } catch (error) {
      fault ??= error;
    }
  }

  return {
    add(event: FakeEvent): void {
      last = last.then(() => deliver(event));
    },
    /** Rejects with the first fault since the last call. */
    async delivered(): Promise<void> {
      // An endpoint may cause further events.
      for (let waited = null; waited !== last; ) {
        waited = last;
        await waited;
      }
      const first = fault;
      fault = undefined;
      if (first !== undefined) throw first;
    },
  };
}
