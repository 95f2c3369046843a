const steps: (() => void)[] = [];
const runAll = (): void => {
  for (const step of steps.splice(0).reverse()) step();
};

process.once('exit', runAll);
// Only modules that vitest runs have `env`; the variable VITEST would reach child processes too.
if ('env' in import.meta) {
  // vitest kills its workers, so `exit` is not emitted in them.
  const { afterAll } = await import('vitest');
  afterAll(runAll);
}

/** Runs a step once the test file that imports this, or else the process, has ended. */
export function atEnd(step: () => void): void {
  steps.push(step);
}
