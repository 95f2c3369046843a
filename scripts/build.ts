// Builds every package's dist/ from the entries in its package.json.
import { copyFileSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'tsup';
import { builtEntries, type Entry, listPackages, type Package, ROOT } from './packages.ts';

/** Bare specifiers are external: dependencies are never bundled. */
const BARE_NAME = /^[^./]/;

/** Left by the bundler of types where a module's types are not used. */
const IMPORT_OF_NOTHING = /^import '[^']+';\n/gm;
const RELATIVE_MODULE = /( from '\.[^']+)\.js';/g;
/** Dependencies without types for CommonJS. */
const TYPES_OF_ES_MODULE = /import (\{[^}]*\} from 'jose');/g;

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
  writeCommonJsTypes(join(pkg.folder, 'dist'));
  copyFileSync(join(ROOT, 'LICENSE'), join(pkg.folder, 'LICENSE'));
}

/**
 * Writes a `.d.cts` for each `.d.ts`: with `module: node16`, TypeScript refuses to import the types
 * of an ES module into CommonJS, although Node.js can require the module itself.
 */
function writeCommonJsTypes(dist: string): void {
  for (const name of globSync('**/*.d.ts', { cwd: dist })) {
    const types = readFileSync(join(dist, name), 'utf8')
      .replaceAll(IMPORT_OF_NOTHING, '')
      .replaceAll(RELATIVE_MODULE, "$1.cjs';")
      .replaceAll(TYPES_OF_ES_MODULE, "import type $1 with { 'resolution-mode': 'import' };");
    writeFileSync(join(dist, name.replace(/\.ts$/, '.cts')), types);
  }
}

function filesByOutput(pkg: Package, entries: readonly Entry[]): Record<string, string> {
  return Object.fromEntries(
    entries.map(({ output, source }) => [output, join(pkg.folder, source)]),
  );
}

const started = performance.now();
await Promise.all(listPackages().map(buildPackage));
console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
