import { globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

/** The parts of a package.json that scripts and tests read. */
export interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | ModuleTarget>>;
  readonly bin?: Readonly<Record<string, string>>;
}

interface ModuleTarget {
  readonly '@spendcap/source': string;
  readonly types: { readonly require: string; readonly default: string };
  readonly default: string;
}

/** A published package: folder name, folder path and manifest. */
export interface Package {
  readonly id: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** A built file: its name under dist/ without extension, and its source. */
export interface Entry {
  readonly output: string;
  readonly source: string;
}

export function listPackages(): readonly Package[] {
  const parent = join(ROOT, 'packages');
  return readdirSync(parent).map((name) => {
    const folder = join(parent, name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const exports = expandPatterns(folder, manifest.exports);
    return { id: basename(folder), folder, manifest: { ...manifest, exports } };
  });
}

/** One entry for each file that a pattern such as `./languages/*` matches. */
function expandPatterns(folder: string, exports: Manifest['exports']): Manifest['exports'] {
  const entries = Object.entries(exports).flatMap(([subpath, target]) => {
    if (typeof target === 'string' || !subpath.includes('*')) return [[subpath, target] as const];
    const [start = '', end = ''] = target['@spendcap/source'].split('*');
    const names = globSync(`${start}*${end}`, { cwd: folder })
      .sort()
      .map((file) => basename(file, end));
    return names.map((name) => {
      const filled = JSON.stringify(target).replaceAll('*', name);
      return [subpath.replace('*', name), JSON.parse(filled) as ModuleTarget] as const;
    });
  });
  return Object.fromEntries(entries);
}

/** The arguments of `npm pack` that leave out the examples, which are workspaces as well. */
export const PACKED = listPackages().map(({ id }) => `--workspace=packages/${id}`);

/** The importable module names of a package, for example `@spendcap/core/wire`. */
export function moduleNames({ manifest }: Package): readonly string[] {
  return Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath]) => manifest.name + subpath.slice(1));
}

/**
 * The files to build, derived from `exports` and `bin`. A program has the same path under src/ as
 * under dist/.
 */
export function builtEntries({ manifest }: Package): { modules: Entry[]; programs: Entry[] } {
  const modules = Object.values(manifest.exports)
    .filter((target) => typeof target === 'object')
    .map((target) => ({ output: outputName(target.default), source: target['@spendcap/source'] }));
  const programs = Object.values(manifest.bin ?? {}).map((path) => ({
    output: outputName(path),
    source: `./src/${outputName(path)}.ts`,
  }));
  return { modules, programs };
}

function outputName(path: string): string {
  return path.replace(/^\.\/dist\//, '').replace(/\.js$/, '');
}
