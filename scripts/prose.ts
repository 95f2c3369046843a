// The language of this project is plain technical English. This step knows the words that have been
// replaced, so that they do not return. It reads pages, comments, messages and identifiers:
// `node scripts/prose.ts [glob ...]`.
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './packages.ts';

export interface Rule {
  readonly find: RegExp;
  readonly write: string;
  /** A text that the rule finds, for the test and for readers. */
  readonly example: string;
}

export const RULES: readonly Rule[] = [
  {
    // As a word, and as a part of an identifier such as `buyAndTell`.
    find: /(?<![a-z])(?:re)?(?:told|tell(?:s|ing)?|Told|Tells?)(?![a-z])|(?:Told|Tells?)(?![a-z])/,
    write: 'returns, reports, calls, is notified; distinguishes',
    example: 'the listener is told',
  },
  {
    find: /(?<![a-z])[Aa]sked(?![a-z])|Asked(?![a-z])/,
    write: 'requested, queried, called',
    example: 'the amount that was asked for',
  },
  {
    find: /\bat once\b/i,
    write: 'immediately; in one statement; at the same time; per transaction',
    example: 'fails at once',
  },
  { find: /\bcom(?:es?|ing) again\b/i, write: 'is retried', example: 'what has to come again' },
  { find: /\banew\b/i, write: 'again; regenerated, recreated', example: 'made anew' },
  { find: /\bfor ever\b/i, write: 'forever, permanently', example: 'kept for ever' },
  {
    find: /\b(?:by|of) (?:itself|themselves)\b/i,
    write: 'automatically; alone; separately',
    example: 'ends by itself',
  },
  {
    find: /\b(?:is|are|was|were) over(?=[.,;:)]|$| \*\/| (?:now|already|when|once|and|or|then)\b)/i,
    write: 'has expired, has ended',
    example: 'a month that is over.',
  },
  {
    find: /\btime (?:is|was) up\b|\bpast (?:its|their) time\b/i,
    write: 'has expired',
    example: 'holds whose time is up',
  },
  {
    find: /\bno longer holds?\b/i,
    write: 'is no longer valid, is no longer in effect',
    example: 'a policy that no longer holds',
  },
  {
    find: /\bstands?\b(?! (?:for|in for|out|up|down|still|alone)\b)/i,
    write: 'is, is stored, comes',
    example: 'the id stands in the metadata',
  },
  {
    find: /\b(?:is|are|was|were|be|been) away\b(?! from)/i,
    write: 'is unavailable, is unreachable',
    example: 'while the store is away',
  },
  {
    find: /\b(?:is|are|was|were|gets?) in the way\b/i,
    write: 'conflicts, blocks',
    example: 'another transaction was in the way',
  },
  {
    find: /\bnobody (?:could|knows|asks)\b/i,
    write: 'no decision was made; unknown',
    example: 'nobody could decide',
  },
  {
    find: /\b(?:the )?(?:usual|plain|quick) (?:path|step|way|case|hold|batch|reserve|commit|call)(?:e?s)?\b/i,
    write: 'fast path',
    example: 'the quick step of a reserve',
  },
  { find: /\ball the same\b/i, write: 'still, nevertheless', example: 'it ends all the same' },
  { find: /\bof no matter\b/i, write: 'can be ignored', example: 'warnings are of no matter' },
  {
    find: /\bbut for\b/i,
    write: 'except, apart from',
    example: 'every promise but for durability',
  },
  { find: /\bfor want of\b/i, write: 'for lack of', example: 'refused for want of room' },
  { find: /\bon the spot\b/i, write: 'generated', example: 'keys made up on the spot' },
  { find: /\bdearer?\b/i, write: 'expensive, slower', example: 'the dearer way' },
  { find: /\bmend(?:s|ed|ing)?\b/i, write: 'fix', example: 'the fault is mended' },
  {
    find: /\b(?:policy|it|they|server|store|processor|limiter|library) wants?\b/i,
    write: 'requires',
    example: 'as sure as the policy wants',
  },
  {
    find: /[,(] as (?:`[^`]+`|"[^"]+")(?=[.),;:]| \*\/|$)/,
    write: 'such as, for example',
    example: 'the kind of evidence, as `nppa`.',
  },
  {
    find: /\bfigures?\b/i,
    write: 'amount, limit, number, measurement',
    example: 'the daily figure',
  },
];

/** What is still to be rewritten. It only ever gets shorter. */
export const PENDING: readonly string[] = [];

const FILES = [
  '*.md',
  'docs/**/*.md',
  'examples/**/*.{md,ts,sh,json}',
  'packages/*/{README.md,package.json}',
  'packages/*/src/**/*.{ts,js,html,css,sql,lua}',
  'scripts/!(prose).ts',
  // Except test/package, which quotes what is found.
  'test/!(package)/**/*.ts',
];

/** Each use of a replaced word, as `docs/stripe.md:12 told: write returns`. */
export function proseFaults(file: string, text: string): readonly string[] {
  const { joined, lineAt } = unwrapped(text);
  return RULES.flatMap(({ find, write }) =>
    [...joined.matchAll(new RegExp(find, `${find.flags}g`))].map(
      ({ 0: found, index }) => `${file}:${lineAt(index)} ${found.trim()}: write ${write}`,
    ),
  );
}

/** One line of text, so that a phrase is found where a page or a comment breaks it. */
function unwrapped(text: string) {
  const starts: number[] = [];
  let joined = '';
  for (const line of text.split('\n')) {
    starts.push(joined.length);
    joined += `${line.replace(/^\s*(?:\*(?!\/)|\/\/|#|--|>)?\s*/, '').trimEnd()} `;
  }
  const lineAt = (index: number) => starts.findLastIndex((start) => start <= index) + 1;
  return { joined, lineAt };
}

/** The files to read: those that are named, even if pending, or everything that is not. */
function filesToRead(named: readonly string[]): readonly string[] {
  const exclude = (path: string) => /node_modules|dist|docs\/api/.test(path);
  const found = globSync(named.length > 0 ? named : FILES, { cwd: ROOT, exclude });
  const files = found.filter((path) => statSync(join(ROOT, path)).isFile());
  if (named.length > 0) return files;
  return files.filter((file) => !PENDING.some((start) => file.startsWith(start)));
}

if (import.meta.main) {
  const files = filesToRead(process.argv.slice(2));
  const faults = files.flatMap((file) => proseFaults(file, readFileSync(join(ROOT, file), 'utf8')));
  for (const fault of faults.toSorted()) console.log(fault);
  console.log(`${files.length} files, ${faults.length} words to replace`);
  process.exitCode = faults.length === 0 && files.length > 0 ? 0 : 1;
}
