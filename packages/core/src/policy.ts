import { z } from 'zod';
import { currencyExponent } from './currency.ts';
import { SpendcapError } from './errors.ts';
import { parseMoney } from './money.ts';
import { isIsoDate, isTimeZone } from './period.ts';
import { PERIODS, ROW_STATUSES } from './wire.ts';

const token = (max: number) => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/).max(max);
const isoDate = z.string().refine(isIsoDate, 'must be a calendar date such as 2024-01-31');
const age = z.int().min(0).max(150);
const categories = z.array(token(64)).min(1).max(50);

const row = {
  id: token(100).describe('Stable id of this row, given with every refusal.'),
  citation: z.string().min(1).max(500).describe('Where the rule is written.'),
  status: z.enum(ROW_STATUSES).describe('How firm the rule is.'),
  effectiveFrom: isoDate.describe('Since when the rule holds.'),
};
const rowSchema = z.strictObject(row);

const limitSchema = z.strictObject({
  ...row,
  period: z.enum(PERIODS),
  max: z.string().describe('Decimal string in the policy currency; equal to it is allowed.'),
  categories: categories.optional().describe('Counts these categories only; absent counts all.'),
});

const bandSchema = z.strictObject({
  minAge: age,
  maxAgeExclusive: age.nullable().describe('null: no upper end.'),
  forbidden: rowSchema.optional().describe('Present: this band may buy nothing.'),
  forbiddenCategories: z
    .array(z.strictObject({ ...row, category: token(64) }))
    .max(50)
    .optional(),
  guardianApproval: rowSchema.optional().describe('Present: a guardian approves each purchase.'),
  limits: z.array(limitSchema).max(50),
});

/** The shape of a policy document, and the source of its published JSON Schema. */
export const policySchema = z.strictObject({
  id: token(100),
  version: token(50),
  effectiveFrom: isoDate,
  effectiveTo: isoDate.optional().describe('The first day on which it no longer holds.'),
  jurisdiction: z.string().regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'must be an ISO 3166 code'),
  currency: z.string(),
  timeZone: z.string().refine(isTimeZone, 'is not a known IANA time zone'),
  scope: z.enum(['enterprise', 'app']),
  unverified: z.enum(['refuse', 'strictest_band']),
  refunds: z.enum(['original_window', 'never']),
  onUnavailable: z.enum(['refuse', 'allow_adults']).default('refuse'),
  bands: z.array(bandSchema).min(1).max(30),
});

/** A versioned, dated document of age bands and limits. */
export type Policy = z.output<typeof policySchema>;
/** A policy as it is written down, before defaults. */
export type PolicyDocument = z.input<typeof policySchema>;
export type Band = Policy['bands'][number];
export type Limit = Band['limits'][number];

/**
 * Reads a policy document: shape, currency, zone and amounts are checked, bands must cover every
 * age from 0 on without gap or overlap, and no row may begin after the policy does (put it into the
 * next version).
 *
 * @throws SpendcapError `policy_invalid` with `errors`, one `{ path, message }` for each fault
 */
export function parsePolicy(document: unknown): Policy {
  const parsed = policySchema.safeParse(document);
  if (!parsed.success) {
    throw invalid(
      parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
    );
  }
  const errors = [
    ...currencyFaults(parsed.data),
    ...bandFaults(parsed.data.bands),
    ...rowFaults(parsed.data),
  ];
  if (errors.length > 0) throw invalid(errors);
  return parsed.data;
}
