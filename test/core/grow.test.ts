import { CreateError, OptionError } from '@wasm-pool/core';
import { createAdapterPool as createPool } from '@wasm-pool/core/internal';
import { describe, expect, test, vi } from 'vitest';
import { fakeTime, hang, pass, recordingFactory, settle, watch } from '../helpers/core.js';

describe('grow', () => {
  test('starts one creation, or as many as it is told, and says how many', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 5 });
    expect(pool.grow()).toBe(1);
    expect(pool.grow(2)).toBe(2);
    expect(factory.creations).toBe(3);
    await settle();
    expect(pool).toMatchObject({ size: 3, available: 3 });
  });

  test('stays within max, which counts what is lent and what is being created', async () => {
    const pool = createPool(recordingFactory(), { max: 4, burst: 2 });
    await pool.acquire();
    expect(pool.grow()).toBe(1);
    expect(pool.grow(10)).toBe(2);
    expect(pool.grow(10)).toBe(0);
    expect(pool.size).toBe(4);
  });

  test('creates any number where max has no limit', async () => {
    const pool = createPool(recordingFactory(), { max: 0 });
    expect(pool.grow(100)).toBe(100);
    await settle();
    expect(pool.available).toBe(100);
  });

  test('serves who waits, if somebody does', async () => {
    let open = false;
    const pool = createPool(recordingFactory({ canCreate: () => open }));
    const waiting = watch(pool.acquire());
    open = true;
    pool.grow();
    await settle();
    expect(waiting.value).toEqual({ id: 1 });
  });

  test('of none starts none', () => {
    const factory = recordingFactory();
    expect(createPool(factory).grow(0)).toBe(0);
    expect(factory.creations).toBe(0);
  });

  test('starts none in a pool that is not started, nor once it is draining or closed', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 3, autostart: false });
    expect(pool.grow()).toBe(0);
    pool.start();
    expect(pool.grow()).toBe(1);
    await pool.drain();
    expect(pool.grow()).toBe(0);
    await pool.close();
    expect(pool.grow()).toBe(0);
    expect(factory.creations).toBe(1);
  });

  test('ends with the first creation that drains or closes the pool', () => {
    for (const end of ['drain', 'close'] as const) {
      const factory = recordingFactory({
        create: (make) => {
          pool[end]();
          return make();
        },
      });
      const pool = createPool(factory, { max: 3 });
      expect(pool.grow(3)).toBe(1);
      expect(factory.creations).toBe(1);
    }
  });

  test('asks canCreate for each, and stops at its first no', () => {
    let left = 2;
    let asked = 0;
    const canCreate = () => {
      asked++;
      return left-- > 0;
    };
    const pool = createPool(recordingFactory({ canCreate }), { max: 5 });
    expect(pool.grow(4)).toBe(2);
    expect(asked).toBe(3);
  });

  test('that fails is told by factoryCreateError; neither min nor a timer follows from it', async () => {
    fakeTime();
    const cause = new Error('no');
    const pool = createPool(recordingFactory({ create: () => Promise.reject(cause) }), { max: 2 });
    const told: CreateError[] = [];
    pool.on('factoryCreateError', (error) => told.push(error));
    expect(pool.grow(2)).toBe(2);
    await settle();
    expect(told.map((error) => error.cause)).toEqual([cause, cause]);
    expect(told[0]).toBeInstanceOf(CreateError);
    expect(pool.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that hangs gives its slot back after createTimeoutMillis', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ create: hang }), { createTimeoutMillis: 100 });
    pool.grow();
    await pass(99);
    expect(pool.size).toBe(1);
    await pass(1);
    expect(pool.size).toBe(0);
  });
});

describe('evict', () => {
  test('of Infinity destroys all that is idle', async () => {
    const pool = createPool(recordingFactory(), { max: 3 });
    await pool.ready(3);
    expect(pool.evict(Number.POSITIVE_INFINITY)).toBe(3);
    expect(pool.size).toBe(0);
  });

  test.each([
    ['', '""'],
    [5, '5'],
  ])('refuses %o for a reason', async (reason, shown) => {
    const pool = createPool(recordingFactory());
    await pool.ready(1);
    expect(() => pool.evict(1, reason as string)).toThrow(
      `evict: reason is ${shown}; accepted: a string, not empty`,
    );
    expect(pool.available).toBe(1);
  });
});

describe.each(['grow', 'evict'] as const)('%s', (method) => {
  test.each([
    [-1, '-1'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    ['1', '"1"'],
    [null, 'null'],
  ])('throws for a count of %o, and nothing happens', async (count, shown) => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 3, min: 1 });
    await pool.ready();
    const call = () => pool[method](count as number);
    expect(call).toThrow(OptionError);
    expect(call).toThrow(`${method}: count is ${shown}; accepted: a whole number of at least 0`);
    expect(factory).toMatchObject({ creations: 1, destroyed: [] });
  });
});
