import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { atRest, Gate, until, workerPool } from './pools.js';

const notLent = { code: 'ERR_WASM_NOT_LENT' };
const notBorrowed = { code: 'ERR_POOL_NOT_BORROWED' };

describe('a worker on loan', () => {
  test('is one borrower’s alone, whichever way it is lent', async () => {
    const pool = await workerPool();
    const counts: number[] = [];
    const borrow = async (worker: { run: { count(): Promise<number> } }) => {
      const first = await worker.run.count();
      expect(await worker.run.count()).toBe(first + 1);
      counts.push(first);
    };
    await Promise.all([
      pool.use(borrow),
      pool.run.count(),
      pool.acquire().then(async (worker) => {
        await borrow(worker);
        await pool.release(worker);
      }),
      pool.lease().then(async (lease) => {
        await borrow(lease.value);
        await lease.release();
      }),
      pool.use(borrow),
      pool.run.count(),
    ]);
    expect(counts).toEqual([1, 4, 6, 8]);
    await atRest(pool);
  });

  test('runs several calls at once one after another, in their order', async () => {
    const pool = await workerPool();
    await pool.use(async ({ run }) => {
      const calls = Array.from({ length: 300 }, (_, index) =>
        index % 50 === 7 ? run.sumLater(index, 0) : run.count(),
      );
      const counts = (await Promise.all(calls)).filter((_, index) => index % 50 !== 7);
      expect(counts).toEqual(Array.from({ length: 294 }, (_, index) => index + 1));
    });
    await atRest(pool);
  });

  test('calls nothing once the loan has ended', async () => {
    const pool = await workerPool();
    const kept = await pool.use((worker) => worker);
    const acquired = await pool.acquire();
    await pool.release(acquired);
    const lease = await pool.lease();
    const leased = lease.value;
    await lease.release();
    expect(() => lease.value).toThrow(/not on loan/);
    const destroyed = await pool.acquire();
    await pool.destroy(destroyed);
    for (const worker of [kept, acquired, leased, destroyed]) {
      const error = await failure(worker.run.sum(1, 2));
      expect(error).toMatchObject(notLent);
      expect(error.message).toMatch(
        /^wasm#\d is not on loan: sum was called after the worker was returned$/,
      );
      expect(pool.isBorrowedResource(worker)).toBe(false);
    }
    expect(await pool.run.sum(1, 2)).toBe(3);
    await atRest(pool);
  });

  test('is returned once: a second time is refused, and changes nothing', async () => {
    const pool = await workerPool();
    const worker = await pool.acquire();
    expect(pool.isBorrowedResource(worker)).toBe(true);
    await pool.release(worker);
    const next = await pool.acquire();
    expect(await failure(pool.release(worker))).toMatchObject(notBorrowed);
    expect(await failure(pool.destroy(worker))).toMatchObject(notBorrowed);
    expect(await next.run.sum(1, 2)).toBe(3);
    await pool.release(next);
    expect(pool.stats().destroyed).toBe(0);
    await atRest(pool);
  });

  test('of another pool is refused, and stays on loan there', async () => {
    const [here, there] = [await workerPool(), await workerPool()];
    const worker = await there.acquire();
    expect(await failure(here.release(worker))).toMatchObject(notBorrowed);
    expect(await failure(here.destroy(worker))).toMatchObject(notBorrowed);
    expect(here.isBorrowedResource(worker)).toBe(false);
    expect(await worker.run.sum(1, 2)).toBe(3);
    await there.release(worker);
    await atRest(there);
  });

  test('cannot be returned by who only heard of it', async () => {
    const pool = await workerPool();
    const oldestIdle: unknown = Reflect.get(pool, 'oldestIdle');
    const worker = await pool.acquire();
    for (const stranger of [oldestIdle, {}, undefined, null, 5]) {
      expect(await failure(pool.release(stranger as never))).toMatchObject(notBorrowed);
      expect(await failure(pool.destroy(stranger as never))).toMatchObject(notBorrowed);
      expect(pool.isBorrowedResource(stranger as never)).toBe(false);
    }
    expect(pool.isBorrowedResource(worker)).toBe(true);
    await pool.release(worker);
  });

  test('is given back by `use` whatever happens', async () => {
    const pool = await workerPool();
    const own = new Error('no such user');
    const throwing = () => {
      throw own;
    };
    expect(await failure(pool.use(throwing))).toBe(own);
    expect(await failure(pool.use(async () => throwing()))).toBe(own);
    await pool.use((worker) => pool.release(worker));
    await pool.use((worker) => pool.destroy(worker));
    await atRest(pool);
    expect(pool.stats().destroyedBy).toEqual({ borrower: 1 });
  });

  test('that is destroyed ends at once, with what runs on it', async () => {
    const pool = await workerPool();
    const worker = await pool.acquire();
    const gate = new Gate();
    const calls = [worker.run.loop(gate.words), worker.run.sum(1, 2)];
    const failures = Promise.all(calls.map((call) => failure(call)));
    await gate.until();
    await pool.destroy(worker);
    for (const error of await failures) {
      expect(error).toMatchObject({
        code: 'ERR_WASM_WORKER_EXIT',
        message: 'wasm#1: its thread ended: its borrower had it destroyed',
      });
    }
    expect(await pool.run.sum(1, 2)).toBe(3);
  });

  test('is tried for without waiting', async () => {
    const pool = await workerPool();
    const worker = pool.tryAcquire();
    expect(await worker?.run.sum(1, 2)).toBe(3);
    expect(pool.tryAcquire()).toBeUndefined();
    if (worker !== undefined) await pool.release(worker);
    await until(() => pool.available === 1);
    await pool.close();
    expect(pool.tryAcquire()).toBeUndefined();
  });

  test('of a lease is returned when that is disposed of, and destroyed with it', async () => {
    const pool = await workerPool();
    {
      await using lease = await pool.lease();
      expect(await lease.value.run.count()).toBe(1);
    }
    const lease = await pool.lease({ timeoutMillis: 1000 });
    expect(await lease.value.run.count()).toBe(2);
    await lease.destroy();
    expect(await failure(lease.release())).toMatchObject(notBorrowed);
    expect(await pool.run.count()).toBe(1);
    await atRest(pool);
  });

  test('of a lease that is lost comes back when it is collected', async () => {
    const pool = await workerPool();
    const leaks: unknown[] = [];
    pool.on('leak', (worker) => leaks.push(worker.id));
    await (async () => {
      await (await pool.lease()).value.run.sum(1, 2);
    })();
    while (leaks.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      globalThis.gc?.();
    }
    expect(leaks).toEqual([1]);
    expect(await pool.run.sum(1, 2)).toBe(3);
  });

  test('is lent by priority and for a limited wait, as everything is', async () => {
    const pool = await workerPool({ priorityRange: 2, maxWaitingClients: 2 });
    const worker = await pool.acquire();
    const order: string[] = [];
    const low = pool.use(() => order.push('low'));
    const high = pool.use(() => order.push('high'), 0);
    expect(await failure(pool.acquire())).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    await pool.release(worker);
    await Promise.all([low, high]);
    expect(order).toEqual(['high', 'low']);
    const again = await pool.acquire();
    expect(await failure(pool.acquire({ timeoutMillis: 5 }))).toMatchObject({
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
    });
    await pool.release(again);
  });
});
