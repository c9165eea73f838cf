import { createPool, NotBorrowedError, PoolClosedError } from '@wasm-pool/core';
import { describe, expect, test, vi } from 'vitest';
import { runChild } from '../helpers/child.js';
import { fakeTime, hang, pass, recordingFactory, settle, watch } from '../helpers/core.js';

describe('close', () => {
  test('destroys what is idle, at once', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 3, min: 3 });
    await pool.ready();
    const closed = pool.close();
    expect(factory.destroyed).toEqual(['1 close', '2 close', '3 close']);
    await closed;
    expect(pool.size).toBe(0);
  });

  test('stops lending at once', async () => {
    const pool = createPool(recordingFactory(), { name: 'db', min: 1 });
    await pool.ready();
    const closed = pool.close();
    await expect(pool.acquire()).rejects.toThrow('the pool is closed (db: size 0 of 1');
    await expect(pool.use(() => {})).rejects.toThrow(PoolClosedError);
    await expect(pool.lease()).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
    await expect(pool.ready(1)).rejects.toThrow(PoolClosedError);
    expect(pool.tryAcquire()).toBeUndefined();
    await closed;
  });

  test('rejects those who wait', async () => {
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire();
    const waiting = [pool.acquire(), pool.use(() => {}), pool.lease({ timeoutMillis: 1000 })];
    const closed = pool.close();
    for (const one of waiting) await expect(one).rejects.toThrow(PoolClosedError);
    await pool.release(thing);
    await closed;
  });

  test('waits for what is lent, and destroys it when it is returned', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2 });
    const [first, second] = await Promise.all([pool.acquire(), pool.acquire()]);
    const closed = watch(pool.close());
    await pool.release(first);
    await settle();
    expect(closed.state).toBe('pending');
    expect(factory.destroyed).toEqual(['1 close']);
    await pool.destroy(second);
    await settle();
    expect(closed.state).toBe('fulfilled');
    expect(factory.destroyed).toEqual(['1 close', '2 borrower']);
  });

  test('waits for what is being created, and destroys it', async () => {
    const made = Promise.withResolvers<void>();
    const factory = recordingFactory({ create: (make) => made.promise.then(make) });
    const pool = createPool(factory, { min: 1 });
    const acquired = watch(pool.acquire());
    const closed = watch(pool.close());
    await settle();
    expect(acquired.error).toBeInstanceOf(PoolClosedError);
    expect(closed.state).toBe('pending');
    made.resolve();
    await settle();
    expect(closed.state).toBe('fulfilled');
    expect(factory.destroyed).toEqual(['1 close']);
  });

  test('ends when the creation that it waits for fails', async () => {
    const made = Promise.withResolvers<never>();
    const pool = createPool(recordingFactory({ create: () => made.promise }), { min: 1 });
    const closed = watch(pool.close());
    made.reject(new Error('no'));
    await settle();
    expect(closed.state).toBe('fulfilled');
  });

  test('waits for what validate has, and destroys it', async () => {
    const validated = Promise.withResolvers<boolean>();
    const factory = recordingFactory({ validate: () => validated.promise });
    const pool = createPool(factory, { min: 1, testOnBorrow: true });
    await pool.ready();
    const acquired = watch(pool.acquire());
    const closed = watch(pool.close());
    await settle();
    expect(acquired.error).toBeInstanceOf(PoolClosedError);
    expect(closed.state).toBe('pending');
    validated.resolve(true);
    await settle();
    expect(closed.state).toBe('fulfilled');
    expect(factory.destroyed).toEqual(['1 close']);
  });

  test.each([true, false])('waits for what recycle has, and destroys it (fit: %s)', async (fit) => {
    const recycled = Promise.withResolvers<boolean>();
    const factory = recordingFactory({ recycle: () => recycled.promise });
    const pool = createPool(factory);
    await pool.use(() => {});
    const closed = watch(pool.close());
    await settle();
    expect(closed.state).toBe('pending');
    recycled.resolve(fit);
    await settle();
    expect(closed.state).toBe('fulfilled');
    expect(factory.destroyed).toEqual([fit ? '1 close' : '1 unfit']);
  });

  test('waits for destructions that were under way before', async () => {
    const gone = Promise.withResolvers<void>();
    const pool = createPool(recordingFactory({ destroy: () => gone.promise }));
    await pool.use((thing) => pool.destroy(thing));
    const closed = watch(pool.close());
    await settle();
    expect(closed.state).toBe('pending');
    gone.resolve();
    await settle();
    expect(closed.state).toBe('fulfilled');
  });

  test('can be called twice: both calls end together', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    const thing = await pool.acquire();
    const closed = [watch(pool.close()), watch(pool.close())];
    await settle();
    expect(closed.map((it) => it.state)).toEqual(['pending', 'pending']);
    await pool.release(thing);
    await settle();
    expect(closed.map((it) => it.state)).toEqual(['fulfilled', 'fulfilled']);
    await pool.close();
    expect(factory.destroyed).toEqual(['1 close']);
  });

  test('can be called after drain, and during it', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire());
    const drained = watch(pool.drain());
    const closed = watch(pool.close());
    await pool.release(thing);
    await settle();
    expect(waiting.error).toBeInstanceOf(PoolClosedError);
    expect([drained.state, closed.state]).toEqual(['fulfilled', 'fulfilled']);
    await pool.close();
  });

  test('of a pool that was never started ends at once, and leaves nobody waiting for ready', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { min: 1, autostart: false });
    const ready = watch(pool.ready());
    await pool.close();
    expect(ready.error).toBeInstanceOf(PoolClosedError);
    pool.start();
    await settle();
    expect(factory.creations).toBe(0);
  });

  test('rejects for bad options, and the pool stays open', async () => {
    const pool = createPool(recordingFactory());
    await expect(pool.close({ timeoutMillis: -1 })).rejects.toThrow(
      'close: timeoutMillis is -1; accepted: a whole number from 0 to 2147483647',
    );
    await expect(pool.close({ timeout: 1 } as object)).rejects.toThrow(
      'close: unknown option timeout; accepted: timeoutMillis',
    );
    expect(await pool.acquire()).toEqual({ id: 1 });
  });

  test('is what `await using pool` calls', async () => {
    const factory = recordingFactory();
    {
      await using pool = createPool(factory, { min: 1 });
      await pool.ready();
    }
    expect(factory.destroyed).toEqual(['1 close']);
  });

  test('without a timeout waits for every loan: `await using pool`, too', async () => {
    fakeTime();
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire();
    const closed = watch(pool[Symbol.asyncDispose]());
    await pass(1_000_000);
    expect(closed.state).toBe('pending');
    await pool.release(thing);
    await settle();
    expect(closed.state).toBe('fulfilled');
  });
});

describe('close with a timeout', () => {
  test('destroys what is lent when that has passed; the borrower returns it in vain', async () => {
    fakeTime();
    const factory = recordingFactory();
    const pool = createPool(factory);
    const thing = await pool.acquire();
    const closed = watch(pool.close({ timeoutMillis: 100 }));
    await pass(99);
    expect(factory.destroyed).toEqual([]);
    await pass(1);
    expect(factory.destroyed).toEqual(['1 close']);
    expect(closed.state).toBe('fulfilled');
    expect(pool.stats()).toMatchObject({ size: 0, borrowed: 0 });
    await expect(pool.release(thing)).rejects.toThrow(NotBorrowedError);
  });

  test('lets use and leases end as they would have', async () => {
    fakeTime();
    const pool = createPool(recordingFactory(), { max: 2 });
    const work = Promise.withResolvers<string>();
    const used = watch(pool.use(() => work.promise));
    const lease = await pool.lease();
    watch(pool.close({ timeoutMillis: 1 }));
    await pass(1);
    work.resolve('done');
    await settle();
    expect(used.value).toBe('done');
    expect(() => lease.value).toThrow(NotBorrowedError);
    await lease[Symbol.asyncDispose]();
  });

  test('ends although a creation hangs, and destroys its resource whenever that is there', async () => {
    fakeTime();
    const made = Promise.withResolvers<void>();
    const factory = recordingFactory({ create: (make) => made.promise.then(make) });
    const pool = createPool(factory, { min: 1 });
    const closed = watch(pool.close({ timeoutMillis: 10 }));
    await pass(10);
    expect(closed.state).toBe('fulfilled');
    expect(vi.getTimerCount()).toBe(0);
    await pass(60_000);
    made.resolve();
    await settle();
    expect(factory.destroyed).toEqual(['1 close']);
    expect(pool.stats()).toMatchObject({ createErrors: 0, size: 0 });
  });

  test('can be brought forward by a second call', async () => {
    fakeTime();
    const pool = createPool(recordingFactory());
    await pool.acquire();
    const first = watch(pool.close({ timeoutMillis: 60_000 }));
    await pass(1);
    const second = watch(pool.close({ timeoutMillis: 10 }));
    await pass(9);
    expect(first.state).toBe('pending');
    await pass(1);
    expect([first.state, second.state]).toEqual(['fulfilled', 'fulfilled']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not put off by a second call that would wait longer, or for ever', async () => {
    fakeTime();
    const pool = createPool(recordingFactory());
    await pool.acquire();
    const first = watch(pool.close({ timeoutMillis: 10 }));
    watch(pool.close());
    watch(pool.close({ timeoutMillis: 1000 }));
    await pass(10);
    expect(first.state).toBe('fulfilled');
  });
});

describe('once it has closed', () => {
  test('no timer is left, whatever the pool was doing', async () => {
    fakeTime();
    let works = true;
    const factory = recordingFactory({
      create: (make) => (works ? make() : Promise.reject(new Error('no'))),
      validate: hang,
      recycle: (thing) => (thing.id === 1 ? hang() : true),
      destroy: (thing) => (thing.id === 2 ? hang() : undefined),
    });
    const pool = createPool(factory, {
      max: 6,
      min: 4,
      testOnBorrow: true,
      idleTimeoutMillis: 1000,
      leakDetectionMillis: 1000,
      acquireTimeoutMillis: 100_000,
    });
    const lent = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    await pool.release(lent[0] as (typeof lent)[0]); // recycle hangs
    await pool.release(lent[2] as (typeof lent)[0]); // idle
    works = false;
    await pool.destroy(lent[1] as (typeof lent)[0]); // destroy hangs, min cannot be refilled
    watch(pool.acquire()); // validate hangs
    await settle();
    expect(vi.getTimerCount()).toBeGreaterThan(4);
    const closed = watch(pool.close({ timeoutMillis: 10 }));
    await pass(10);
    await pass(5000); // destroyTimeoutMillis
    expect(closed.state).toBe('fulfilled');
    expect(vi.getTimerCount()).toBe(0);
    expect(factory.alive).toBe(0);
  });

  test('the process exits, however much was going on', async () => {
    const { output, exitCode } = await runChild(`
      import { createPool } from '@wasm-pool/core';
      const hang = () => new Promise(() => {});
      let calls = 0;
      const pool = createPool(
        { create: () => (++calls > 3 ? hang() : { id: calls }), destroy() {} },
        { max: 4, min: 3, idleTimeoutMillis: 60_000, leakDetectionMillis: 60_000 },
      );
      await pool.ready();
      await pool.acquire();
      await pool.lease();
      pool.use(hang);
      pool.acquire({ timeoutMillis: 60_000 }).catch((error) => console.log(error.code));
      await pool.close({ timeoutMillis: 10 });
      console.log(pool.size - pool.stats().creating, process.getActiveResourcesInfo().includes('Timeout'));
    `);
    expect(output.split('\n')).toEqual(['ERR_POOL_CLOSED', '0 false']);
    expect(exitCode).toBe(0);
  });

  test('a pool that is idle does not keep the process from exiting even without close', async () => {
    const { output, exitCode } = await runChild(`
      import { createPool } from '@wasm-pool/core';
      const pool = createPool({ create: () => ({}), destroy() {} }, { min: 1, idleTimeoutMillis: 60_000 });
      await pool.use(() => {});
      console.log('done');
    `);
    expect(output).toBe('done');
    expect(exitCode).toBe(0);
  });
});
