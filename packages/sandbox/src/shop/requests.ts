import { parseJson, SpendcapError } from '@spendcap/core';
import type { Context } from 'hono';

/** The members of a JSON body; none if it is no object. */
export async function bodyIn(c: Context): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await c.req
    .text()
    .then(parseJson)
    .catch(() => null);
  return (body ?? {}) as Readonly<Record<string, unknown>>;
}

export function invalid(): SpendcapError {
  return new SpendcapError(
    'invalid_request',
    'Unknown player, product or payment method, or not an order id.',
  );
}
