import { createHmac } from 'node:crypto';
import type { FakeEvent } from './objects.ts';

export interface SignOptions {
  readonly secret: string;
  readonly url: string;
  /** Time of the signature, epoch seconds. */
  readonly timestamp: number;
}

/** The webhook request for an event, indented as Stripe's are and signed as `t=...,v1=HMAC-SHA256(secret, "t.body")`. */
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
