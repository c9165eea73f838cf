// What all pools have in common, on platforms that vitest does not run on. The program is built with
// `shim.ts` in the place of vitest.
import { runTests } from './shim.js';

export { testPool } from '../../helpers/test-pool.js';

/** Runs the cases that `declare` declares, by `testPool`. Rejects with those that failed. */
export async function runContract(declare: () => void): Promise<void> {
  declare();
  const { count, failed } = await runTests();
  if (count === 0) throw new Error('the contract suite has no cases');
  if (failed.length === 0) return;
  const cases = failed.map(({ title, error }) => `${title}\n${error}`);
  throw new Error(`${failed.length} of ${count} cases failed:\n${cases.join('\n')}`);
}
