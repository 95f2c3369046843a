// Builds every package's dist/ from the entries in its package.json.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'tsup';
import { builtEntries, type Entry, listPackages, type Package, ROOT } from './packages.ts';

/** Bare specifiers are external: dependencies are never bundled. */
const BARE_NAME = /^[^./]/;

async function buildPackage(pkg: Package): Promise<void> {
  const { modules, programs } = builtEntries(pkg);
  await build({
    config: false,
    entry: filesByOutput(pkg, [...modules, ...programs]),
    dts: { entry: filesByOutput(pkg, modules) },
    outDir: join(pkg.folder, 'dist'),
    tsconfig: join(ROOT, 'tsconfig.build.json'),
    format: 'esm',
    target: 'es2023',
    platform: 'neutral',
    external: [BARE_NAME],
    removeNodeProtocol: false,
    clean: true,
    silent: true,
  });
  copyFileSync(join(ROOT, 'LICENSE'), join(pkg.folder, 'LICENSE'));
}

function filesByOutput(pkg: Package, entries: readonly Entry[]): Record<string, string> {
  return Object.fromEntries(
    entries.map(({ output, source }) => [output, join(pkg.folder, source)]),
  );
}

const started = performance.now();
await Promise.all(listPackages().map(buildPackage));
console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
