import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../../scripts/packages.ts';

/** A fenced ts block of a docstring or a page that imports something: a program of its own. */
export interface Example {
  /** `packages/core/src/money.ts:30`, where the block begins. */
  readonly place: string;
  readonly code: string;
}

const MARK = '// =>';

/** Every example of the public sources and of the pages. */
export function collectExamples(): readonly Example[] {
  const options = { cwd: ROOT, exclude: (path: string) => /node_modules|dist/.test(path) };
  const sources = globSync('packages/*/src/**/*.ts', options);
  const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md'], options);
  return [...sources, ...pages].sort().flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return examplesIn(file, text, file.endsWith('.ts') ? /^ *\* ?/ : /^/);
  });
}

/** `prefix` is what precedes each line of a block, as the star of a docstring. */
export function examplesIn(file: string, text: string, prefix: RegExp): readonly Example[] {
  const found: Example[] = [];
  let begin: number | null = null;
  let block: string[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(prefix, '');
    if (begin === null) {
      if (/^```(ts|typescript)$/.test(line.trim())) [begin, block] = [index + 1, []];
    } else if (line.trim() === '```') {
      const code = `${block.join('\n')}\n`;
      const place = `${file}:${begin}`;
      if (/^import /m.test(code)) found.push({ place, code });
      else if (code.includes(MARK)) throw new Error(`${place}: has results but imports nothing`);
      begin = null;
    } else {
      block.push(line);
    }
  }
  return found;
}

/** True if the example says what comes out. Others are compiled, not run. */
export function hasResults({ code }: Example): boolean {
  return code.includes(MARK);
}

/**
 * JavaScript in which each top-level `expression; // => value` is a deep comparison. The value may
 * follow on the next line and go on over several comment lines.
 *
 * @throws Error if a mark belongs to no top-level statement, since it would never be compared
 */
export function executable({ place, code }: Example): { js: string; results: number } {
  const file = ts.createSourceFile('example.ts', code, ts.ScriptTarget.Latest);
  let output = `import { deepStrictEqual as sameValue } from 'node:assert/strict';\n`;
  let results = 0;
  for (const statement of file.statements) {
    const text = statement.getText(file);
    const value = valueAfter(code, statement.end);
    if (value === null) {
      output += `${text}\n`;
    } else if (ts.isExpressionStatement(statement)) {
      output += `sameValue(${statement.expression.getText(file)}, ${value});\n`;
      results += 1;
    } else if (ts.isVariableStatement(statement)) {
      const [declaration] = statement.declarationList.declarations;
      output += `${text}\nsameValue(${declaration?.name.getText(file)}, ${value});\n`;
      results += 1;
    }
  }
  if (results !== code.split(MARK).length - 1) {
    throw new Error(`${place}: a result follows something that has no value to compare`);
  }
  const { outputText } = ts.transpileModule(output, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  });
  return { js: outputText, results };
}

/** The value in the comment right after a statement, or null if none is there. */
function valueAfter(code: string, end: number): string | null {
  const comment = /^[ \t]*\n?[ \t]*\/\/ =>(?<value>.*(?:\n[ \t]*\/\/(?! =>).*)*)/.exec(
    code.slice(end),
  );
  if (comment === null) return null;
  const lines = (comment.groups?.value ?? '')
    .split('\n')
    .map((line) => line.replace(/^\s*\/\//, ''));
  const parses = (count: number) => isExpression(lines.slice(0, count).join('\n'));
  const count = lines.findIndex((_, index) => parses(index + 1)) + 1;
  if (count === 0) throw new Error(`not a value: ${lines.join(' ')}`);
  return `(${lines.slice(0, count).join('\n').trim()})`;
}

function isExpression(text: string): boolean {
  const { diagnostics } = ts.transpileModule(`(${text});`, { reportDiagnostics: true });
  return text.trim() !== '' && diagnostics?.length === 0;
}

/** What the compiler finds wrong, for example `packages/core/src/money.ts:30 message`. */
export function typeFaults(examples: readonly Example[]): readonly string[] {
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  const settings: ts.CompilerOptions = {
    ...options,
    moduleDetection: ts.ModuleDetectionKind.Force,
    noUnusedLocals: false,
  };
  const files = new Map(
    examples.map((example, index) => [join(ROOT, 'test', 'docs', `example-${index}.ts`), example]),
  );
  const host = ts.createCompilerHost(settings);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name)?.code ?? readFile(name);
  const program = ts.createProgram([...files.keys()], settings, host);
  return ts.getPreEmitDiagnostics(program).flatMap(({ file, messageText }) => {
    const example = files.get(file?.fileName ?? '');
    if (example === undefined) return [];
    return [`${example.place} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`];
  });
}
