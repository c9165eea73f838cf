// Any module, initialised by any calls, then copied: the copy answers any further calls as the
// original would.
import { createWasmPool, createWasmSnapshot, WasmError } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { long } from '../../helpers/long.js';
import { wat } from '../../helpers/wat.js';
import { type Call, guests, isError, outcomes } from '../reset/guests.js';

const plans = guests(true).chain((guest) =>
  fc.record({
    text: fc.constant(guest.text),
    setUp: guest.calls,
    borrowers: fc.array(guest.calls, { minLength: 1, maxLength: 3 }),
  }),
);

/** The calls that do not trap: with one that does, nothing is prepared. */
function sound(module: WebAssembly.Module, calls: readonly Call[]): Call[] {
  const { exports } = new WebAssembly.Instance(module);
  return calls.filter((call) => outcomes(exports, [call]).every((outcome) => !isError(outcome)));
}

/** What the original, prepared in the same way, comes to with the same calls. */
function original(module: WebAssembly.Module, setUp: readonly Call[], calls: readonly Call[]) {
  const instance = new WebAssembly.Instance(module);
  outcomes(instance.exports, setUp);
  return outcomes(instance.exports, calls);
}

/** Undefined where the state is refused, which has to be for a reason that is known. */
async function unlessRefused<R>(work: Promise<R>): Promise<R | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof WasmError) || error.code !== 'ERR_WASM_SNAPSHOT') throw error;
    expect(error.message).toMatch(
      /(global|element) \d+.* holds (a NaN|an object of the host|Symbol)|code that may drop/,
    );
    return undefined;
  }
}

test.each(['reuse', 'restore', 'fresh'] as const)(
  'a copy is like the original, with reset %s',
  async (reset) => {
    let copied = 0;
    await fc.assert(
      fc.asyncProperty(plans, async ({ text, setUp, borrowers }) => {
        const bytes = wat(text);
        const module = new WebAssembly.Module(bytes);
        const calls = sound(module, setUp);
        const pool = await unlessRefused(
          createWasmPool(bytes, {
            reset,
            maxUses: reset === 'reuse' ? 1 : 0,
            preinitialize: ({ exports }) => void outcomes(exports, calls),
          }),
        );
        if (pool === undefined) return;
        await using open = pool;
        for (const borrower of borrowers) {
          const seen = await open.use(({ exports }) => outcomes(exports, borrower));
          expect(seen).toEqual(original(module, calls, borrower));
          copied++;
        }
        expectAtRest(pool);
      }),
      { numRuns: long ? 1000 : 80 },
    );
    expect(copied).toBeGreaterThan(20); // or this would have shown nothing
  },
);

test('a copy whose loader has run its code, and changed its state, is like the original', async () => {
  let copied = 0;
  await fc.assert(
    fc.asyncProperty(plans, fc.nat(), async ({ text, setUp, borrowers }, some) => {
      const bytes = wat(text);
      const module = new WebAssembly.Module(bytes);
      const calls = sound(module, setUp);
      const loaders = calls.slice(0, some % (calls.length + 1)); // a loader makes some of the calls
      const pool = await unlessRefused(
        createWasmPool(bytes, {
          maxUses: 1,
          instantiate(_, instance) {
            const { exports } = instance.link({});
            outcomes(exports, loaders);
            return exports;
          },
          preinitialize: ({ exports }) => void outcomes(exports, calls.slice(loaders.length)),
        }),
      );
      if (pool === undefined) return;
      await using open = pool;
      for (const borrower of borrowers) {
        const seen = await open.use(({ exports }) => outcomes(exports, borrower));
        expect(seen).toEqual(original(module, calls, borrower));
        copied++;
      }
    }),
    { numRuns: long ? 1000 : 80 },
  );
  expect(copied).toBeGreaterThan(20);
});

test('a copy of a snapshot that was written and read is like the original', async () => {
  let copied = 0;
  await fc.assert(
    fc.asyncProperty(plans, async ({ text, setUp, borrowers }) => {
      const bytes = wat(text);
      const module = new WebAssembly.Module(bytes);
      const calls = sound(module, setUp);
      const snapshot = await unlessRefused(
        createWasmSnapshot(bytes, {
          preinitialize: ({ exports }) => void outcomes(exports, calls),
        }),
      );
      if (snapshot === undefined) return;
      await using pool = await createWasmPool(bytes, { snapshot, maxUses: 1 });
      for (const borrower of borrowers) {
        const seen = await pool.use(({ exports }) => outcomes(exports, borrower));
        expect(seen).toEqual(original(module, calls, borrower));
        copied++;
      }
    }),
    { numRuns: long ? 1000 : 60 },
  );
  expect(copied).toBeGreaterThan(15);
});
