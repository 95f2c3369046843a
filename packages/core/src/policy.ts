import { z } from 'zod';
import { isCurrency } from './currency.ts';
import { SpendcapError, type SpendcapErrorOptions } from './errors.ts';
import { parseMoney } from './money.ts';
import { isIsoDate, isTimeZone, type PeriodBounds, startOfDate } from './period.ts';
import { ASSURANCES, PERIODS, type Period, type PolicyRow, ROW_STATUSES } from './wire.ts';

const token = (max: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/)
    .max(max);
/** Lower case only, so that `Tip` cannot pass where `tip` is forbidden. */
export const CATEGORY_PATTERN = /^[a-z0-9][a-z0-9._:-]{0,63}$/;
const category = z
  .string()
  .regex(CATEGORY_PATTERN, 'must be 1 to 64 lower-case letters, digits or . _ : -');
const isoDate = z.string().refine(isIsoDate, 'must be a calendar date such as 2024-01-31');
const age = z.int().min(0).max(150);
const categories = z
  .array(category)
  .min(1)
  .max(50)
  .refine((names) => new Set(names).size === names.length, 'names a category twice');

const citation = z.string().min(1).max(500);
const row = {
  id: token(100).describe('Stable id of this row, part of every refusal.'),
  citation: citation.describe('Source of the rule.'),
  citationIn: z
    .record(z.string().regex(/^[a-z]{2,3}$/, 'must be an ISO 639 code'), citation)
    .refine((texts) => Object.keys(texts).length <= 20, 'has more than 20 languages')
    .optional()
    .describe('The citation by language, its own included; readers of others get `en`.'),
  status: z.enum(ROW_STATUSES).describe('How binding the rule is.'),
  effectiveFrom: isoDate.describe('First day on which the rule is in effect.'),
};
const rowSchema = z.strictObject(row);

const limitSchema = z.strictObject({
  ...row,
  period: z.enum(PERIODS),
  max: z.string().describe('Decimal string in the policy currency; this amount is allowed.'),
  categories: categories.optional().describe('Only these categories count; default: all.'),
});

const bandSchema = z.strictObject({
  minAge: age,
  maxAgeExclusive: age.nullable().describe('null: no upper end.'),
  forbidden: rowSchema.optional().describe('If present, this band may not buy anything.'),
  forbiddenCategories: z
    .array(z.strictObject({ ...row, category }))
    .max(50)
    .optional(),
  guardianApproval: rowSchema
    .optional()
    .describe('If present, each purchase needs the approval of a guardian.'),
  limits: z.array(limitSchema).max(50),
});

/** The schema of a policy document, from which the published JSON Schema is generated. */
export const policySchema = z.strictObject({
  id: token(100),
  version: token(50),
  effectiveFrom: isoDate,
  effectiveTo: isoDate.optional().describe('First day on which it is no longer in effect.'),
  jurisdiction: z.string().regex(/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/, 'must be an ISO 3166 code'),
  currency: z.string(),
  timeZone: z.string().refine(isTimeZone, 'is not a known IANA time zone'),
  scope: z.enum(['enterprise', 'app']),
  unverified: z.enum(['refuse', 'strictest_band']),
  minimumAssurance: z
    .enum(ASSURANCES)
    .default('self_declared')
    .describe('Evidence below this assurance is unverified and can only lower an age.'),
  refunds: z.enum(['original_window', 'never']),
  categories: categories
    .optional()
    .describe('Every category that may be sold; another one is an error. Absent: any name.'),
  onUnavailable: z.enum(['refuse', 'allow_adults']).default('refuse'),
  bands: z.array(bandSchema).min(1).max(30),
});

/** A versioned, dated document of age bands and limits. */
export type Policy = z.output<typeof policySchema>;
/** A policy as JSON, before defaults are applied. */
export type PolicyDocument = z.input<typeof policySchema>;
/** The rules for one range of ages. */
export type Band = Policy['bands'][number];
/** At most `max` per period, optionally for some categories only. */
export type Limit = Band['limits'][number];

/**
 * Parses a policy document. Checks shape, currency, time zone and amounts; bands must cover every
 * age from 0 without gap or overlap, and no row may take effect after the policy (it belongs in the
 * next version).
 *
 * @throws SpendcapError `policy_invalid` with `errors`, one `{ path, message }` for each fault
 */
export function parsePolicy(document: unknown): Policy {
  const parsed = policySchema.safeParse(document, { error: messageOf });
  if (!parsed.success) {
    throw invalid(parsed.error.issues.flatMap(faultsOf));
  }
  const errors = [
    ...currencyFaults(parsed.data),
    ...bandFaults(parsed.data.bands),
    ...rowFaults(parsed.data),
    ...categoryFaults(parsed.data),
  ];
  if (errors.length > 0) throw invalid(errors);
  return parsed.data;
}

function invalid(errors: NonNullable<SpendcapErrorOptions['errors']>): SpendcapError {
  const first = errors[0];
  const where = first === undefined ? '' : ` ${first.path || 'document'}: ${first.message}`;
  return new SpendcapError('policy_invalid', `The policy is not valid.${where}`, { errors });
}

interface Fault {
  readonly path: string;
  readonly message: string;
}

/** Zod reports unknown fields at their parent; here each has its own path, like other faults. */
/** zod's own words, without those that describe JavaScript instead of a document. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_value' && issue.values.length > 1) {
    return `must be one of ${issue.values.join(', ')}`;
  }
  if (issue.code !== 'invalid_type') return undefined;
  const article = /^[aeiou]/.test(issue.expected) ? 'an' : 'a';
  return issue.input === undefined ? 'is required' : `must be ${article} ${issue.expected}`;
}

function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code !== 'unrecognized_keys') {
    return [{ path: issue.path.join('.'), message: issue.message }];
  }
  return issue.keys.map((key) => ({
    path: [...issue.path, key].join('.'),
    message: 'unknown field',
  }));
}

function currencyFaults({ currency, bands }: Policy): Fault[] {
  if (!isCurrency(currency)) return [{ path: 'currency', message: 'is not an ISO 4217 code' }];
  return bands.flatMap((band, b) =>
    band.limits.flatMap(({ max }, l) => {
      try {
        parseMoney(max, currency);
        return [];
      } catch {
        const message = `must be a decimal string in ${currency}, such as "50" or "0"`;
        return [{ path: `bands.${b}.limits.${l}.max`, message }];
      }
    }),
  );
}

/** Bands cover all ages from 0, each starting where the previous one ends. */
function bandFaults(bands: Policy['bands']): Fault[] {
  const faults: Fault[] = [];
  let covered: number | null = 0;
  for (const [b, { minAge, maxAgeExclusive }] of bands.entries()) {
    const path = `bands.${b}`;
    if (covered === null || minAge < covered) {
      faults.push({ path, message: 'overlaps the previous band' });
    } else if (minAge > covered) {
      faults.push({ path, message: `leaves a gap: ages from ${covered} have no band` });
    }
    if (maxAgeExclusive !== null && maxAgeExclusive <= minAge) {
      faults.push({ path, message: 'ends before it begins' });
    }
    covered = maxAgeExclusive;
  }
  if (covered !== null) {
    const message = 'maxAgeExclusive of the last band must be null, so that every age has a band';
    faults.push({ path: `bands.${bands.length - 1}`, message });
  }
  return faults;
}

function rowFaults({ bands, effectiveFrom, effectiveTo }: Policy): Fault[] {
  const faults: Fault[] = [];
  if (effectiveTo !== undefined && effectiveTo <= effectiveFrom) {
    faults.push({ path: 'effectiveTo', message: 'must come after effectiveFrom' });
  }
  const ids = new Set<string>();
  for (const [b, band] of bands.entries()) {
    const selectors = new Set<string>();
    for (const [path, row] of rowsOf(band, `bands.${b}`)) {
      if (ids.has(row.id)) faults.push({ path: `${path}.id`, message: 'is used twice' });
      ids.add(row.id);
      if (row.effectiveFrom > effectiveFrom) {
        const message = 'must not be after the effectiveFrom of the policy';
        faults.push({ path: `${path}.effectiveFrom`, message });
      }
    }
    for (const [l, limit] of band.limits.entries()) {
      const selector = limitKey(limit.period, limit.categories ?? null);
      if (selectors.has(selector)) {
        const message = 'limits the same period and categories twice';
        faults.push({ path: `bands.${b}.limits.${l}`, message });
      }
      selectors.add(selector);
    }
    const forbidden = (band.forbiddenCategories ?? []).map(({ category }) => category);
    for (const [c, category] of forbidden.entries()) {
      if (forbidden.indexOf(category) === c) continue;
      const path = `bands.${b}.forbiddenCategories.${c}`;
      faults.push({ path, message: 'forbids the same category twice' });
    }
  }
  return faults;
}

/** Limits and bans name listed categories only: another one could never apply. */
function categoryFaults({ bands, categories: listed }: Policy): Fault[] {
  if (listed === undefined) return [];
  const known = new Set(listed);
  const message = 'is not one of the categories of this policy';
  return bands.flatMap((band, b) => [
    ...(band.forbiddenCategories ?? []).flatMap(({ category: name }, c) =>
      known.has(name) ? [] : [{ path: `bands.${b}.forbiddenCategories.${c}.category`, message }],
    ),
    ...band.limits.flatMap(({ categories: names = [] }, l) =>
      names.flatMap((name, c) =>
        known.has(name) ? [] : [{ path: `bands.${b}.limits.${l}.categories.${c}`, message }],
      ),
    ),
  ]);
}

function rowsOf(band: Band, path: string): (readonly [string, PolicyRow])[] {
  const single = (name: 'forbidden' | 'guardianApproval') =>
    band[name] === undefined ? [] : [[`${path}.${name}`, band[name]] as const];
  return [
    ...single('forbidden'),
    ...single('guardianApproval'),
    ...(band.forbiddenCategories ?? []).map(
      (row, i) => [`${path}.forbiddenCategories.${i}`, row] as const,
    ),
    ...band.limits.map((row, i) => [`${path}.limits.${i}`, row] as const),
  ];
}

/** Identifies a limit: the same key means the same purchases over the same period. */
export function limitKey(period: Period, categories: readonly string[] | null): string {
  return categories === null ? period : `${period} ${[...categories].sort().join(' ')}`;
}

/** The version of a policy in effect at an instant (epoch milliseconds), if any. */
export function policyInForce(versions: readonly Policy[], at: number): Policy | undefined {
  return versions.find((policy) => {
    const { start, end } = forceOf(policy);
    return start <= at && at < end;
  });
}

const forces = new WeakMap<Policy, PeriodBounds>();

/** When a policy is in effect; cached, because every purchase needs it. */
function forceOf(policy: Policy): PeriodBounds {
  const known = forces.get(policy);
  if (known !== undefined) return known;
  const { effectiveFrom, effectiveTo, timeZone } = policy;
  const start = startOfDate(effectiveFrom, timeZone);
  const end = effectiveTo === undefined ? Infinity : startOfDate(effectiveTo, timeZone);
  const force = { start, end };
  forces.set(policy, force);
  return force;
}

/** The policy document's JSON Schema (draft 2020-12), for editors and other languages. */
export function policyJsonSchema(): Record<string, unknown> {
  return { title: 'spendcap policy', ...z.toJSONSchema(policySchema, { io: 'input' }) };
}
