// What Stryker does not change. It has no plugins for that, so this reaches into its list.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../packages.ts';

interface Node {
  readonly type: string;
  readonly value?: unknown;
}

interface Mutator {
  readonly name: string;
  mutate(path: { readonly node: Node; readonly key: unknown }): Iterable<Node>;
}

/** Leaves out a call or an assignment. */
const statement: Mutator = {
  name: 'Statement',
  *mutate({ node }) {
    if (node.type === 'ExpressionStatement') yield { type: 'EmptyStatement' };
  },
};

/** Adds one to a number. */
const nextNumber: Mutator = {
  name: 'Number',
  *mutate({ node, key }) {
    if (node.type !== 'NumericLiteral' || key === 'key') return;
    yield { type: 'NumericLiteral', value: Number(node.value) + 1 };
  },
};

/** Makes Stryker use these as well. */
export async function addMutators(): Promise<void> {
  const folder = 'node_modules/@stryker-mutator/instrumenter/dist/src/mutators/index.js';
  const { allMutators } = (await import(pathToFileURL(join(ROOT, folder)).href)) as {
    readonly allMutators: Mutator[];
  };
  allMutators.push(statement, nextNumber);
}
