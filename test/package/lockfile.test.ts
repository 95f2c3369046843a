import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
const locked: Record<string, Locked> = read('package-lock.json').packages;
const allowed: Record<string, boolean> = read('package.json').allowScripts;

describe('package-lock.json', () => {
  const installed = Object.entries(locked).filter(
    ([path, { link }]) => path.includes('node_modules/') && link !== true,
  );

  it('names no address, so that any registry may serve it', () => {
    expect(installed.length).toBeGreaterThan(100);
    const addresses = Object.values(locked).filter(({ resolved }) => resolved?.includes(':'));
    expect(addresses).toEqual([]);
  });

  it('pins what every package contains', () => {
    expect(installed.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
  });

  it('holds every optional dependency, without which npm ci refuses it', () => {
    const names = new Set(installed.map(([path]) => nameAt(path)));
    const optional = installed.flatMap(([, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies),
    );
    expect(optional.length).toBeGreaterThan(10);
    expect(optional.filter((name) => !names.has(name))).toEqual([]);
  });

  it('brings no install script that is not allowed by name', () => {
    const scripted = installed
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => nameAt(path));
    expect(scripted).toContain('node');
    expect(scripted.filter((name) => allowed[name] === undefined)).toEqual([]);
  });
});

function nameAt(path: string): string {
  const parent = 'node_modules/';
  return path.slice(path.lastIndexOf(parent) + parent.length);
}
