import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take tens of seconds, most of them small: vitest would run these last. */
const SLOW =
  /\/test\/(?:simulation|faults|linearizability|properties|conformance|e2e|examples)\/|-mutation\.test|\/packed\.test/;

/**
 * Runs the slow files first, so that no worker is left with one at the end. vitest orders files by how
 * long they took last time, but on a clean clone, where it does not know, by size.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
