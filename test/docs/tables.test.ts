import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Band,
  cnGame,
  cnLive,
  jpTypical,
  type Policy,
  type PolicyRow,
  parsePolicy,
  REFUSAL_CODES,
  SpendcapError,
  type SpendcapErrorCode,
  usAppStore,
} from '@spendcap/core';
import { describe, expect, it } from 'vitest';
import { routes } from '../../packages/server/src/http/routes.ts';
import { JWT_FAULTS } from '../../packages/server/src/jwt/verify.ts';
import { ROOT } from '../../scripts/packages.ts';

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** The rows of a section's first table, as cells without backquotes. */
function tableUnder(page: string, heading: string): readonly (readonly string[])[] {
  const section = read(page).split(`\n## ${heading}\n`)[1] ?? '';
  return tableIn(section);
}

function tableIn(text: string): readonly (readonly string[])[] {
  const [, rows = ''] = /\n\|[-|]+\|\n((?:\|.*\|\n)+)/.exec(text) ?? [];
  return rows
    .trimEnd()
    .split('\n')
    .map((row) => row.slice(2, -2).split(' | '))
    .map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
}

/** The names that a source file lists, one a line, in the form `name: ...`. */
function namesIn(file: string, table: string): readonly string[] {
  const [, body = ''] = new RegExp(`const ${table} = \\{\n(.*?)\n\\}`, 's').exec(read(file)) ?? [];
  return [...body.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name ?? '');
}

describe('docs/errors.md', () => {
  it('has every code, as the errors themselves are', () => {
    const codes = namesIn('packages/core/src/errors.ts', 'ERROR_TABLE') as SpendcapErrorCode[];
    expect(codes).toContain('store_unavailable');
    const expected = codes.map((code) => {
      const { status, retryable } = new SpendcapError(code, '');
      return [code, String(status), retryable ? 'yes' : 'no'];
    });
    const rows = tableUnder('docs/errors.md', 'Codes');
    expect(rows.map((cells) => cells.slice(0, 3))).toEqual(expected);
  });

  it('has every code that only HTTP has', () => {
    const codes = namesIn('packages/server/src/http/problems.ts', 'HTTP_PROBLEMS');
    const [, after = ''] = read('docs/errors.md').split('Codes that only HTTP has:');
    expect(codes).toContain('not_found');
    expect(tableIn(after).map(([code]) => code)).toEqual(codes);
  });

  it('has everything that can be wrong with a token', () => {
    const own = read('packages/server/src/age/token/fault.ts').matchAll(/^ {2}\| '(\w+)'/gm);
    const faults = [...Object.keys(JWT_FAULTS), ...[...own].map(([, fault]) => fault)];
    expect(faults).toContain('age_contradictory');
    const rows = tableUnder('docs/errors.md', '`why` of a token');
    expect(rows.map(([fault]) => fault)).toEqual(faults);
  });

  it('has every reason of a refusal', () => {
    const rows = tableUnder('docs/errors.md', 'Reasons of a refusal');
    expect(rows.map(([code]) => code)).toEqual(REFUSAL_CODES);
  });
});

describe('docs/http-api.md', () => {
  const rows = tableUnder('docs/http-api.md', 'Who may call what');
  const PLAYER = "the player's age token";

  it.each(Object.values(routes))('$method $path has its credential', (route) => {
    const { method, path, security } = route;
    const names = [`${method.toUpperCase()} ${path}`, path, path.replace(/^.*\{id\}/, '')];
    const schemes = security.flatMap((scheme) => Object.keys(scheme)).sort();
    const credentials: Readonly<Record<string, string>> = {
      '': 'none',
      apiKey: 'API key',
      'ageToken,boundAgeToken': PLAYER,
      'ageToken,apiKey,boundAgeToken': `API key, or ${PLAYER}`,
    };
    const found = rows.filter(([calls = '']) =>
      calls.split(', ').some((call) => names.includes(call)),
    );
    expect(found.map(([, credential]) => credential)).toEqual([credentials[schemes.join()]]);
  });
});

/** What docs/policies.md must show of a policy: a row for each rule, with its source. */
function rowsOf({ bands, currency }: Policy): readonly (readonly string[])[] {
  return bands.flatMap((band) => {
    const rules: (readonly [string, PolicyRow])[] = [];
    if (band.forbidden) rules.push(['nothing may be bought', band.forbidden]);
    for (const row of band.forbiddenCategories ?? []) rules.push([`no ${row.category}`, row]);
    if (band.guardianApproval) rules.push(['a guardian approves each', band.guardianApproval]);
    for (const limit of band.limits) {
      rules.push([`${limit.max} ${currency} per ${limit.period}`, limit]);
    }
    if (rules.length === 0) return [[agesOf(band), 'no limit', '', '', '']];
    return rules.map(([rule, { status, effectiveFrom, citation }]) => [
      agesOf(band),
      rule,
      status,
      effectiveFrom,
      citation,
    ]);
  });
}

function agesOf({ minAge, maxAgeExclusive }: Band): string {
  return maxAgeExclusive === null ? `${minAge}+` : `${minAge}-${maxAgeExclusive - 1}`;
}

describe('docs/age-sources', () => {
  const whys = (page: string) =>
    tableUnder(`docs/age-sources/${page}`, '`why`').map(([code, why]) => `${code} ${why}`);
  const named = (file: string, table: string, code: string) =>
    namesIn(`packages/server/src/age/sources/${file}`, table).map((why) => `${code} ${why}`);

  it('has everything that can be wrong with the real-name system', () => {
    const file = 'nppa/faults.ts';
    const invalid = named(file, 'INVALID', 'age_evidence_invalid');
    expect(invalid).toContain('age_evidence_invalid malformed');
    const unavailable = named(file, 'UNAVAILABLE', 'age_source_unavailable');
    expect(whys('nppa.md')).toEqual([...invalid, ...unavailable]);
  });

  it('has everything that can be wrong with a platform signal', () => {
    const invalid = named('platform/signal.ts', 'INVALID', 'age_evidence_invalid');
    expect(invalid).toContain('age_evidence_invalid malformed');
    expect(whys('platform.md')).toEqual([
      ...invalid,
      'age_source_unavailable attestation_unavailable',
    ]);
  });

  it('has everything that can be wrong with a statement', () => {
    const own = read('packages/server/src/age/sources/statement/index.ts').matchAll(
      /^ {2}\| '(\w+)'/gm,
    );
    const faults = [...own].map(([, fault]) => fault);
    expect(faults).toContain('account_mismatch');
    const rows = tableUnder('docs/age-sources/statement.md', '`why`');
    expect(rows.map(([fault]) => fault)).toEqual(faults);
  });

  it('has everything that can be wrong with what wallets and OpenID providers sign', () => {
    const own = read('packages/server/src/age/sources/evidence-fault.ts').matchAll(
      /^ {2}\| '(\w+)'/gm,
    );
    const faults = [...own].map(([, fault]) => fault ?? '');
    expect(faults).toContain('holder_proof_invalid');
    const rows = (page: string) =>
      tableUnder(`docs/age-sources/${page}`, '`why`').map(([fault]) => fault);
    expect(rows('wallets.md')).toEqual(faults);
    expect(rows('oidc.md')).toEqual(faults.filter((fault) => rows('oidc.md').includes(fault)));
  });
});

describe('docs/policies.md', () => {
  it.each([cnGame(), cnLive(), jpTypical(), usAppStore()])('shows $id as it is', (policy) => {
    const rows = tableUnder('docs/policies.md', `\`${policy.id}\``);
    expect(rows).toEqual(rowsOf(policy));
  });

  it('shows a document that is a policy', () => {
    const [, document = ''] = /```json\n(.*?)```/s.exec(read('docs/policies.md')) ?? [];
    expect(parsePolicy(JSON.parse(document)).id).toBe('my-game');
  });
});
