import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const MAX_BYTES = 4096;

test('the whole client, minified and brotli-compressed, stays under 4 kB', async () => {
  const entry = fileURLToPath(new URL('../../packages/client/src/index.ts', import.meta.url));
  const built = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    // Nothing of a platform may be needed: an import of one fails the build.
    platform: 'neutral',
    conditions: ['@spendcap/source'],
  });
  const [file] = built.outputFiles;
  const bytes = brotliCompressSync(file?.contents ?? new Uint8Array()).byteLength;
  console.log(`@spendcap/client: ${bytes} bytes (${file?.contents.byteLength} before brotli)`);
  expect(bytes).toBeGreaterThan(500);
  expect(bytes).toBeLessThan(MAX_BYTES);
});
