import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { litFile, withPaths } from './modules.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  ts: 'text/javascript; charset=utf-8',
};

/** The page may only load its own files and connect to its own server. */
const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const;

/** A file of the folder, or of a folder in it. */
const NAME = /^(?:[a-z0-9-]+\/)?[a-z0-9-]+\.(html|css|js|svg|ts)$/i;

/** A file of a folder, with types stripped from TypeScript; `null` if there is none. */
export async function fileOf(folder: URL, name: string): Promise<Response | null> {
  const extension = NAME.exec(name)?.[1];
  if (extension === undefined) return null;
  try {
    const text = await readFile(new URL(name, folder), 'utf8');
    return response(await served(folder, text, extension), extension);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function served(folder: URL, text: string, extension: string): string | Promise<string> {
  if (extension === 'ts') return scriptOf(text);
  return extension === 'html' ? assembled(folder, text) : text;
}

/** What pages share is a file of its own, included in a line: `<!-- include head.html -->`. */
const INCLUDE = /^ *<!-- include ([a-z]+\.html) -->\n/m;

async function assembled(folder: URL, page: string): Promise<string> {
  // Splitting puts the name of each part between the texts around it.
  const parts = page.split(INCLUDE).map((text, index) => {
    return index % 2 === 0 ? text : readFile(new URL(text, folder), 'utf8');
  });
  return (await Promise.all(parts)).join('');
}

/** By source text, so that a changed file is stripped again. */
const scripts = new Map<string, string>();

function scriptOf(source: string): string {
  const script = scripts.get(source) ?? withPaths(stripTypeScriptTypes(source));
  scripts.set(source, script);
  return script;
}

/** A file of Lit, for the elements of an unbuilt client; `null` if there is none. */
export async function moduleOf(path: string): Promise<Response | null> {
  const code = await litFile(path);
  return code === null ? null : response(code, 'js');
}

function response(body: string, extension: string): Response {
  return new Response(body, {
    headers: { ...HEADERS, 'content-type': TYPES[extension] ?? 'text/plain' },
  });
}
