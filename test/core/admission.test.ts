import { createPool, type Pool } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { recordingFactory, settle, type Thing, uncaught, watch } from './helpers.js';

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
    pool.wake();
    await settle();
    expect(factory.creations).toBe(0);
    gate.open = true;
    pool.wake();
    await settle();
    expect(acquired.value).toEqual({ id: 1 });
  });

  test('puts min and ready off, too', async () => {
    const { gate, pool } = gated({ min: 2 });
    const ready = [watch(pool.ready()), watch(pool.ready(3))];
    await settle();
    expect(pool.size).toBe(0);
    gate.open = true;
    pool.wake();
    await settle();
    expect(ready.map((it) => it.state)).toEqual(['fulfilled', 'fulfilled']);
    expect(pool.size).toBe(3);
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

  test('that throws is a no, and surfaces as an uncaught exception', async () => {
    const error = new Error('gate');
    const factory = recordingFactory({
      canCreate: () => {
        throw error;
      },
    });
    const pool = createPool(factory);
    const errors = await uncaught(() => {
      watch(pool.acquire());
    });
    expect(errors).toEqual([error]);
    expect(pool).toMatchObject({ size: 0, pending: 1 });
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
  pool.wake();
  expect(pool.size).toBe(1);
  await pool.drain();
  await pool.clear();
  pool.wake();
  await pool.close();
  pool.wake();
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

  test('destroys the resource that is idle longest, which idleLongest shows', async () => {
    const { factory, pool } = await idle();
    expect(pool.idleLongest).toEqual({ id: 1 });
    expect(pool.evict()).toBe(1);
    expect(factory.destroyed).toEqual(['1 evicted']);
    pool.useSync(() => {});
    expect(pool.idleLongest).toEqual({ id: 3 });
  });

  test('destroys as many as it is told, for the reason given, and says how many it could', async () => {
    const { factory, pool } = await idle();
    await pool.acquire();
    expect(pool.evict(5, 'memory')).toBe(2);
    expect(factory.destroyed).toEqual(['2 memory', '3 memory']);
    expect(pool.evict()).toBe(0);
    expect(pool.idleLongest).toBeUndefined();
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
