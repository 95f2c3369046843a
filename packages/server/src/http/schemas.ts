import { z } from '@hono/zod-openapi';
import { CATEGORY_PATTERN } from '@spendcap/core';
import {
  APP_PATTERN,
  HOLD_SECONDS,
  ID_PATTERN,
  INSTANT_PATTERN,
  MAX_METADATA,
  MAX_OVERDUE,
  MAX_PRODUCTS,
  MAX_TEXT,
  PROCESSOR_PATTERN,
  PROCESSOR_REF_PATTERN,
  TEXT_PATTERN,
} from '../limiter/validate.ts';

/** `TEXT_PATTERN` without Unicode classes, which few users of a schema know. */
const CONTROL_FREE = '[^\\u0000-\\u001f\\u007f-\\u009f]*$';

const text = ({ min, max }: { min: number; max: number }) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine((value) => TEXT_PATTERN.test(value), 'must not contain control characters')
    .openapi({ pattern: `^${CONTROL_FREE}` });

/** Characters. */
const MAX_PERMIT = 8_192;

const id = z
  .string()
  .regex(ID_PATTERN, 'must be 1 to 128 letters, digits or . _ : -')
  .openapi({ example: 'order-2026-000481' });
// Only described here: the limiter validates both and has codes of its own for them.
const amount = z.string().max(40).openapi({
  description: 'Positive decimal string with at most as many decimals as `currency` has.',
  pattern: '^[0-9]+([.][0-9]+)?$',
  example: '48.00',
});
const currency = z.string().max(40).openapi({
  description: 'ISO 4217 code.',
  pattern: '^[A-Z]{3}$',
  example: 'CNY',
});
const category = z
  .string()
  .regex(CATEGORY_PATTERN, 'must be 1 to 64 lower-case letters, digits or . _ : -')
  .openapi({ example: 'loot_box' });
const app = z
  .string()
  .regex(APP_PATTERN, 'must be 1 to 64 letters, digits or . _ : -')
  .openapi({ example: 'star-garden' });

// Apart, because the types of OpenAPI's generator do not know `propertyNames` of JSON Schema.
const METADATA_NAMES = {
  propertyNames: {
    minLength: 1,
    maxLength: MAX_METADATA.key,
    pattern: `^(?!__proto__$)${CONTROL_FREE}`,
  },
};

const metadata = z
  .record(text({ min: 1, max: MAX_METADATA.key }), text({ min: 0, max: MAX_METADATA.value }))
  .refine(
    (entries) => Object.keys(entries).length <= MAX_METADATA.entries,
    `must have at most ${MAX_METADATA.entries} entries`,
  )
  .openapi({
    description: 'At most 20 entries. Do not store personal data.',
    maxProperties: MAX_METADATA.entries,
    ...METADATA_NAMES,
  });

const processor = z
  .string()
  .regex(PROCESSOR_PATTERN, 'must be 1 to 32 lower-case letters, digits, _ or -')
  .openapi({ description: 'Who will move the money.', example: 'acme_pay' });
const processorRef = z
  .string()
  .regex(PROCESSOR_REF_PATTERN, 'must be 1 to 512 visible ASCII characters')
  .openapi({
    description: "The processor's own name of the payment. Requires `processor`.",
    example: 'pay_81Yq',
  });

// Apart, for the same reason.
const REF_NEEDS_PROCESSOR = { dependentRequired: { processorRef: ['processor'] } };

const decisionFields = {
  amount,
  currency,
  category: category.optional(),
  app: app.optional(),
};

export const playerDecisionSchema = z.strictObject(decisionFields).openapi('PlayerDecisionRequest');

const operatorFields = {
  ...decisionFields,
  ageToken: z.string().min(1).optional().openapi({
    description: 'Without one the purchase is refused as `age_unverified`.',
  }),
  proof: z
    .string()
    .min(1)
    .optional()
    .openapi({
      description:
        "For a key-bound token: the player's DPoP proof (RFC 9449) of this call, with the public URL " +
        'of this endpoint as `htu`. Accepted once, and again for a retry with the same id.',
    }),
  guardianApproval: text({ min: 1, max: MAX_TEXT })
    .optional()
    .openapi({ description: "Reference of a guardian's recorded approval." }),
};

export const decisionSchema = z.strictObject(operatorFields).openapi('DecisionRequest');

const shelfFields = {
  products: z
    .array(z.strictObject({ amount, currency, category: category.optional() }))
    .min(1)
    .max(MAX_PRODUCTS),
  app: app.optional(),
};

export const playerShelfSchema = z.strictObject(shelfFields).openapi('PlayerDecisionBatchRequest');

export const shelfSchema = z
  .strictObject({
    ...shelfFields,
    ageToken: operatorFields.ageToken,
    proof: operatorFields.proof,
  })
  .openapi('DecisionBatchRequest');

export const purchaseSchema = z
  .strictObject({
    id,
    ...operatorFields,
    product: text({ min: 1, max: MAX_TEXT }).optional(),
    metadata: metadata.optional(),
    expiresInSeconds: z
      .int()
      .min(HOLD_SECONDS.min)
      .max(HOLD_SECONDS.max)
      .optional()
      .openapi({ description: `Lifetime of the hold. Default ${HOLD_SECONDS.default}.` }),
    onExpiry: z.enum(['release', 'reconcile']).optional(),
    processor: processor.optional(),
    processorRef: processorRef.optional(),
  })
  .openapi('PurchaseRequest', REF_NEEDS_PROCESSOR);

export const recordSchema = z
  .strictObject({
    ...decisionFields,
    ageToken: operatorFields.ageToken.openapi({
      description: 'Who paid. Required without `samePlayerAs`.',
    }),
    proof: operatorFields.proof,
    samePlayerAs: id.optional().openapi({
      description: 'Instead of an age token: an earlier purchase of the same player.',
    }),
    product: text({ min: 1, max: MAX_TEXT }).optional(),
    metadata: metadata.optional(),
    processor: processor.optional(),
    processorRef: processorRef.optional(),
    chargedAt: z
      .string()
      .regex(INSTANT_PATTERN, 'must be an instant in UTC, such as 2026-11-23T04:00:00Z')
      .optional()
      .openapi({
        description:
          'When it was charged, in UTC. It counts in the windows of that instant. Default now.',
        format: 'date-time',
        example: '2026-10-31T12:00:00Z',
      }),
  })
  .openapi('RecordRequest', {
    anyOf: [{ required: ['ageToken'] }, { required: ['samePlayerAs'] }],
    ...REF_NEEDS_PROCESSOR,
  });

export const commitSchema = z
  .strictObject({
    amount: amount.optional(),
    permit: z.string().min(1).max(MAX_PERMIT).nullish().openapi({
      description:
        "The reservation's. If the ledger lost the hold, the purchase is recorded from it, `late`.",
    }),
  })
  .openapi('CommitRequest', {
    description: '`amount`: the amount charged, if it differs from the hold.',
  });

export const releaseSchema = z
  .strictObject({ reason: text({ min: 1, max: MAX_TEXT }).optional() })
  .openapi('ReleaseRequest');

export const attachSchema = z.strictObject({ processor, processorRef }).openapi('AttachRequest');

export const refundSchema = z
  .strictObject({
    id,
    amount: amount.optional(),
    total: amount.optional().openapi({
      description:
        'Instead of `amount`: this refund so far. A total that is not higher than before changes nothing.',
    }),
    restores: z.literal(false).optional().openapi({
      description: 'Gives back no allowance, whatever the policy says: a dispute.',
    }),
  })
  .openapi('RefundRequest', {
    description: '`id` is unique within the purchase.',
    not: { required: ['amount', 'total'] },
  });

export const reverseRefundSchema = z
  .strictObject({ id })
  .openapi('ReverseRefundRequest', { description: 'The id of the refund that failed.' });

export const purchasePathSchema = z.object({
  id: id.openapi({ param: { name: 'id', in: 'path' } }),
});

export const allowanceQuerySchema = z.strictObject({
  category: category.optional().openapi({ param: { name: 'category', in: 'query' } }),
  app: app.optional().openapi({ param: { name: 'app', in: 'query' } }),
  currency: currency.optional().openapi({
    param: { name: 'currency', in: 'query' },
    description: "If present, it must be the policy's currency.",
  }),
});

/** Where a page ended: the `expiresAt` and the id of its last purchase. */
const PLACE_PATTERN = new RegExp(
  `${INSTANT_PATTERN.source.slice(0, -1)},${ID_PATTERN.source.slice(1)}`,
);

export const overdueQuerySchema = z.strictObject({
  processor: processor.optional().openapi({
    param: { name: 'processor', in: 'query' },
    description: "Only this processor's. Default: all, with or without a processor.",
  }),
  after: z
    .string()
    .regex(PLACE_PATTERN, 'must be the `next` of a page')
    .optional()
    .openapi({
      param: { name: 'after', in: 'query' },
      description: 'The `next` of the page before.',
    }),
  limit: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().max(MAX_OVERDUE))
    .optional()
    .openapi({
      param: { name: 'limit', in: 'query' },
      description: 'Default 100.',
      type: 'integer',
      minimum: 1,
      maximum: MAX_OVERDUE,
    }),
});
