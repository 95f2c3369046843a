import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import type { Location } from '@stryker-mutator/api/core';
import { ROOT } from '../packages.ts';

/** Which mutants to test: a share of them from 0 to 1, drawn by a seed. */
export interface Sample {
  readonly seed: string;
  readonly share: number;
}

/** What names a mutant. */
export interface Named {
  readonly fileName: string;
  readonly location: Location;
  readonly mutatorName: string;
  readonly replacement?: string | undefined;
}

/** Whether a mutant is drawn. The same seed draws the same mutants of an unchanged file. */
export function isDrawn({ seed, share }: Sample, mutant: Named): boolean {
  const { fileName, location, mutatorName, replacement } = mutant;
  const { start, end } = location;
  const place = [start.line, start.column, end.line, end.column];
  const name = JSON.stringify([pathOf(fileName), place, mutatorName, replacement]);
  const hash = createHash('sha256').update(`${seed} ${name}`).digest();
  return hash.readUInt32BE() < share * 2 ** 32;
}

/** The path of a file in the project, with slashes. */
export function pathOf(fileName: string): string {
  return relative(ROOT, fileName).replaceAll('\\', '/');
}
