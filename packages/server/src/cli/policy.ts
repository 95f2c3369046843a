import {
  type Band,
  cnGame,
  cnLive,
  jpTypical,
  type Policy,
  type PolicyRow,
  parsePolicy,
  SpendcapError,
  usAppStore,
} from '@spendcap/core';
import { aligned } from './columns.ts';
import { readJsonFile } from './json-file.ts';

const BUILT_IN: Readonly<Record<string, () => Policy>> = {
  'cn-game': cnGame,
  'cn-live': cnLive,
  'jp-typical': jpTypical,
  'us-app-store': usAppStore,
};

export const BUILT_IN_NAMES = Object.keys(BUILT_IN).join(', ');

export const isBuiltIn = (name: string): boolean => Object.hasOwn(BUILT_IN, name);

/**
 * A built-in policy by name, or one of a JSON file.
 *
 * @throws UsageError if the file cannot be read or is not JSON
 * @throws SpendcapError `policy_invalid`
 */
export function loadPolicy(nameOrFile: string): Policy {
  const make = isBuiltIn(nameOrFile) ? BUILT_IN[nameOrFile] : undefined;
  if (make !== undefined) return make();
  return parsePolicy(readJsonFile(nameOrFile, `a policy (${BUILT_IN_NAMES}) or a JSON file`));
}

/** The faults of a policy, a line each; empty if it has none. */
export function faultsOf(nameOrFile: string): readonly string[] {
  try {
    loadPolicy(nameOrFile);
    return [];
  } catch (error) {
    if (!SpendcapError.isInstance(error) || error.code !== 'policy_invalid') throw error;
    const faults = error.errors ?? [];
    if (faults.length === 0) return [error.message];
    return faults.map(({ path, message }) => `${path === '' ? '(document)' : path}: ${message}`);
  }
}

/** A policy as a table: what each age may spend, with citations. */
export function policyTable(policy: Policy): string {
  const { id, version, jurisdiction, currency, timeZone, scope, effectiveTo } = policy;
  const until = effectiveTo === undefined ? '' : ` until ${effectiveTo}`;
  const rows = policy.bands.flatMap((band) => bandRows(band, currency));
  const header = ['AGES', 'RULE', 'STATUS', 'SINCE', 'CITATION'];
  return [
    `${id} ${version}: ${jurisdiction}, ${currency}, ${timeZone}, per ${scope}`,
    `in effect from ${policy.effectiveFrom}${until}; ` +
      `unverified: ${policy.unverified}; minimum assurance: ${policy.minimumAssurance}; ` +
      `refunds: ${policy.refunds}; unavailable: ${policy.onUnavailable}`,
    `categories: ${policy.categories?.join(', ') ?? 'any'}`,
    '',
    ...aligned([header, ...rows]),
  ].join('\n');
}

function bandRows(band: Band, currency: string): string[][] {
  const { forbidden, forbiddenCategories = [], guardianApproval, limits } = band;
  const rules: (readonly [string, PolicyRow])[] = [];
  if (forbidden !== undefined) rules.push(['nothing may be bought', forbidden]);
  for (const row of forbiddenCategories) rules.push([`no ${row.category}`, row]);
  if (guardianApproval !== undefined) rules.push(['a guardian approves each', guardianApproval]);
  for (const limit of limits) {
    const of = limit.categories === undefined ? '' : ` on ${limit.categories.join(', ')}`;
    rules.push([`${limit.max} ${currency} per ${limit.period}${of}`, limit]);
  }
  const ages = agesOf(band);
  if (rules.length === 0) return [[ages, 'no limit', '', '', '']];
  return rules.map(([rule, row], index) => [
    index === 0 ? ages : '',
    rule,
    row.status,
    row.effectiveFrom,
    row.citation,
  ]);
}

function agesOf({ minAge, maxAgeExclusive }: Band): string {
  if (maxAgeExclusive === null) return `${minAge}+`;
  return maxAgeExclusive === minAge + 1 ? `${minAge}` : `${minAge}-${maxAgeExclusive - 1}`;
}
