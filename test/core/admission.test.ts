import { CreateError, type Pool } from '@wasm-pool/core';
import { createAdapterPool as createPool } from '@wasm-pool/core/internal';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass, recordingFactory, settle, type Thing, watch } from '../helpers/core.js';

describe('canCreate', () => {
  const gated = (options = {}) => {
    const gate = { open: false };
    const factory = recordingFactory({ canCreate: () => gate.open });
    return { gate, factory, pool: createPool(factory, { max: 4, ...options }) };
  };

  test('puts creations off, until wake', async () => {
    const { gate, factory, pool } = gated();
    const acquired = watch(pool.acquire());
    await settle();
    expect(acquired.state).toBe('pending');
    pool.fill();
    await settle();
    expect(factory.creations).toBe(0);
    gate.open = true;
    pool.fill();
    await settle();
    expect(acquired.value).toEqual({ id: 1 });
  });

  test('is not asked where max is reached', async () => {
    let asked = 0;
    const canCreate = () => {
      asked++;
      return true;
    };
    const pool = createPool(recordingFactory({ canCreate }));
    await pool.acquire();
    watch(pool.acquire());
    pool.fill();
    pool.grow();
    expect(asked).toBe(1);
  });

  test('puts min and ready off, too', async () => {
    const { gate, pool } = gated({ min: 2 });
    const ready = [watch(pool.ready()), watch(pool.ready(3))];
    await settle();
    expect(pool.size).toBe(0);
    gate.open = true;
    pool.fill();
    await settle();
    expect(ready.map((it) => it.state)).toEqual(['fulfilled', 'fulfilled']);
    expect(pool.size).toBe(3);
  });

  test('leaves no more waiting than maxWaitingClients', async () => {
    const { gate, pool } = gated({ maxWaitingClients: 2 });
    const waiting = [watch(pool.acquire()), watch(pool.acquire())];
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    gate.open = true;
    pool.fill();
    expect(await pool.acquire()).toEqual({ id: 3 });
    expect(waiting.map((it) => it.state)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('leaves no more waiting beyond max than maxWaitingClients', async () => {
    const { gate, pool } = gated({ max: 1, burst: 1, maxWaitingClients: 2 });
    gate.open = true;
    await pool.acquire();
    gate.open = false;
    const waiting = [watch(pool.acquire()), watch(pool.acquire(0))];
    await expect(pool.acquire(0)).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    expect(waiting.map((it) => it.state)).toEqual(['pending', 'pending']);
  });

  test('lets who waits be served by a return', async () => {
    const { gate, pool } = gated();
    gate.open = true;
    const thing = await pool.acquire();
    gate.open = false;
    const waiting = watch(pool.acquire());
    await pool.release(thing);
    await settle();
    expect(waiting.value).toBe(thing);
  });

  test('that throws is a failed creation: each who waits is told, and the next may be served', async () => {
    const cause = new Error('gate');
    let throws = true;
    const factory = recordingFactory({
      canCreate: () => {
        if (throws) throw cause;
        return true;
      },
    });
    const pool = createPool(factory, { max: 2 });
    const told: unknown[] = [];
    pool.on('factoryCreateError', (error) => told.push(error.cause));
    const all = [1, 2, 3].map(() => watch(pool.acquire()));
    for (let turn = 0; turn < 3; turn++) await settle();
    for (const { error } of all) {
      expect(error).toBeInstanceOf(CreateError);
      expect(error).toMatchObject({ cause });
    }
    expect(told).toEqual([cause, cause, cause]);
    expect(pool.stats()).toMatchObject({ size: 0, pending: 0, createErrors: 3 });
    expect(factory.creations).toBe(0);
    throws = false;
    expect(await pool.acquire()).toEqual({ id: 1 });
  });

  test('that throws for min has it tried again, with growing pauses', async () => {
    fakeTime();
    let asked = 0;
    const factory = recordingFactory({
      canCreate: () => {
        if (asked++ < 2) throw new Error('gate');
        return true;
      },
    });
    const pool = createPool(factory, { min: 1 });
    await pass(100);
    expect(asked).toBe(2);
    await pass(199);
    expect(pool.size).toBe(0);
    await pass(1);
    expect(pool.available).toBe(1);
  });

  test('that closes the pool is followed by no creation', async () => {
    const factory = recordingFactory({
      canCreate: () => {
        pool.close();
        return true;
      },
    });
    const pool: Pool<Thing> = createPool(factory, { autostart: false });
    const acquired = watch(pool.acquire());
    await settle();
    expect(acquired.error).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(factory.creations).toBe(0);
  });

  test('that takes the last slot itself does not make the pool exceed max', async () => {
    let asked = 0;
    const pool: Pool<Thing> = createPool(
      recordingFactory({
        canCreate: () => {
          if (asked++ === 0) watch(pool.acquire());
          return true;
        },
      }),
      { autostart: false },
    );
    watch(pool.acquire());
    await settle();
    expect(pool.size).toBe(1);
  });
});

test('wake does nothing to a pool that is draining, closed, or has nothing to do', async () => {
  const factory = recordingFactory();
  const pool = createPool(factory, { max: 2, min: 1 });
  await pool.ready();
  pool.fill();
  expect(pool.size).toBe(1);
  await pool.drain();
  await pool.clear();
  pool.fill();
  await pool.close();
  pool.fill();
  await settle();
  expect(factory.creations).toBe(1);
});

describe('evict', () => {
  const idle = async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 3 });
    await pool.ready(3);
    return { factory, pool };
  };

  test('destroys the resource that is idle longest, which oldestIdle shows', async () => {
    const { factory, pool } = await idle();
    expect(pool.oldestIdle).toEqual({ id: 1 });
    expect(pool.evict()).toBe(1);
    expect(factory.destroyed).toEqual(['1 evicted']);
    pool.useSync(() => {}); // the one returned last, and so it stays
    expect(pool.oldestIdle).toEqual({ id: 2 });
  });

  test('destroys as many as it is told, for the reason given, and says how many it could', async () => {
    const { factory, pool } = await idle();
    await pool.acquire();
    expect(pool.evict(5, 'memory')).toBe(2);
    expect(factory.destroyed).toEqual(['1 memory', '2 memory']);
    expect(pool.evict()).toBe(0);
    expect(pool.oldestIdle).toBeUndefined();
  });

  test('of none destroys none', async () => {
    const { pool } = await idle();
    expect(pool.evict(0)).toBe(0);
    expect(pool.available).toBe(3);
  });

  test('has min made anew', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2, min: 2 });
    await pool.ready();
    pool.evict(2);
    await settle();
    expect(factory.made).toHaveLength(4);
    expect(pool.available).toBe(2);
  });
});
