import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../../scripts/packages.ts';

/** A folder of a user, in which the packages are installed. */
export interface Consumer {
  readonly folder: string;
  /** The modules that can be imported. */
  readonly names: readonly string[];
}

const COMMON: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules', '@types')],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  // Also checks that every inferred type can be named by a user.
  declaration: true,
  noEmit: true,
};

const { NodeNext, Node16, ESNext } = ts.ModuleKind;

/**
 * How the projects of users are set up. `.cts` is CommonJS, as is all without `"type": "module"`.
 */
export const SETTINGS: Readonly<
  Record<string, { readonly options: ts.CompilerOptions; readonly extensions: readonly string[] }>
> = {
  nodenext: { options: { module: NodeNext }, extensions: ['mts', 'cts'] },
  node16: { options: { module: Node16 }, extensions: ['mts', 'cts'] },
  bundler: {
    options: { module: ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
    extensions: ['mts'],
  },
  'nodenext without strictNullChecks': {
    options: { module: NodeNext, strictNullChecks: false, exactOptionalPropertyTypes: false },
    extensions: ['mts', 'cts'],
  },
};

/** Writes the programs that `faultsOf` compiles: one that imports everything, and a shop. */
export function writePrograms({ folder, names }: Consumer): void {
  const all = names.map((name, index) => `export * as module${index} from '${name}';\n`).join('');
  for (const extension of ['mts', 'cts']) {
    writeFileSync(join(folder, `all.${extension}`), all);
    copyFileSync(join(import.meta.dirname, 'shop.ts'), join(folder, `shop.${extension}`));
  }
}

/** A folder inside, where `stripe` is the package installed as `alias`. */
export function withStripe({ folder, names }: Consumer, alias: string): Consumer {
  const inner = join(folder, `with-${alias}`);
  mkdirSync(join(inner, 'node_modules'), { recursive: true });
  symlinkSync(join(folder, 'node_modules', alias), join(inner, 'node_modules', 'stripe'), 'dir');
  return { folder: inner, names };
}

/** The faults of the programs and of the packages' types; those of other packages are not ours. */
export function faultsOf({ folder }: Consumer, setting: string): readonly string[] {
  const { options, extensions } = SETTINGS[setting] as (typeof SETTINGS)[string];
  const roots = extensions.flatMap((end) => [
    join(folder, `all.${end}`),
    join(folder, `shop.${end}`),
  ]);
  const program = ts.createProgram(roots, { ...COMMON, ...options });
  const sources = program.getSourceFiles();
  const ours = sources.filter(
    ({ fileName }) => roots.includes(fileName) || fileName.includes('/node_modules/@spendcap/'),
  );
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...ours.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
    ...roots.flatMap((root) => program.getDeclarationDiagnostics(program.getSourceFile(root))),
  ];
  return found.map((fault) => textOf(fault, folder));
}

function textOf({ file, start = 0, messageText, code }: ts.Diagnostic, folder: string): string {
  const text = ts.flattenDiagnosticMessageText(messageText, '\n');
  if (file === undefined) return `TS${code}: ${text}`;
  const { line } = file.getLineAndCharacterOfPosition(start);
  return `${file.fileName.replace(`${folder}/`, '')}:${line + 1} TS${code}: ${text}`;
}
