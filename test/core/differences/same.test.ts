// The other half of the drop-in table: what generic-pool documents and ours does alike. Each test
// runs against both.
import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { describe, expect, test } from 'vitest';
import {
  fakeTime,
  type Parts,
  pass,
  recordingFactory,
  settle,
  type Thing,
  watch,
} from '../../helpers/core.js';

// The types of both, where they agree; generic-pool leaves some out, and has its own `use`.
type Options = genericPool.Options & { destroyTimeoutMillis?: number };
type Both = Omit<genericPool.Pool<Thing>, 'use' | 'on'> & {
  use<R>(fn: (thing: Thing) => Promise<R>): Promise<R>;
  on(event: string, listener: (error: unknown) => void): unknown;
};

function makeWith(makePool: (factory: never, options: object) => unknown) {
  return (options: Options = {}, parts: Parts = {}) => {
    const factory = recordingFactory(parts);
    return { factory, pool: makePool(factory as never, options) as Both };
  };
}
const makers = { 'generic-pool': makeWith(genericPool.createPool), ours: makeWith(createPool) };

describe.each(Object.entries(makers))('%s', (_, make) => {
  test('max defaults to 1, min to 0', async () => {
    const { pool } = make();
    expect(pool).toMatchObject({ max: 1, min: 0, size: 0 });
    await pool.acquire();
    expect(pool.spareResourceCapacity).toBe(0);
  });

  test('max limits, min is made at once and refilled', async () => {
    const { pool } = make({ max: 3, min: 2 });
    expect(pool.size).toBe(2);
    const lent = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    watch(pool.acquire());
    expect(pool).toMatchObject({ size: 3, borrowed: 3, pending: 1, available: 0 });
    for (const thing of lent) await pool.destroy(thing);
    await settle();
    expect(pool).toMatchObject({ size: 2, borrowed: 1 });
  });

  test('maxWaitingClients refuses who comes too many', async () => {
    const { pool } = make({ maxWaitingClients: 1 });
    await pool.acquire();
    watch(pool.acquire());
    await expect(pool.acquire()).rejects.toThrow(Error);
  });

  test('testOnBorrow asks validate about what is idle; false has it destroyed', async () => {
    const { factory, pool } = make(
      { testOnBorrow: true },
      { validate: async ({ id }) => id !== 1 },
    );
    await pool.release(await pool.acquire());
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(factory.destroyed).toHaveLength(1);
  });

  test('acquireTimeoutMillis ends the wait', async () => {
    fakeTime();
    const { pool } = make({ acquireTimeoutMillis: 50 });
    await pool.acquire();
    const late = watch(pool.acquire());
    await pass(50);
    expect(late.state).toBe('rejected');
    expect(pool.pending).toBe(0);
  });

  test('destroyTimeoutMillis ends the wait for destroy, by factoryDestroyError', async () => {
    fakeTime();
    const { pool } = make({ destroyTimeoutMillis: 50 }, { destroy: () => new Promise(() => {}) });
    const told: unknown[] = [];
    pool.on('factoryDestroyError', (error: unknown) => told.push(error));
    await pool.destroy(await pool.acquire());
    await pass(50);
    expect(told).toHaveLength(1);
  });

  test.each([
    [true, [1, 2]],
    [false, [2, 1]],
  ])('fifo: %s', async (fifo, order) => {
    const { pool } = make({ max: 2, fifo });
    const lent = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const thing of lent.sort((one, other) => one.id - other.id)) await pool.release(thing);
    const again = [await pool.acquire(), await pool.acquire()];
    expect(again.map((thing) => thing.id)).toEqual(order);
  });

  test('autostart: false waits for start, or for the first acquire', async () => {
    const started = make({ max: 3, min: 2, autostart: false });
    expect(started.pool.size).toBe(0);
    started.pool.start();
    expect(started.pool.size).toBe(2);
    const acquired = make({ max: 3, min: 2, autostart: false });
    await acquired.pool.acquire();
    expect(acquired.pool.size).toBe(2);
  });

  test('priorityRange: 0 is served first, then in order of arrival', async () => {
    const { pool } = make({ priorityRange: 3 });
    const thing = await pool.acquire();
    const order: number[] = [];
    const ask = (name: number, priority: number) =>
      pool.acquire(priority).then((lent) => {
        order.push(name);
        return pool.release(lent);
      });
    const all = [ask(5, 2), ask(3, 1), ask(1, 0), ask(2, 0), ask(4, 1)];
    await pool.release(thing);
    await Promise.all(all);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  test('acquire and release lend the same resource in turn', async () => {
    const { pool } = make();
    const thing = await pool.acquire();
    expect(pool.isBorrowedResource(thing)).toBe(true);
    await expect(pool.release(thing)).resolves.toBeUndefined();
    expect(pool.isBorrowedResource(thing)).toBe(false);
    expect(await pool.acquire()).toBe(thing);
  });

  test('release and destroy reject what is not on loan', async () => {
    const { pool } = make();
    await expect(pool.release({ id: 1 })).rejects.toThrow(Error);
    await expect(pool.destroy({ id: 1 })).rejects.toThrow(Error);
  });

  test('destroy resolves without waiting for the destroy of the factory', async () => {
    const { pool } = make({}, { destroy: () => new Promise(() => {}) });
    await pool.destroy(await pool.acquire());
    expect(pool.size).toBe(0);
  });

  test('use gives on the result, and destroys after a rejection', async () => {
    const { factory, pool } = make();
    expect(await pool.use(async (thing) => thing.id)).toBe(1);
    expect(pool).toMatchObject({ borrowed: 0, available: 1 });
    await expect(pool.use(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    expect(factory.destroyed).toHaveLength(1);
  });

  test('drain serves those who wait, refuses others, and waits for returns; clear destroys', async () => {
    const { factory, pool } = make({ min: 1 });
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire());
    const drained = watch(pool.drain());
    await expect(pool.acquire()).rejects.toThrow(Error);
    await pool.release(thing);
    await settle();
    expect([waiting.state, drained.state]).toEqual(['fulfilled', 'pending']);
    await pool.release(thing);
    await settle();
    expect(drained.state).toBe('fulfilled');
    await pool.clear();
    expect(factory.destroyed).toHaveLength(1);
    expect(pool.size).toBe(0);
  });

  test('clear has min made anew', async () => {
    const { factory, pool } = make({ max: 2, min: 1 });
    await pool.ready();
    await pool.clear();
    await settle();
    expect(factory.made).toHaveLength(2);
  });

  test('ready resolves when min resources are idle', async () => {
    const { pool } = make({ max: 2, min: 2 });
    await settle();
    await pool.ready();
    expect(pool.available).toBe(2);
  });

  test('errors of the factory without a listener are discarded', async () => {
    const { pool } = make({}, { destroy: () => Promise.reject(new Error('no')) });
    await pool.destroy(await pool.acquire());
    await settle();
    expect(pool.size).toBe(0);
  });
});
