import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { listPackages, ROOT } from '../../scripts/packages.ts';

const packages = listPackages();

/** Everything that prose may name, for example `@spendcap/core/policy.schema.json`. */
const published = new Set(
  packages.flatMap(({ manifest }) =>
    Object.keys(manifest.exports).map((subpath) => manifest.name + subpath.slice(1)),
  ),
);
const SOURCE_CONDITION = '@spendcap/source';
/**
 * Entries that are a file: shared types, the program of a worker thread, the texts of a language.
 */
const ONE_FILE = /^\.\/(wire|stores\/sqlite\/worker|languages\/[\w-]+)$/;

// `npm pack` packs a private workspace too when it is named, and `npm publish` refuses it.
it('the workspaces that can be published are the packages, and no example', () => {
  const manifests = globSync('{packages,examples}/*/package.json', { cwd: ROOT });
  const isPublic = (file: string) =>
    JSON.parse(readFileSync(join(ROOT, file), 'utf8')).private !== true;
  const folders = manifests.filter(isPublic).map((file) => dirname(file));
  expect(folders.toSorted()).toEqual(packages.map(({ id }) => `packages/${id}`).toSorted());
  expect(manifests.length).toBeGreaterThan(folders.length);
});

describe.each(packages)('$manifest.name', ({ id, folder, manifest }) => {
  it('says what it is for, and where its sources and bugs are', () => {
    const { keywords, homepage, repository, bugs } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    const home = 'https://github.com/spendcap/spendcap';
    expect(keywords).toContain('in-app-purchase');
    expect(repository).toMatchObject({ url: `git+${home}.git`, directory: `packages/${id}` });
    expect([homepage, bugs]).toEqual([`${home}/tree/main/packages/${id}#readme`, `${home}/issues`]);
  });

  const modules = Object.entries(manifest.exports).filter(([, to]) => typeof to === 'object');

  it.each(modules)('exports %s from one source file, built in the same place', (_, target) => {
    if (typeof target === 'string') throw new Error('not a module');
    const name = /^\.\/src\/(.+)\.ts$/.exec(target[SOURCE_CONDITION])?.[1];
    expect(existsSync(join(folder, target[SOURCE_CONDITION]))).toBe(true);
    expect(target).toEqual({
      [SOURCE_CONDITION]: `./src/${name}.ts`,
      types: { require: `./dist/${name}.d.cts`, default: `./dist/${name}.d.ts` },
      default: `./dist/${name}.js`,
    });
  });

  it.each(modules)('exports %s from the folder of that name', (subpath, target) => {
    if (typeof target === 'string') throw new Error('not a module');
    const path = subpath.slice(2);
    const inFolder = `./src/${path === '' ? '' : `${path}/`}index.ts`;
    expect(target[SOURCE_CONDITION]).toBe(ONE_FILE.test(subpath) ? `./src/${path}.ts` : inFolder);
  });

  it('lists by name what its index exports', () => {
    const file = join(folder, 'src', 'index.ts');
    const { statements } = ts.createSourceFile(
      file,
      readFileSync(file, 'utf8'),
      ts.ScriptTarget.Latest,
    );
    expect(statements.length).toBeGreaterThan(0);
    const others = statements.filter(
      (statement) =>
        !ts.isExportDeclaration(statement) ||
        statement.exportClause === undefined ||
        !ts.isNamedExports(statement.exportClause),
    );
    expect(others.map((statement) => ts.SyntaxKind[statement.kind])).toEqual([]);
  });
});

describe('names in prose and code', () => {
  const files = globSync(
    [
      'packages/*/src/**/*.ts',
      'examples/*/**/*.{ts,md,json}',
      'docs/**/*.md',
      '*.md',
      'packages/*/*.md',
    ],
    { cwd: ROOT, exclude: (path) => /node_modules|dist/.test(path) },
  );

  it('are real exports', () => {
    const unknown = files.flatMap((file) => {
      const names = namesIn(readFileSync(join(ROOT, file), 'utf8'));
      return names.filter((name) => !published.has(name)).map((name) => `${file}: ${name}`);
    });
    expect(files.length).toBeGreaterThan(10);
    expect(unknown).toEqual([]);
  });

  it('are found wherever they are', () => {
    const text =
      "from '@spendcap/core/nothing'; see `@spendcap/server/stores/memory`, @spendcap/core.";
    expect(namesIn(text)).toEqual([
      '@spendcap/core/nothing',
      '@spendcap/server/stores/memory',
      '@spendcap/core',
    ]);
  });
});

function namesIn(text: string): readonly string[] {
  const names = text.match(/@spendcap\/[a-z]+(?:\/[a-z]+(?:[.-][a-zA-Z]+)*)*/g) ?? [];
  return names.filter((name) => name !== SOURCE_CONDITION);
}
