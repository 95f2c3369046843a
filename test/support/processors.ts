import type { ProcessorEntry } from './processors/entry.ts';
import { stripe } from './processors/stripe.ts';

/** Every payment processor. What is added here is tested by conformance. */
export const PROCESSORS: readonly ProcessorEntry[] = [stripe];
