import { z } from '@hono/zod-openapi';
import { ASSURANCES, PERIODS, PURCHASE_STATES, REFUSAL_CODES, ROW_STATUSES } from '@spendcap/core';
import { ALLOWANCE, OVERDUE_PAGE, PURCHASE, REFUSED, RESERVATION } from './examples.ts';

// Schemas of responses. They describe core's wire types for OpenAPI and never validate anything.

const instant = z.iso.datetime().openapi({ example: '2026-11-23T04:00:00.000Z' });
const decimal = z.string().openapi({ pattern: '^[0-9]+([.][0-9]+)?$', example: '48.00' });
const currency = z.string().openapi({ pattern: '^[A-Z]{3}$', example: 'CNY' });
/** No `enum`: a minor version may add a value, which a generated client must not reject. */
const open = (values: readonly string[]) =>
  z.string().openapi({ description: `Known values: ${values.join(', ')}.`, example: values[0] });

const rowSchema = z
  .object({
    id: z.string(),
    citation: z.string(),
    citationIn: z.record(z.string(), z.string()).optional(),
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
    currency: currency.optional(),
  })
  .openapi('Reason');

export const allowanceSchema = z
  .object({
    at: instant,
    currency,
    policy: z.object({ id: z.string(), version: z.string(), timeZone: z.string() }),
    ageRange: z.object({ min: z.int(), maxExclusive: z.int().nullable() }),
    limits: z.array(z.object({ id: z.string(), ...limitFields })),
    blocked: z.array(reasonSchema),
    blockedCategories: z.array(reasonSchema),
  })
  .openapi('Allowance', { example: ALLOWANCE });

export const purchaseAnswerSchema = z
  .object({
    id: z.string(),
    state: open(PURCHASE_STATES),
    amount: decimal,
    currency,
    capCurrency: currency,
    held: decimal,
    committed: decimal,
    refunded: decimal,
    late: z.boolean(),
    category: z.string().nullable(),
    app: z.string().nullable(),
    product: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    processor: z.string().nullable(),
    processorRef: z.string().nullable(),
    reservedAt: instant,
    expiresAt: instant,
  })
  .openapi('Purchase', { example: PURCHASE });

export const overduePageSchema = z
  .object({
    purchases: z.array(purchaseAnswerSchema),
    next: z.string().nullable(),
  })
  .openapi('OverduePage', {
    description: '`next` is the `after` of the next page, `null` if this one is empty.',
    example: OVERDUE_PAGE,
  });

export const refusedSchema = z
  .object({
    allowed: z.literal(false),
    reasons: z.array(reasonSchema).min(1),
    allowance: allowanceSchema,
  })
  .openapi('Refused', { example: REFUSED });

const allowedSchema = z
  .object({ allowed: z.literal(true), allowance: allowanceSchema })
  .openapi('Allowed', { example: { allowed: true, allowance: ALLOWANCE } });

export const decisionAnswerSchema = z.union([allowedSchema, refusedSchema]).openapi('Decision');

export const decisionBatchSchema = z
  .object({
    decisions: z.array(
      z.object({
        allowed: z.boolean(),
        reasons: z.array(z.int().min(0)).openapi({
          description: 'Places in `reasons`, most important first. Empty if it is allowed.',
        }),
      }),
    ),
    reasons: z.array(reasonSchema).openapi({ description: 'Every reason of the decisions, once.' }),
    allowance: allowanceSchema,
  })
  .openapi('DecisionBatch');

export const reservationSchema = z
  .object({
    allowed: z.literal(true),
    purchase: purchaseAnswerSchema,
    permit: z.string().nullable(),
    replayed: z.boolean(),
    allowance: allowanceSchema,
  })
  .openapi('Reservation', { example: RESERVATION });

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
