import { type AgeFinding, type Assurance, combineFindings } from '@spendcap/core';
import { describe, expect, it } from 'vitest';

const asOf = Date.UTC(2026, 10, 24);

function finding(min: number, maxExclusive: number | null, assurance: Assurance): AgeFinding {
  return { range: { min, maxExclusive }, asOf, assurance, kind: assurance };
}

const combine = (...findings: AgeFinding[]) =>
  combineFindings(findings, { at: asOf, timeZone: 'UTC' });

describe('combineFindings', () => {
  it('intersects what agrees', () => {
    const age = combine(finding(8, null, 'verified'), finding(0, 16, 'verified'));
    expect(age.range).toEqual({ min: 8, maxExclusive: 16 });
    expect(age.conflict).toBe(false);
  });

  it('lets the surer finding hold, and says that there is a conflict', () => {
    const age = combine(finding(18, null, 'verified'), finding(0, 13, 'guardian'));
    expect(age).toMatchObject({ range: { min: 18, maxExclusive: null }, conflict: true });
    expect(age.assurance).toBe('verified');
  });

  it('keeps every age of two equally sure findings that contradict each other', () => {
    const age = combine(finding(18, 20, 'assessed'), finding(10, 13, 'assessed'));
    expect(age).toMatchObject({ range: { min: 10, maxExclusive: 20 }, conflict: true });
  });

  it.each(['client_claim', 'self_declared'] as const)('never makes anyone older by %s', (word) => {
    expect(combine(finding(18, null, word)).range).toEqual({ min: 0, maxExclusive: null });
    expect(combine(finding(0, 18, 'verified'), finding(17, 18, word)).range.min).toBe(0);
  });

  it('is as sure as the finding that its lower end rests on', () => {
    const age = combine(finding(0, 18, 'verified'), finding(14, 15, 'guardian'));
    expect(age).toMatchObject({ range: { min: 14, maxExclusive: 15 }, assurance: 'guardian' });
  });
});
