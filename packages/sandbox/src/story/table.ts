/** One line of the story: the action, the outcome that the policy requires, and the actual one. */
export interface Line {
  readonly who: string;
  readonly what: string;
  readonly amount: string;
  readonly expected: string;
  readonly got: string;
  /** The reason of a refusal, as a sentence. */
  readonly reason?: string;
}

const COLUMNS = [
  { title: 'who', width: 9 },
  { title: 'what', width: 47 },
  { title: 'amount', width: 7 },
  { title: 'outcome', width: 28 },
] as const;
/** Notes are indented past the mark and the name. */
const INDENT = ' '.repeat(15);
const NOTE_WIDTH = 86;

/** True if the outcome is as the policy requires. */
export function isAsExpected({ expected, got }: Line): boolean {
  return expected === got;
}

export function tableHead(): string {
  const titles = COLUMNS.map(({ title }) => title);
  const rule = COLUMNS.map(({ width }) => '-'.repeat(width));
  return `${row('  ', titles)}\n${row('  ', rule)}`;
}

/** A line of the table, followed by the reason and, on a mismatch, the expected outcome. */
export function tableRow(line: Line): string {
  const good = isAsExpected(line);
  const cells = [line.who, line.what, line.amount, line.got];
  const notes = [...(good ? [] : [`expected: ${line.expected}`]), ...wrap(line.reason ?? '')];
  return [row(good ? 'ok' : '!!', cells), ...notes.map((note) => INDENT + note)].join('\n');
}

function row(mark: string, cells: readonly string[]): string {
  const padded = COLUMNS.map(({ title, width }, index) => {
    const cell = cells[index] ?? '';
    return title === 'amount' ? cell.padStart(width) : cell.padEnd(width);
  });
  return [mark, ...padded].join('  ').trimEnd();
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= NOTE_WIDTH) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
