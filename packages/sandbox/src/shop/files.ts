import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';

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
    const body = extension === 'ts' ? stripTypeScriptTypes(text) : text;
    return new Response(body, {
      headers: { ...HEADERS, 'content-type': TYPES[extension] ?? 'text/plain' },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
