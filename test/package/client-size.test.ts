import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** The main entry, and those that are imported only where they are needed. */
const MAX_BYTES = {
  index: 5120,
  'device-key/index': 1024,
  'elements/index': 12_288,
  'explain/index': 5120,
  'languages/zh-CN': 3072,
  'device-purchases/index': 2048,
  'react/index': 3072,
  'transports/index': 1024,
} as const;

test.each(Object.entries(MAX_BYTES))(
  '%s of the client, minified and brotli-compressed, stays under %i bytes',
  async (name, max) => {
    const path = `../../packages/client/src/${name}.ts`;
    const built = await build({
      entryPoints: [fileURLToPath(new URL(path, import.meta.url))],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: 'es2023',
      // Nothing of a platform may be needed: an import of one fails the build.
      platform: 'neutral',
      conditions: ['@spendcap/source'],
      // The page has it already.
      external: ['react'],
    });
    const [file] = built.outputFiles;
    const bytes = brotliCompressSync(file?.contents ?? new Uint8Array()).byteLength;
    console.log(`@spendcap/client, ${name}: ${bytes} bytes`);
    expect(bytes).toBeGreaterThan(500);
    expect(bytes).toBeLessThan(max);
  },
);
