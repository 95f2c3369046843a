import { assertOptions, type OptionNames } from '@spendcap/core';
import type Stripe from 'stripe';
import { checkLimiter, checkNow, listenerOf, type PaymentDeps } from '../deps.ts';
import { checkClient } from './client.ts';
import { processorOf } from './processor.ts';
import type { StripeDeps } from './types.ts';

/** The dependencies with Stripe's own types, which differ for ESM and CommonJS: never exported. */
export interface Deps extends PaymentDeps {
  readonly stripe: Stripe;
}

/** @throws TypeError for an unknown option, or one that is required and missing */
export function depsOf<T extends StripeDeps>(
  owner: string,
  options: T,
  names: OptionNames<T>,
): Deps {
  assertOptions(owner, options, names);
  const { limiter, now = Date.now } = options;
  checkLimiter(limiter);
  checkNow(now);
  const stripe = checkClient(options.stripe);
  const listening = listenerOf(options);
  return { stripe, limiter, now, ...listening, processor: processorOf(stripe, options.name) };
}
