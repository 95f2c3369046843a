import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';

/** The faults that a user's file has under their compiler options. */
function faultsOf(source: string, options: ts.CompilerOptions): readonly string[] {
  const file = join(ROOT, 'test', 'core', 'user-program.ts');
  const all: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    customConditions: ['@spendcap/source'],
    allowImportingTsExtensions: true,
    noEmit: true,
    types: [],
    ...options,
  };
  const host = ts.createCompilerHost(all);
  const { getSourceFile } = host;
  host.fileExists = (name) => name === file || ts.sys.fileExists(name);
  host.getSourceFile = (name, version) =>
    name === file
      ? ts.createSourceFile(name, source, version)
      : getSourceFile.call(host, name, version);
  const program = ts.createProgram([file], all, host);
  return program
    .getSemanticDiagnostics(program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const PROGRAM = `
import type { Decision, Reason, Refused, Reservation } from '@spendcap/core/wire';

export function afterAllowed(decision: Reservation | Refused): readonly Reason[] | string {
  if (decision.allowed) return decision.purchase.id;
  return decision.reasons;
}
export function afterRefused(decision: Reservation | Refused): readonly Reason[] | string {
  if (!decision.allowed) return decision.reasons;
  return decision.purchase.id;
}
export function preview(decision: Decision): readonly Reason[] {
  return decision.allowed ? [] : decision.reasons;
}
`;

// `next build` writes `strict: false` where there is no tsconfig.json.
test.each([
  { strict: false },
  { strict: true, strictNullChecks: false },
  { strict: true },
  { strict: true, exactOptionalPropertyTypes: true },
])('a decision is narrowed by `allowed` under %o', (options) => {
  expect(faultsOf(PROGRAM, options)).toEqual([]);
});

test.each([{ strict: false }, { strict: true }])(
  'a purchase is not read from a decision that was not looked at, under %o',
  (options) => {
    const careless = `
import type { Refused, Reservation } from '@spendcap/core/wire';
export const idOf = (decision: Reservation | Refused) => decision.purchase.id;
`;
    expect(faultsOf(careless, options)).toEqual([expect.stringContaining("'purchase'")]);
  },
);
