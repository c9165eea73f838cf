import { createPool, type Leak, type Lease, NotBorrowedError } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import {
  collectGarbage,
  fakeTime,
  hang,
  pass,
  recordingFactory,
  settle,
  type Thing,
  watch,
} from '../helpers/core.js';

describe('a lease', () => {
  test('gives the resource back at the end of its block', async () => {
    const pool = createPool(recordingFactory());
    {
      await using lease = await pool.lease();
      expect(lease.value).toEqual({ id: 1 });
      expect(pool.borrowed).toBe(1);
    }
    expect(pool).toMatchObject({ borrowed: 0, available: 1 });
  });

  test('gives it back when the block throws, too', async () => {
    const pool = createPool(recordingFactory());
    const block = async () => {
      await using _lease = await pool.lease();
      throw new Error('in the block');
    };
    await expect(block()).rejects.toThrow('in the block');
    expect(pool.available).toBe(1);
  });

  test('waits, times out and has a priority as an acquire does', async () => {
    fakeTime();
    const pool = createPool(recordingFactory(), { priorityRange: 2 });
    const first = await pool.lease();
    const late = watch(pool.lease({ timeoutMillis: 10 }));
    const low = watch(pool.lease(1));
    const high = watch(pool.lease({ priority: 0 }));
    await pass(10);
    expect(late.error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    await first.release();
    await settle();
    expect(high.state).toBe('fulfilled');
    expect(low.state).toBe('pending');
  });

  test('can be released or destroyed before its end, once', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    const released = await pool.lease();
    await released.release();
    await expect(released.release()).rejects.toThrow(NotBorrowedError);
    const destroyed = await pool.lease();
    await destroyed.destroy();
    await expect(destroyed.destroy()).rejects.toThrow(NotBorrowedError);
    expect(factory.destroyed).toEqual(['1 borrower']);
  });

  test('that has ended can be disposed of: nothing happens', async () => {
    const pool = createPool(recordingFactory());
    const lease = await pool.lease();
    await lease.release();
    const thing = await pool.acquire();
    await lease[Symbol.asyncDispose]();
    expect(pool.isBorrowedResource(thing)).toBe(true);
  });

  test('that has ended is not mistaken for the next one of the same resource', async () => {
    const pool = createPool(recordingFactory());
    const first = await pool.lease();
    await first.release();
    const second = await pool.lease();
    expect(() => first.value).toThrow(NotBorrowedError);
    await expect(first.release()).rejects.toThrow(NotBorrowedError);
    await expect(first.destroy()).rejects.toThrow(NotBorrowedError);
    expect(second.value).toEqual({ id: 1 });
  });

  test('ends when its resource is released by itself', async () => {
    const pool = createPool(recordingFactory());
    const lease = await pool.lease();
    await pool.release(lease.value);
    expect(() => lease.value).toThrow(NotBorrowedError);
  });
});

describe('a lost lease', () => {
  /** Takes leases in a frame of its own, so that nothing but `keep` holds on to them. */
  const lose = async (pool: { lease(): Promise<Lease<Thing>> }, keep?: Lease<Thing>[]) => {
    const lease = await pool.lease();
    keep?.push(lease);
  };

  test('gives its slot back when it is collected: the resource is destroyed, and a leak event tells', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    const leaks: [Thing, Leak][] = [];
    pool.on('leak', (thing, leak) => leaks.push([thing, leak]));
    await lose(pool);
    await collectGarbage(() => leaks.length > 0);
    expect(leaks).toEqual([[{ id: 1 }, { kind: 'lost', acquiredAt: undefined }]]);
    expect(factory.destroyed).toEqual(['1 leak']);
    expect(pool.stats()).toMatchObject({ leaks: 1, borrowed: 0, size: 0 });
  });

  test('serves who waits for its slot', async () => {
    const pool = createPool(recordingFactory());
    await lose(pool);
    const waiting = watch(pool.acquire());
    await collectGarbage(() => waiting.state !== 'pending');
    expect(waiting.value).toEqual({ id: 2 });
  });

  test('is told with the stack of where it was acquired, when leaks are looked for', async () => {
    const pool = createPool(recordingFactory(), { leakDetectionMillis: 60_000 });
    const leaks: Leak[] = [];
    pool.on('leak', (_, leak) => leaks.push(leak));
    await lose(pool);
    await collectGarbage(() => leaks.length > 0);
    expect(leaks[0]?.acquiredAt).toContain('leases.test.ts');
  });

  test('is none when it was returned before it is collected', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2 });
    const returned = async () => (await pool.lease()).release();
    let collected = false;
    const registry = new FinalizationRegistry(() => {
      collected = true;
    });
    const drop = async () => {
      const lease = await pool.lease();
      registry.register(lease, 0);
      await lease.release();
    };
    await returned();
    await drop();
    const kept: Lease<Thing>[] = [];
    await lose(pool, kept); // has the resource of those two now
    await collectGarbage(() => collected);
    expect(collected).toBe(true);
    await settle();
    expect(kept[0]?.value).toEqual({ id: 1 });
    expect(factory.destroyed).toEqual([]);
  });
});

describe('leakDetectionMillis', () => {
  const watchful = (parts = {}) => {
    fakeTime();
    const pool = createPool(recordingFactory(parts), { max: 2, leakDetectionMillis: 100 });
    const leaks: [number, Leak][] = [];
    pool.on('leak', (thing, leak) => leaks.push([thing.id, leak]));
    return { pool, leaks };
  };

  test('tells of a loan that lasts longer, once, and where it was acquired', async () => {
    const { pool, leaks } = watchful();
    const acquireHere = () => pool.acquire();
    const thing = await acquireHere();
    await pass(99);
    expect(leaks).toEqual([]);
    await pass(1);
    expect(leaks).toEqual([[1, { kind: 'held', acquiredAt: expect.any(String) }]]);
    expect(leaks[0]?.[1].acquiredAt).toContain('acquireHere');
    await pass(10_000);
    expect(pool.stats().leaks).toBe(1);
    await pool.release(thing); // it is on loan still, and can be returned
    expect(pool.available).toBe(1);
  });

  test('knows where an acquire waited, not who returned', async () => {
    const { pool, leaks } = watchful();
    const lent = await Promise.all([pool.acquire(), pool.acquire()]);
    const waitHere = () => pool.acquire({ timeoutMillis: 1000 });
    const waiting = waitHere();
    for (const thing of lent) await pool.release(thing);
    await waiting;
    await pass(100);
    expect(leaks).toHaveLength(1);
    expect(leaks[0]?.[1].acquiredAt).toContain('waitHere');
  });

  test('covers tryAcquire, use and leases', async () => {
    const { pool, leaks } = watchful();
    await pool.ready(2);
    const tryHere = () => pool.tryAcquire();
    const useHere = () => pool.use(hang);
    tryHere();
    useHere();
    await pass(100);
    expect(leaks.map(([, { acquiredAt }]) => acquiredAt)).toEqual([
      expect.stringContaining('tryHere'),
      expect.stringContaining('useHere'),
    ]);
  });

  test('has nothing to tell of loans that end in time, or of waiters that are refused', async () => {
    const { pool, leaks } = watchful();
    const [first, second] = await Promise.all([pool.acquire(), pool.acquire()]);
    const refused = watch(pool.acquire({ timeoutMillis: 10 }));
    await pass(90);
    expect(refused.state).toBe('rejected');
    await pool.release(first);
    await pool.destroy(second);
    await pass(10_000);
    expect(leaks).toEqual([]);
  });

  test('is off by default', async () => {
    fakeTime();
    const pool = createPool(recordingFactory());
    await pool.acquire();
    await pass(100_000_000);
    expect(pool.stats().leaks).toBe(0);
  });
});
