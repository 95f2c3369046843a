import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

/** What the scripts and tests read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | ModuleTarget>>;
  readonly bin?: Readonly<Record<string, string>>;
}

interface ModuleTarget {
  readonly '@spendcap/source': string;
  readonly types: string;
  readonly default: string;
}

/** A published package: its folder's name, the folder, and its manifest. */
export interface Package {
  readonly id: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** One file that is built: its name under dist/, without extension, and its source. */
export interface Entry {
  readonly output: string;
  readonly source: string;
}

export function listPackages(): readonly Package[] {
  const parent = join(ROOT, 'packages');
  return readdirSync(parent).map((name) => {
    const folder = join(parent, name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    return { id: basename(folder), folder, manifest };
  });
}

/** The importable names of a package that are modules, as `@spendcap/core/wire`. */
export function moduleNames({ manifest }: Package): readonly string[] {
  return Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath]) => manifest.name + subpath.slice(1));
}

/**
 * What is built, read off `exports` and `bin` so that it cannot drift from them. A program's source
 * lies under src/ where its output lies under dist/.
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
