// Plugins of Stryker, which imports this file into each of its processes.
import { appendFileSync } from 'node:fs';
import { type Checker, CheckStatus } from '@stryker-mutator/api/check';
import type { Mutant, StrykerOptions } from '@stryker-mutator/api/core';
import type { Ignorer } from '@stryker-mutator/api/ignore';
import {
  commonTokens,
  declareFactoryPlugin,
  declareValuePlugin,
  PluginKind,
} from '@stryker-mutator/api/plugin';
import type { Reporter } from '@stryker-mutator/api/report';
import { describeMutant, isMissed, isTested, resultLine } from './report.ts';
import { isDrawn, type Sample } from './sample.ts';

/** Passes only the mutants that are drawn: the others are not run. */
function sampleChecker(options: StrykerOptions): Checker {
  const sample = options.sample as Sample;
  const check = (mutant: Mutant) =>
    isDrawn(sample, mutant)
      ? ({ status: CheckStatus.Passed } as const)
      : ({ status: CheckStatus.CompileError, reason: 'not drawn' } as const);
  return {
    init: async () => undefined,
    check: async (mutants) =>
      Object.fromEntries(mutants.map((mutant) => [mutant.id, check(mutant)])),
    group: async (mutants) => [mutants.map(({ id }) => id)],
  };
}
sampleChecker.inject = [commonTokens.options] as [typeof commonTokens.options];

/** A message's wording is not behaviour. What programs read has no blanks. */
const messages: Ignorer = {
  shouldIgnore(path) {
    const { node } = path as BabelPath;
    const isText =
      (node.type === 'StringLiteral' && /\s/.test(String(node.value))) ||
      (node.type === 'TemplateLiteral' && /\s/.test(JSON.stringify(node.quasis)));
    return isText ? 'a message' : undefined;
  },
};

/** In `{ id: true, amount: true }`, a list of known names, only the names are ever read. */
const names: Ignorer = {
  shouldIgnore(path) {
    const { node, parentPath } = path as BabelPath;
    const list = parentPath?.parentPath;
    if (node.type !== 'BooleanLiteral' || list?.node.type !== 'ObjectExpression') return undefined;
    const owner = list.parentPath?.node as { callee?: { name?: string }; id?: object } | undefined;
    const isChecked = /^(?:checkFields|assertOptions)$/.test(owner?.callee?.name ?? '');
    const isTyped = JSON.stringify(owner?.id ?? '').includes('"OptionNames"');
    return isChecked || isTyped ? 'the value of a name' : undefined;
  },
};

interface BabelPath {
  readonly node: Readonly<Record<string, unknown>>;
  readonly parentPath: BabelPath | null;
}

/**
 * Prints each change that no test notices as soon as it is known, and adds each one that was tested
 * to the file of `--results`: a run that is interrupted leaves what it knew.
 */
function asTheyCome(options: StrykerOptions): Reporter {
  const file = options.results as string;
  return {
    onMutantTested(mutant) {
      if (isMissed(mutant)) console.log(describeMutant(mutant));
      if (file !== '' && isTested(mutant)) appendFileSync(file, resultLine(mutant));
    },
  };
}
asTheyCome.inject = [commonTokens.options] as [typeof commonTokens.options];

export const strykerPlugins = [
  declareFactoryPlugin(PluginKind.Checker, 'sample', sampleChecker),
  declareValuePlugin(PluginKind.Ignore, 'messages', messages),
  declareValuePlugin(PluginKind.Ignore, 'names', names),
  declareFactoryPlugin(PluginKind.Reporter, 'as-they-come', asTheyCome),
];

export const strykerValidationSchema = {
  properties: { sample: { type: 'object' }, results: { type: 'string' } },
};
