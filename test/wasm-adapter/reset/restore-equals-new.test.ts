import { createWasmPool } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { wat } from '../../helpers/wat.js';
import { type Call, guests, isError, outcomes } from './guests.js';

const plans = (growing: boolean) =>
  guests(growing).chain((guest) =>
    fc.record({
      text: fc.constant(guest.text),
      onCreate: guest.calls,
      borrowers: fc.array(fc.record({ calls: guest.calls, throws: fc.boolean() }), {
        minLength: 2,
        maxLength: 4,
      }),
    }),
  );

/** The calls that do not trap: with one that does, no instance is made. */
function sound(module: WebAssembly.Module, calls: readonly Call[]): Call[] {
  const { exports } = new WebAssembly.Instance(module);
  return calls.filter((call) => outcomes(exports, [call]).every((outcome) => !isError(outcome)));
}

/** What a new instance, set up in the same way, comes to with the same calls. */
function anew(module: WebAssembly.Module, onCreate: readonly Call[], calls: readonly Call[]) {
  const instance = new WebAssembly.Instance(module);
  outcomes(instance.exports, onCreate);
  return outcomes(instance.exports, calls);
}

test('a restored instance, whatever is called of it, is like a new one', async () => {
  let restored = 0;
  await fc.assert(
    fc.asyncProperty(plans(false), async ({ text, onCreate: setUp, borrowers }) => {
      const bytes = wat(text);
      const module = new WebAssembly.Module(bytes);
      const onCreate = sound(module, setUp);
      await using pool = await createWasmPool(bytes, {
        max: 1,
        reset: 'restore',
        onCreate: ({ exports }) => outcomes(exports, onCreate),
      });
      for (const { calls, throws } of borrowers) {
        let seen: unknown[] = [];
        const loan = pool.use(({ exports }) => {
          seen = outcomes(exports, calls);
          if (throws) throw new Error('own');
        });
        await loan.catch(() => {});
        expect(seen).toEqual(anew(module, onCreate, calls));
      }
      const { destroyedBy } = pool.stats();
      // Nothing grows here: what is replaced either trapped, or could never be restored.
      if (pool.restoreBlockers.length === 0) expect(destroyedBy).not.toHaveProperty('unrestorable');
      restored += pool.stats().acquired - pool.stats().destroyed;
      expectAtRest(pool);
    }),
    { numRuns: 300 },
  );
  expect(restored).toBeGreaterThan(100); // or this would have shown nothing
});

test('an instance whose memories or tables grew is like a new one, for it is one', async () => {
  await fc.assert(
    fc.asyncProperty(plans(true), async ({ text, onCreate: setUp, borrowers }) => {
      const bytes = wat(text);
      const module = new WebAssembly.Module(bytes);
      const onCreate = sound(module, setUp);
      await using pool = await createWasmPool(bytes, {
        max: 1,
        reset: 'restore',
        onCreate: ({ exports }) => outcomes(exports, onCreate),
      });
      for (const { calls } of borrowers) {
        const seen = await pool.use(({ exports }) => outcomes(exports, calls));
        expect(seen).toEqual(anew(module, onCreate, calls));
      }
      expectAtRest(pool);
    }),
    { numRuns: 200 },
  );
});

test('a fresh instance is like a new one', async () => {
  await fc.assert(
    fc.asyncProperty(plans(true), async ({ text, onCreate: setUp, borrowers }) => {
      const bytes = wat(text);
      const module = new WebAssembly.Module(bytes);
      const onCreate = sound(module, setUp);
      await using pool = await createWasmPool(bytes, {
        reset: 'fresh',
        onCreate: ({ exports }) => outcomes(exports, onCreate),
      });
      for (const { calls } of borrowers) {
        const seen = await pool.use(({ exports }) => outcomes(exports, calls));
        expect(seen).toEqual(anew(module, onCreate, calls));
      }
    }),
    { numRuns: 50 },
  );
});
