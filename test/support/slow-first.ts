import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes tens of seconds, most of it in small files. */
const FOLDERS = 'simulation|faults|linearizability|properties|conformance|e2e|examples';
const FILES = 'payments/histories|cli/cli|cli/reconcile|package/packed';
const SLOW = new RegExp(`/test/(?:${FOLDERS})/|-mutation\\.test|/(?:${FILES})\\.test`);

/**
 * Runs the slow files first, so that none is left for a single worker at the end. vitest orders
 * files by their last duration, but on a clean clone, where it knows none, by size.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
