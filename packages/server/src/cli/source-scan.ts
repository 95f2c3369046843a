import { globSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Something that a developer should look at. */
export interface ScanFinding {
  /** `src/pay.ts:12`. */
  readonly place: string;
  readonly message: string;
}

const SKIPPED = /^(node_modules|dist|build|out|coverage|vendor|tests?|__tests__|\..+)$/;
const TEST = /\.(test|spec)\.\w+$/;
const MAX_FILES = 5_000;
const MAX_BYTES = 1_000_000;

/** A processor's client, the guard for it, and the calls that start a charge. */
const CLIENTS = [
  {
    made: /\b(?:(\w+)(?:\s*:\s*[\w.]+)?\s*=\s*)?new\s+Stripe\s*\(/g,
    guard: 'guardStripe',
    charges: 'paymentIntents|checkout|charges|subscriptions|invoices|paymentLinks',
  },
  {
    made: /\b(?:(\w+)(?:\s*:\s*[\w.]+)?\s*=\s*)?new\s+AlipaySdk\s*\(/g,
    guard: 'guardAlipay',
    charges: 'exec|pageExec|sdkExec|pageExecute|sdkExecute|curl',
  },
  {
    made: /\b(?:(\w+)(?:\s*:\s*[\w.]+)?\s*=\s*)?wechatPayClient\s*\(/g,
    guard: 'guardWechatPay',
    charges: 'post',
  },
] as const;

/** Parses the body of every route below it. */
const GLOBAL_PARSER = /\.use\(\s*(?:express|bodyParser)\.(?:json|urlencoded)\(/g;
const WEBHOOK_MOUNT = /\btoExpress\(\s*(?:processorWebhook\b|\w*[wW]ebhook\b)|\bmountSpendcap\(/g;

/**
 * Reads the sources of a project, without its tests, for a processor's client that no guard wraps,
 * and for a body parser before a webhook. It reads text, not types: what it finds may be right, and
 * what it does not find may be wrong.
 */
export function scanSources(folder: string): readonly ScanFinding[] {
  const sources = filesOf(folder).map((file) => ({
    file,
    text: withoutComments(readFileSync(join(folder, file), 'utf8')),
  }));
  const texts = sources.map(({ text }) => text);
  return sources.flatMap((source) => [...unguarded(source, texts), ...parsedFirst(source)]);
}

function filesOf(folder: string): readonly string[] {
  const files = globSync('**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}', {
    cwd: folder,
    exclude: (path) => SKIPPED.test(basename(path)),
  });
  return files
    .filter((file) => !TEST.test(file) && statSync(join(folder, file)).size <= MAX_BYTES)
    .sort()
    .slice(0, MAX_FILES);
}

/** Comments become blanks, so that lines keep their numbers. A string may contain `//`. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/\S/g, ' '));
}

interface Source {
  readonly file: string;
  readonly text: string;
}

function unguarded({ file, text }: Source, texts: readonly string[]): ScanFinding[] {
  const name = basename(file).replace(/\.\w+$/, '');
  const imported = new RegExp(`(?:from|require\\()\\s*['"][^'"]*/${escaped(name)}(?:\\.\\w+)?['"]`);
  return CLIENTS.flatMap(({ made, guard, charges }) =>
    [...text.matchAll(made)].flatMap(({ 0: code, 1: variable, index }) => {
      const used =
        variable === undefined
          ? null
          : new RegExp(`\\b${escaped(variable)}\\.(?:${charges})\\b`).exec(text);
      if (used !== null) {
        const message = `charges past the limiter: use the result of ${guard}()`;
        return [{ place: `${file}:${lineOf(text, used.index)}`, message }];
      }
      const guards = (other: string) => other.includes(`${guard}(`);
      if (guards(text) || texts.some((other) => guards(other) && imported.test(other))) return [];
      const at = index + code.search(/new\s|wechatPayClient/);
      const message = `this client is not passed to ${guard}()`;
      return [{ place: `${file}:${lineOf(text, at)}`, message }];
    }),
  );
}

function parsedFirst({ file, text }: Source): ScanFinding[] {
  const parser = text.search(GLOBAL_PARSER);
  const mounts = [...text.matchAll(WEBHOOK_MOUNT)].map(({ index }) => index);
  const late = mounts.find((mount) => parser !== -1 && mount > parser);
  if (late === undefined) return [];
  const message = `parses the body of the webhook on line ${lineOf(text, late)}: move it below`;
  return [{ place: `${file}:${lineOf(text, parser)}`, message }];
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
