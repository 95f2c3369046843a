import { readFileSync } from 'node:fs';
import type { Location, MutantResult } from '@stryker-mutator/api/core';
import { pathOf } from './sample.ts';

type Outcome = Pick<MutantResult, 'status'>;

const isNoticed = ({ status }: Outcome) => status === 'Killed' || status === 'Timeout';
export const isMissed = ({ status }: Outcome) => status === 'Survived' || status === 'NoCoverage';
export const isTested = (mutant: Outcome) => isNoticed(mutant) || isMissed(mutant);

/** A table with a row for each file. */
export function tableOf(results: readonly MutantResult[]): string {
  const tested = results.filter(isTested);
  const files = [...new Set(tested.map(({ fileName }) => fileName))].sort();
  return [
    '| file | changes | noticed | |',
    '|---|---:|---:|---:|',
    ...files.map((file) =>
      row(
        pathOf(file),
        tested.filter(({ fileName }) => fileName === file),
      ),
    ),
    row('all', tested),
  ].join('\n');
}

function row(name: string, mutants: readonly MutantResult[]): string {
  const noticed = mutants.filter(isNoticed).length;
  const share = mutants.length === 0 ? 1 : noticed / mutants.length;
  return `| ${name} | ${mutants.length} | ${noticed} | ${(100 * share).toFixed(0)} % |`;
}

/** `file:line:column operator: original -> replacement`, on one line. */
export function describeMutant(mutant: MutantResult): string {
  const { fileName, location, replacement, status, mutatorName } = mutant;
  const { line, column } = location.start;
  const change = `${short(originalOf(fileName, location))} -> ${short(replacement)}`;
  const why = status === 'NoCoverage' ? ' (run by no test)' : '';
  return `${pathOf(fileName)}:${line}:${column} ${mutatorName}: ${change}${why}`;
}

/** One line of JSON, such as `{"status":"Killed","change":"..."}`. */
export function resultLine(mutant: MutantResult): string {
  return `${JSON.stringify({ status: mutant.status, change: describeMutant(mutant) })}\n`;
}

/** Lines and columns count from 1. */
function originalOf(fileName: string, { start, end }: Location): string {
  const text = readFileSync(fileName, 'utf8');
  const lines = text.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  lines[last] = (lines[last] ?? '').slice(0, end.column - 1);
  lines[0] = (lines[0] ?? '').slice(start.column - 1);
  return lines.join(' ');
}

function short(text: string): string {
  const flat = text.replace(/\s+/g, ' ');
  return flat.length > 100 ? `${flat.slice(0, 97)}...` : flat;
}
