/** One line of the story: what somebody did, what the policy says to it, and what happened. */
export interface Line {
  readonly who: string;
  readonly what: string;
  readonly amount: string;
  readonly expected: string;
  readonly got: string;
  /** Why it was refused, in words. */
  readonly reason?: string;
}

const COLUMNS = [
  { title: 'who', width: 9 },
  { title: 'what', width: 47 },
  { title: 'amount', width: 7 },
  { title: 'expected', width: 28 },
  { title: 'got', width: 28 },
] as const;
const REASON_WIDTH = 64;

/** True if it came out as the policy says. */
export function isAsExpected({ expected, got }: Line): boolean {
  return expected === got;
}

export function tableHead(): string {
  const titles = COLUMNS.map(({ title }) => title);
  const rule = COLUMNS.map(({ width }) => '-'.repeat(width));
  return `${row('  ', titles, 'reason')}\n${row('  ', rule, '-'.repeat(REASON_WIDTH))}`;
}

/** A line of the table; a long reason goes on below itself. */
export function tableRow(line: Line): string {
  const cells = [line.who, line.what, line.amount, line.expected, line.got];
  const [first = '', ...rest] = wrap(line.reason ?? '', REASON_WIDTH);
  const empty = COLUMNS.map(() => '');
  const mark = isAsExpected(line) ? 'ok' : '!!';
  return [row(mark, cells, first), ...rest.map((text) => row('  ', empty, text))].join('\n');
}

function row(mark: string, cells: readonly string[], last: string): string {
  const padded = COLUMNS.map(({ title, width }, index) => {
    const cell = cells[index] ?? '';
    return title === 'amount' ? cell.padStart(width) : cell.padEnd(width);
  });
  return [mark, ...padded, last].join('  ').trimEnd();
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
