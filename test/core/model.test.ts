import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Clock } from './model/clock.js';
import { scenario } from './model/operations.js';
import { Run } from './model/run.js';

const RUNS = Number(process.env.MODEL_RUNS ?? 2500);

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
  expect(commands).toBeGreaterThan(100_000);
}, 120_000);
