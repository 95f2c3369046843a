import { readFile } from 'node:fs/promises';

/**
 * The elements of an unbuilt client import Lit by name, which no browser resolves. A built client
 * contains it.
 */
const IMPORT_OF_LIT = /(?<=\b(?:from|import)\s*["'])@?lit(?:[-/][\w./-]+)?(?=["'])/g;
const FILES: Readonly<Record<string, string>> = {
  lit: 'lit/index.js',
  'lit-html': 'lit-html/lit-html.js',
  '@lit/reactive-element': '@lit/reactive-element/reactive-element.js',
};
const PATH = /^(lit|lit-html|lit-element|@lit\/reactive-element)(\/[a-z-]+)?\/[a-z-]+\.js$/;

/** Code whose imports of Lit are paths of this server. */
export function withPaths(code: string): string {
  return code.replaceAll(IMPORT_OF_LIT, (name) => `/modules/${FILES[name] ?? name}`);
}

/** A file of Lit; `null` if there is none. */
export async function litFile(path: string): Promise<string | null> {
  if (!PATH.test(path)) return null;
  const folder = import.meta.resolve('lit').replace(/\/lit\/.*$/, '/');
  return readFile(new URL(path, folder), 'utf8').then(withPaths, () => null);
}
