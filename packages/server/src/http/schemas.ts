import { z } from '@hono/zod-openapi';
import {
  ASSURANCES,
  CATEGORY_PATTERN,
  PERIODS,
  PURCHASE_STATES,
  REFUSAL_CODES,
  ROW_STATUSES,
} from '@spendcap/core';
import {
  APP_PATTERN,
  HOLD_SECONDS,
  ID_PATTERN,
  MAX_METADATA,
  MAX_TEXT,
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
  })
  .openapi('PurchaseRequest');

export const commitSchema = z
  .strictObject({
    amount: amount.optional(),
    permit: z.string().min(1).max(MAX_PERMIT).optional().openapi({
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

export const refundSchema = z
  .strictObject({ id, amount: amount.optional() })
  .openapi('RefundRequest', { description: '`id` is unique within the purchase.' });

export const reverseRefundSchema = z
  .strictObject({ id })
  .openapi('ReverseRefundRequest', { description: 'The id of the refund that failed.' });

export const purchasePathSchema = z.object({
  id: id.openapi({ param: { name: 'id', in: 'path' } }),
});

export const allowanceQuerySchema = z.object({
  category: category.optional().openapi({ param: { name: 'category', in: 'query' } }),
  app: app.optional().openapi({ param: { name: 'app', in: 'query' } }),
  currency: currency.optional().openapi({
    param: { name: 'currency', in: 'query' },
    description: "If present, it must be the policy's currency.",
  }),
});

// Responses. They describe core's wire types for OpenAPI and never validate anything.

const instant = z.iso.datetime().openapi({ example: '2026-11-23T04:00:00.000Z' });
const decimal = z.string().openapi({ pattern: '^[0-9]+([.][0-9]+)?$', example: '48.00' });
/** No `enum`: a minor version may add a value, which a generated client must not reject. */
const open = (values: readonly string[]) =>
  z.string().openapi({ description: `Known values: ${values.join(', ')}.`, example: values[0] });

const rowSchema = z
  .object({
    id: z.string(),
    citation: z.string(),
    status: open(ROW_STATUSES),
    effectiveFrom: z.iso.date(),
  })
  .openapi('PolicyRow');

const limitFields = {
  period: open(PERIODS),
  categories: z.array(z.string()).nullable(),
  cap: decimal,
  used: decimal,
  remaining: decimal,
  resetsAt: instant.nullable(),
};

const reasonSchema = z
  .object({
    code: open(REFUSAL_CODES),
    row: rowSchema.optional(),
    limit: z.object(limitFields).optional(),
    provableAge: z.int().optional(),
    minimumAssurance: open(ASSURANCES).optional(),
    category: z.string().optional(),
    currency: z.string().optional(),
  })
  .openapi('Reason');

export const allowanceSchema = z
  .object({
    currency: z.string(),
    policy: z.object({ id: z.string(), version: z.string(), timeZone: z.string() }),
    ageRange: z.object({ min: z.int(), maxExclusive: z.int().nullable() }),
    limits: z.array(z.object({ id: z.string(), ...limitFields })),
    blocked: z.array(reasonSchema),
  })
  .openapi('Allowance');

export const purchaseAnswerSchema = z
  .object({
    id: z.string(),
    state: open(PURCHASE_STATES),
    amount: decimal,
    currency: z.string(),
    capCurrency: z.string(),
    held: decimal,
    committed: decimal,
    refunded: decimal,
    late: z.boolean(),
    category: z.string().nullable(),
    app: z.string().nullable(),
    product: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    reservedAt: instant,
    expiresAt: instant,
  })
  .openapi('Purchase');

export const refusedSchema = z
  .object({
    allowed: z.literal(false),
    reasons: z.array(reasonSchema).min(1),
    allowance: allowanceSchema,
  })
  .openapi('Refused');

const allowedSchema = z
  .object({ allowed: z.literal(true), allowance: allowanceSchema })
  .openapi('Allowed');

export const decisionAnswerSchema = z.union([allowedSchema, refusedSchema]).openapi('Decision');

export const reservationSchema = z
  .object({
    allowed: z.literal(true),
    purchase: purchaseAnswerSchema,
    permit: z.string().nullable(),
    replayed: z.boolean(),
    allowance: allowanceSchema,
  })
  .openapi('Reservation');

export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'urn:spendcap:problem:purchase_conflict' }),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ example: 'purchase_conflict' }),
    detail: z.string(),
    retryable: z.boolean(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    why: z.string().optional(),
  })
  .openapi('Problem', { description: 'An RFC 9457 problem; `code` is stable.' });
