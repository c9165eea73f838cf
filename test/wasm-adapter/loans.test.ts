// A loan that is over stays over: what was kept of it, host functions that go on, traps that hosts catch.
import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';
import { wat } from '../helpers/wat.js';

const NOT_LENT = expect.objectContaining({ code: 'ERR_WASM_NOT_LENT' });

const keeper = wat(`(module (memory (export "memory") 1)
  (func (export "put") (param i32) (i32.store (i32.const 0) (local.get 0)))
  (func (export "get") (result i32) (i32.load (i32.const 0)))
  (func (export "five") (param i32 i32 i32 i32 i32) (result i32) (local.get 4))
  (func (export "grow") (result i32) (memory.grow (i32.const 1)))
  (func (export "trap") (param i32) (i32.store (i32.const 0) (local.get 0)) unreachable))`);

interface Keeper {
  put(value: number): void;
  get(): number;
  five(...values: number[]): number;
  grow(): number;
  trap(value: number): void;
}

describe('what was kept of a loan that is over', () => {
  const ways = ['acquire', 'tryAcquire', 'use', 'lease'] as const;
  test.each(ways)('throws though somebody else has the instance, of %s', async (way) => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1 });
    const kept: (() => unknown)[] = [];
    const keep = ({ exports }: { exports: Keeper }) => {
      const { put, five } = exports;
      kept.push(
        () => put(1),
        () => exports.put(1),
        () => five(1, 2, 3, 4, 5),
      );
    };
    if (way === 'use') await pool.use(keep);
    else if (way === 'lease') {
      await using lease = await pool.lease();
      keep(lease.value);
    } else {
      const instance = way === 'acquire' ? await pool.acquire() : pool.tryAcquire();
      if (instance === undefined) throw new Error('none is idle');
      keep(instance);
      kept.push(() => instance.exports.put(1));
      await pool.release(instance);
    }
    await pool.use(({ exports }) => {
      for (const use of kept) expect(use).toThrow(NOT_LENT);
      expect(exports.get()).toBe(0);
    });
    expectAtRest(pool);
  });

  test('has the length of what it stands for, is one for the loan, and can be listed', async () => {
    await using pool = await createWasmPool<Keeper>(keeper);
    await pool.use(({ exports }) => {
      expect(exports.put).toBe(exports.put);
      expect(exports.put.length).toBe(1);
      expect(exports.five.length).toBe(5);
      expect(exports.five(1, 2, 3, 4, 5)).toBe(5);
      expect(Object.keys(exports)).toEqual(['memory', 'put', 'get', 'five', 'grow', 'trap']);
      expect({ ...exports }.get()).toBe(0);
    });
  });

  test('is refused where it is returned in the name of the next loan', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1 });
    const first = await pool.acquire();
    await pool.release(first);
    const second = await pool.acquire();
    expect(await failure(pool.release(first))).toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
    expect(pool.isBorrowedResource(first)).toBe(false);
    expect(pool.isBorrowedResource(second)).toBe(true);
    await pool.release(second);
  });
});

describe('a host function that goes on after its call', () => {
  const caller = wat(
    '(module (import "host" "log" (func $log)) (func (export "run") (call $log)))',
  );

  test('sees the context of its own loan', async () => {
    const seen: unknown[] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let calls = 0;
    await using pool = await createWasmPool<{ run(): void }, string>(caller, {
      max: 1,
      imports: (instance) => ({
        host: {
          async log() {
            const gate = gates[calls++];
            seen.push(`at once ${instance.context}`);
            await gate?.promise;
            seen.push(`later ${instance.context}`);
          },
        },
      }),
    });
    await pool.use(({ exports }) => exports.run(), { context: 'alice' });
    await pool.use(
      async ({ exports }) => {
        exports.run();
        gates[0]?.resolve();
        gates[1]?.resolve();
        await turn();
      },
      { context: 'bob' },
    );
    expect(seen).toEqual(['at once alice', 'at once bob', 'later alice', 'later bob']);
  });
});

describe('a trap', () => {
  test('in a function that a host function was given is seen, though the host caught it', async () => {
    const bytes = wat(`(module
      (import "host" "call" (func $call (param funcref externref) (result funcref)))
      (global $sp (mut i32) (i32.const 1000))
      (func $traps (global.set $sp (i32.const 900)) unreachable)
      (elem declare func $traps)
      (func (export "run") (result i32)
        (ref.is_null (call $call (ref.func $traps) (ref.null extern))))
      (func (export "sp") (result i32) (global.get $sp)))`);
    const given: unknown[] = [];
    await using pool = await createWasmPool<{ run(): number; sp(): number }>(bytes, {
      max: 1,
      imports: {
        host: {
          call(fn: () => void, other: unknown) {
            given.push(fn.length, fn.name, other);
            try {
              fn();
            } catch {}
            return fn;
          },
        },
      },
    });
    expect(await pool.use(({ exports }) => exports.run())).toBe(0);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expect(await pool.use(({ exports }) => exports.sp())).toBe(1000);
    expect(given).toEqual([0, '1', null]);
  });

  test('costs the call and not the instance, where all can be put back', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1, reset: 'restore' });
    for (let loan = 0; loan < 5; loan++) {
      const error = await failure(
        pool.use(({ id, exports }) => {
          expect([id, exports.get()]).toEqual([1, 0]);
          exports.trap(42);
        }),
      );
      expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
    }
    await failure(pool.use(({ exports }) => [exports.grow(), exports.trap(1)]));
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: { trap: 1 } });
    expect(pool.stats().unrestorableBy).toEqual({ 'memory 0 grew': 1 });
    expectAtRest(pool);
  });

  test('costs the instance where its state is not put back', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1 });
    await failure(pool.use(({ exports }) => exports.trap(1)));
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });
});

describe('the destroy event has as its cause', () => {
  /** Lends an instance once, and returns what the event said. */
  async function told(
    use: (exports: Keeper) => unknown,
    options: WasmPoolOptions<Keeper> = {},
  ): Promise<[string, unknown]> {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1, ...options });
    const event = new Promise<[string, unknown]>((resolve) => {
      pool.on('destroy', (_, reason, cause) => resolve([reason, cause]));
    });
    await pool.use(({ exports }) => use(exports)).catch(() => {});
    return event;
  }

  test('which memory grew, of an instance that could not be restored', async () => {
    const [reason, cause] = await told((exports) => exports.grow(), { reset: 'restore' });
    expect([reason, cause]).toEqual([
      'unrestorable',
      expect.objectContaining({
        code: 'ERR_WASM_SNAPSHOT',
        message: 'wasm#1 cannot be restored: memory 0 grew from 65536 to 131072 bytes',
      }),
    ]);
  });

  test('the size of a memory that is too large to keep', async () => {
    const [reason, cause] = await told((exports) => exports.grow(), { maxMemoryBytes: 65_536 });
    expect([reason, cause]).toEqual([
      'memory',
      expect.objectContaining({
        code: 'ERR_WASM_LIMIT',
        message: 'wasm#1 has 131072 bytes of memory; accepted: maxMemoryBytes of 65536',
      }),
    ]);
  });

  test('the exception that left the module, even if its borrower caught it', async () => {
    const [reason, cause] = await told((exports) => {
      try {
        exports.trap(1);
      } catch {}
    });
    expect([reason, cause]).toEqual(['trap', expect.any(WebAssembly.RuntimeError)]);
  });
});

test('what could not be restored is counted by its reason', async () => {
  await using pool = await createWasmPool<Keeper>(keeper, { max: 1, reset: 'restore' });
  await pool.use(({ exports }) => exports.grow());
  expect(pool.stats().unrestorableBy).toEqual({ 'memory 0 grew': 1 });
});
