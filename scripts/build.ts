// Builds every package's dist/ from the entries in its package.json.
import { copyFileSync, cpSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { build, type Options } from 'tsup';
import { builtEntries, type Entry, listPackages, type Package, ROOT } from './packages.ts';

/** Bare specifiers are external: dependencies are never bundled, with one exception. */
const BARE_NAME = /^[^./]/;
/** Lit is a part of the elements, so that a page without a bundler can load them as one file. */
const BUNDLED = /^(@lit\/|lit(-html|-element)?(\/|$))/;

/** What Lit reads of the DOM when it is loaded, so that a server can import the elements too. */
const ON_SERVERS: Readonly<Record<string, string>> = {
  'lit-html.js': 'const document = globalThis.document ?? { createTreeWalker: () => ({}) };',
  'reactive-element.js': 'const HTMLElement = globalThis.HTMLElement ?? class {};',
};
type Plugin = NonNullable<Options['esbuildPlugins']>[number];
const litOnServers: Plugin = {
  name: 'lit-on-servers',
  setup({ onLoad }) {
    const filter =
      /node_modules\/(lit-html\/lit-html|@lit\/reactive-element\/reactive-element)\.js$/;
    onLoad({ filter }, ({ path }) => ({
      contents: `${ON_SERVERS[basename(path)]}\n${readFileSync(path, 'utf8')}`,
    }));
  },
};

/** Left by the bundler of types where a module's types are not used. */
const IMPORT_OF_NOTHING = /^import '[^']+';\n/gm;
const URL_OF_SOURCE = /new URL\(\s*"\.\/([\w-]+)\.ts"/g;
const URL_OF_FOLDER = /new URL\(\s*"\.\/([\w-]+)\/"/g;
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
    noExternal: [BUNDLED],
    esbuildPlugins: [litOnServers],
    removeNodeProtocol: false,
    clean: true,
    silent: true,
  });
  resolveUrls(join(pkg.folder, 'dist'));
  copyFolders(pkg);
  writeCommonJsTypes(join(pkg.folder, 'dist'));
  copyFileSync(join(ROOT, 'LICENSE'), join(pkg.folder, 'LICENSE'));
}

/**
 * Replaces the path in `new URL('./worker.ts', import.meta.url)` by the one of the built file:
 * where the bundler puts the code around it is known only now.
 */
function resolveUrls(dist: string): void {
  for (const name of globSync('**/*.js', { cwd: dist })) {
    const code = readFileSync(join(dist, name), 'utf8');
    const resolved = code.replaceAll(URL_OF_SOURCE, (_, file: string) => {
      const [built, ...others] = globSync(`**/${file}.js`, { cwd: dist });
      if (built === undefined || others.length > 0) throw new Error(`No single ${file}.js`);
      return `new URL("./${relative(dirname(name), built)}"`;
    });
    if (resolved !== code) writeFileSync(join(dist, name), resolved);
  }
}

/** Copies each folder of `new URL('./page/', import.meta.url)`, whose files are not bundled. */
function copyFolders({ folder }: Package): void {
  const dist = join(folder, 'dist');
  for (const name of globSync('**/*.js', { cwd: dist })) {
    const code = readFileSync(join(dist, name), 'utf8');
    for (const [, wanted = ''] of code.matchAll(URL_OF_FOLDER)) {
      const [source, ...others] = globSync(`src/**/${wanted}`, { cwd: folder });
      if (source === undefined || others.length > 0) throw new Error(`No single ${wanted}/`);
      cpSync(join(folder, source), join(dist, dirname(name), wanted), { recursive: true });
    }
  }
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
