import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

interface Counter {
  next(): number;
  trap(): void;
}

const bytes = wat(`(module (global $g (mut i32) (i32.const 0))
  (func (export "next") (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (global.get $g))
  (func (export "trap") unreachable))`);

const fresh = (options: WasmPoolOptions<Counter> = {}) =>
  createWasmPool<Counter>(bytes, { reset: 'fresh', ...options });

/** Until the spares are made: in the next turn, or the one after. */
async function turns(): Promise<void> {
  for (let count = 0; count < 3; count++) await turn();
}

describe('each borrower', () => {
  test('gets an instance that nobody used before', async () => {
    await using pool = await fresh();
    const seen: number[] = [];
    for (let loan = 0; loan < 5; loan++) {
      seen.push(await pool.use(({ id, exports }) => exports.next() * 100 + id));
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen.every((one) => Math.floor(one / 100) === 1)).toBe(true);
    expect(pool.stats().destroyedBy).toEqual({ used: 5 });
  });

  test('gets one that was made ahead, off its path', async () => {
    let created = 0;
    await using pool = await fresh({ onCreate: () => created++ });
    for (let loan = 0; loan < 5; loan++) {
      const before = created;
      expect(pool.available).toBe(1);
      const lent = pool.tryAcquire();
      expect(created).toBe(before); // nothing is made before the borrower has it
      expect(lent?.exports.next()).toBe(1);
      await turns();
      expect([pool.available, created]).toEqual([1, before + 1]);
      if (lent !== undefined) await pool.release(lent);
    }
  });

  test('has min others beside it', async () => {
    await using pool = await fresh({ min: 3 });
    expect(pool.available).toBe(3);
    const lent = [await pool.acquire(), await pool.acquire()];
    await turns();
    expect(pool.available).toBe(3);
    for (const instance of lent) await pool.release(instance);
    await turns();
    expect(pool.available).toBe(3);
    expectAtRest(pool);
  });

  test('gets one that is made for it where more come at once than there are spares', async () => {
    await using pool = await fresh({ max: 4 });
    const loans = Array.from({ length: 20 }, () =>
      pool.use(async ({ exports }) => {
        const first = exports.next();
        await turn();
        return first + exports.next();
      }),
    );
    expect(await Promise.all(loans)).toEqual(Array(20).fill(3));
    expect(pool.stats().destroyedBy).toEqual({ used: 20 });
    await turns();
    expect(pool.available).toBe(1);
    expectAtRest(pool);
  });
});

describe('spares', () => {
  test('are made when an instance is returned, where there was no room before', async () => {
    await using pool = await fresh({ max: 1 });
    for (let loan = 0; loan < 3; loan++) {
      expect(pool.available).toBe(1);
      await pool.use(async ({ exports }) => {
        await turns();
        expect(pool.size).toBe(1);
        expect(exports.next()).toBe(1);
      });
      await turns();
    }
    expectAtRest(pool);
  });

  test('are made in place of one that trapped, or that its borrower destroyed', async () => {
    await using pool = await fresh({ max: 1 });
    await failure(pool.use(({ exports }) => exports.trap()));
    await turns();
    expect(pool.available).toBe(1);
    await pool.destroy(await pool.acquire());
    await turns();
    expect(pool.available).toBe(1);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1, borrower: 1 });
  });

  test('are not made in place of those that were told to go', async () => {
    await using pool = await fresh({ min: 0 });
    expect(pool.evict()).toBe(1);
    await turns();
    expect(pool.size).toBe(0);
    expect(await pool.use(({ exports }) => exports.next())).toBe(1);
    await turns();
    expect(pool.size).toBe(1);
    await pool.clear();
    await turns();
    expect(pool.size).toBe(0);
  });

  test('are as many as are wanted, also when many were returned while they were being made', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using pool = await fresh({ onCreate: ({ id }) => (id > 10 ? gate : undefined), min: 10 });
    const lent = await Promise.all(Array.from({ length: 10 }, () => pool.acquire()));
    await turns(); // ten more are on their way
    for (const instance of lent) await pool.release(instance);
    await turns();
    open();
    await turns();
    expect([pool.available, pool.stats().created]).toEqual([10, 20]);
    expectAtRest(pool);
  });

  test('that cannot be made are told of, and made later', async () => {
    let failing = false;
    const errors: unknown[] = [];
    await using pool = await fresh({
      onCreate() {
        if (failing) throw new Error('no more');
      },
    });
    pool.on('factoryCreateError', (error) => errors.push(error));
    failing = true;
    expect(await pool.use(({ exports }) => exports.next())).toBe(1);
    await turns();
    expect(pool.size).toBe(0);
    expect(errors.length).toBe(1); // once for a loan, not over and over
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_CREATE' });
    failing = false;
    expect(await pool.use(({ exports }) => exports.next())).toBe(1);
    await turns();
    expect(pool.available).toBe(1);
  });

  test('are not made of a pool that is closing, and leave nothing behind', async () => {
    const pool = await fresh();
    const lent = await pool.acquire();
    const closing = pool.close();
    await turns();
    await pool.release(lent);
    await closing;
    await turns();
    expect(pool.size).toBe(0);
    expect(pool.stats().destroyed).toBe(pool.stats().created);
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
  });

  test('that are being made when the pool closes are destroyed', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const pool = await fresh({ onCreate: ({ id }) => (id > 1 ? gate : undefined) });
    await pool.use(() => {});
    await turns();
    expect(pool.stats().creating).toBe(1);
    const closing = pool.close();
    open();
    await closing;
    expect(pool.stats().destroyedBy).toEqual({ used: 1, close: 1 });
  });
});
