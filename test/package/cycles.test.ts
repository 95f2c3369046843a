import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../../scripts/packages.ts';
import { importsOf } from './imports.ts';

type Graph = ReadonlyMap<string, readonly string[]>;

/** A way through the graph that returns to its first file; `null` if there is none. */
function cycleIn(graph: Graph): readonly string[] | null {
  const finished = new Set<string>();
  const follow = (file: string, path: readonly string[]): readonly string[] | null => {
    const start = path.indexOf(file);
    if (start !== -1) return [...path.slice(start), file];
    if (finished.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const cycle = follow(next, [...path, file]);
      if (cycle !== null) return cycle;
    }
    finished.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const cycle = follow(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

// Types count too: what cannot be read without the other is one piece in two files.
it('no source file imports itself through others', () => {
  const files = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: ROOT });
  expect(files.length).toBeGreaterThan(100);
  const graph = new Map(
    files.map((file) => {
      const imports = importsOf(join(ROOT, file), readFileSync(join(ROOT, file), 'utf8'), ROOT);
      return [file, imports.map(({ target }) => target).filter((name) => files.includes(name))];
    }),
  );
  expect(cycleIn(graph)).toBeNull();
});

it('a cycle of two and of three is found, and a diamond is none', () => {
  const graph = (...edges: [string, string[]][]) => new Map(edges);
  expect(cycleIn(graph(['a', ['b']], ['b', ['a']]))).toEqual(['a', 'b', 'a']);
  expect(cycleIn(graph(['x', ['a']], ['a', ['b']], ['b', ['c']], ['c', ['a']]))).toEqual([
    ...['a', 'b', 'c', 'a'],
  ]);
  expect(cycleIn(graph(['a', ['b', 'c']], ['b', ['d']], ['c', ['d']], ['d', []]))).toBeNull();
});
