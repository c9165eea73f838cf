import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { long } from '../../helpers/long.js';
import { faults } from './faults.js';
import { atRest, workerPool } from './pools.js';
import { leavingNoThread } from './sequence.js';

const FAULTS = long ? 1000 : 50;

test(`after ${FAULTS} random faults everything else was answered, and nothing is left`, async () => {
  const [chosen = []] = fc.sample(
    fc.array(fc.constantFrom(...Object.values(faults)), { minLength: FAULTS, maxLength: FAULTS }),
    1,
  );
  await leavingNoThread(async () => {
    const pool = await workerPool({ max: 4 });
    let [failed, answered] = [0, 0];
    const borrower = async () => {
      for (let fault = chosen.pop(); fault !== undefined; fault = chosen.pop()) {
        const [call, expected] = fault;
        const others = [pool.run.sum(failed, 1), pool.run.sumLater(failed, 2)];
        const error = await failure(call(pool));
        expect([error.code, error.name]).toContain(expected);
        failed++;
        await Promise.all(others);
        answered += others.length;
      }
    };
    await Promise.all(Array.from({ length: 12 }, borrower));
    expect([failed, answered]).toEqual([FAULTS, 2 * FAULTS]);
    await atRest(pool);
    expect(pool.stats().createErrors).toBe(0);
    await pool.close();
  });
}, 1_200_000);
