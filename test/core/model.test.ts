import fc from 'fast-check';
import { expect, test } from 'vitest';
import { long } from '../helpers/long.js';
import { Clock } from './model/clock.js';
import { Run } from './model/run.js';
import { scenario } from './model/scenario.js';

// model/scenario.ts says what happens, model/reference.ts and its parts what has to come of it, and
// model/run.ts does it to both. A failure prints the seed, and the least scenario that fails.
const RUNS = Number(process.env.MODEL_RUNS ?? (long ? 2500 : 500));

let commands = 0;

test('a pool does what the model of it does, whatever its borrowers and its factory do', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const clock = new Clock();
      clock.install();
      try {
        commands += await Run.all(given, clock);
      } finally {
        clock.uninstall();
      }
    }),
    { numRuns: RUNS },
  );
  expect(commands).toBeGreaterThan(RUNS * 40); // in the long form, 100,000
});
