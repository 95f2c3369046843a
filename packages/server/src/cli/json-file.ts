import { readFileSync } from 'node:fs';
import { parseStrict } from '../jwt/json.ts';
import { UsageError } from './usage-error.ts';

/**
 * Reads a JSON file that a person wrote. A repeated name is a fault: of two caps of one name, the
 * last would silently count.
 *
 * @throws UsageError that names what the file must be, and quotes nothing of it
 */
export function readJsonFile(file: string, expected: string): unknown {
  const text = readText(file, `: it must be ${expected}`);
  try {
    // Editors of Windows write a byte order mark.
    return parseStrict(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw new UsageError(`'${file}' repeats a name in an object, or is nested too deep`);
    }
    const line = /line \d+/.exec(error.message)?.[0];
    throw new UsageError(`'${file}' is not valid JSON${line === undefined ? '' : `: ${line}`}`);
  }
}

/** @throws UsageError with the code of the fault, such as ENOENT, before the hint */
export function readText(file: string, hint = ''): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read '${file}' (${codeOf(error)})${hint}`);
  }
}

/** Of a fault of the operating system: ENOENT, EACCES, ENOSPC. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'error';
}
