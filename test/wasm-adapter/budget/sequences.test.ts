// Pools that share a budget, whatever their borrowers and their instances do.
import { setTimeout as sleep } from 'node:timers/promises';
import { createWasmPoolFactory, type WasmInstance, type WasmPool } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectWithin, make, PAGE, type Sized } from './guests.js';

const budgets = fc.record({
  maxInstances: fc.constantFrom(0, 2, 4),
  maxTotalMemoryBytes: fc.constantFrom(0, 12 * PAGE, 20 * PAGE),
});

const options = fc.record({
  max: fc.nat(3),
  reset: fc.constantFrom('reuse' as const, 'restore' as const, 'fresh' as const),
  maxMemoryBytes: fc.constantFrom(0, 6 * PAGE),
  idleTimeoutMillis: fc.constantFrom(0, 5),
});

/** What becomes of instances that are made from now on. */
const makings = {
  work: () => {},
  fail: () => Promise.reject(new Error('not now')),
  take: () => sleep(2),
  hang: () => new Promise(() => {}),
};

const steps = fc.record({
  do: fc.oneof(
    { weight: 4, arbitrary: fc.constant('acquire' as const) },
    { weight: 4, arbitrary: fc.constantFrom('release' as const, 'destroy' as const) },
    { weight: 2, arbitrary: fc.constantFrom('grow' as const, 'wait' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...(Object.keys(makings) as (keyof typeof makings)[])),
    },
  ),
  which: fc.nat(),
  millis: fc.integer({ min: 1, max: 4 }),
});

interface Loan {
  readonly pool: WasmPool<Sized>;
  readonly instance: WasmInstance<Sized>;
}

test('whatever happens, the budget is what the pools have, and every one of them goes on', async () => {
  const threeOf = fc.tuple(options, options, options);
  const sequences = fc.array(steps, { minLength: 20, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(budgets, threeOf, sequences, async (limits, optionsOf, sequence) => {
      await using factory = createWasmPoolFactory(limits);
      let making: keyof typeof makings = 'work';
      const onCreate = () => makings[making]();
      const pools: WasmPool<Sized>[] = [];
      for (const [index, each] of optionsOf.entries()) {
        const pages = [1, 2, 5][index] as number;
        const all = { ...each, onCreate, createTimeoutMillis: 4, evictionRunIntervalMillis: 5 };
        pools.push(await make(factory, `${pages}`, pages, all));
      }

      const loans: Loan[] = [];
      const waiting: Promise<unknown>[] = [];
      for (const { do: what, which, millis } of sequence) {
        const pool = pools[which % pools.length] as WasmPool<Sized>;
        const loan = loans[which % loans.length];
        if (what === 'acquire') {
          const acquired = pool.acquire({ timeoutMillis: 2 * millis });
          waiting.push(acquired.then((instance) => loans.push({ pool, instance })).catch(() => {}));
        } else if (what === 'wait') await sleep(millis);
        else if (what in makings) making = what as keyof typeof makings;
        else if (loan === undefined) continue;
        else if (what === 'grow') loan.instance.exports.grow(millis);
        else {
          loans.splice(loans.indexOf(loan), 1);
          await loan.pool[what as 'release' | 'destroy'](loan.instance);
        }
      }

      making = 'work';
      await Promise.all(waiting);
      await sleep(10); // what hangs has timed out by then
      for (const { pool, instance } of loans) await pool.release(instance);
      for (const pool of pools) await pool.use(() => {}, { timeoutMillis: 100_000 });
      const held = pools.reduce((sum, { size }) => sum + size, 0);
      expect(factory.stats().instances).toBe(held);
      expectWithin(factory);
      await factory.close();
      const left = factory.stats();
      expect(left).toMatchObject({ instances: 0, memoryBytes: 0, modules: 0, pools: [] });
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
