import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { long } from '../../helpers/long.js';
import { guest } from './guest.js';
import { type Tasks, tasks, warmUp } from './pools.js';
import { leavingNoThread, runSequence, setups, steps } from './sequence.js';

test('whatever the calls do, each has its own outcome, and runs once and alone', async () => {
  await fc.assert(
    fc.asyncProperty(setups, fc.array(steps, { minLength: 20, maxLength: 60 }), (setup, all) =>
      leavingNoThread(async () => {
        const options = { ...setup, module: tasks() };
        await using pool = await createWasmWorkerPool<Tasks>(guest, options);
        await pool.use(warmUp);
        await runSequence(pool, all);
        const { size, available, borrowed, pending, createErrors } = pool.stats();
        expect([available, borrowed, pending, createErrors]).toEqual([size, 0, 0, 0]);
      }),
    ),
    { numRuns: long ? 400 : 12, endOnFailure: true },
  );
});
