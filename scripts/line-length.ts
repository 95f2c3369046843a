// Finds lines that are too long in what Biome does not format: comments and templates.
// `node scripts/line-length.ts [glob ...]`.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './packages.ts';

export const MAX_LINE = 100;

const FILES = ['{packages/*/src,test,scripts,examples}/**/*.{ts,tsx}'];

const COMMENT = /^\s*(?:\/\/|\/\*|\*)/;
const LITERAL = /['"`/]/;

/**
 * Each line that is too long: `file:line length`. A line of code that has a literal is not: a
 * message, the title of a test or an address is easier to read, and to search for, in one piece.
 */
export function longLines(file: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, index) => {
    const { length } = [...line];
    const isExempt = LITERAL.test(line) && !COMMENT.test(line);
    return length > MAX_LINE && !isExempt ? [`${file}:${index + 1} ${length}`] : [];
  });
}

if (import.meta.main) {
  const named = process.argv.slice(2);
  const exclude = (path: string) => path.includes('node_modules') || path.includes('dist');
  const files = globSync(named.length > 0 ? named : FILES, { cwd: ROOT, exclude });
  const faults = files.flatMap((file) => longLines(file, readFileSync(join(ROOT, file), 'utf8')));
  for (const fault of faults.toSorted()) console.log(fault);
  console.log(`${files.length} files, ${faults.length} lines over ${MAX_LINE} characters`);
  process.exitCode = faults.length === 0 && files.length > 0 ? 0 : 1;
}
