import { createPool, type PoolOptions } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { describe, expect, test } from 'vitest';
import { recordingFactory, settle, type Thing, watch } from '../../helpers/core.js';

const their = (options: object) =>
  genericPool.createPool(
    recordingFactory() as unknown as genericPool.Factory<Thing>,
    options as genericPool.Options,
  );
const our = (options: object) => createPool(recordingFactory(), options as PoolOptions<Thing>);

describe('a bad option value', () => {
  test.each([
    [{ max: '5' }, 5],
    [{ max: '5 or so' }, 5],
    [{ max: Number.NaN }, 1],
    [{ max: -1 }, 1],
    [{ max: 1.9 }, 1],
    [{ max: null }, 1],
    [{ max: 'many' }, 1],
  ])('generic-pool: %o is silently taken for a max of %i', (options, max) => {
    expect(their(options).max).toBe(max);
  });

  test.each([
    [{ min: '1', max: 2 }, 1],
    [{ min: Number.NaN }, 0],
    [{ min: -3 }, -3],
  ])('generic-pool: %o is silently taken for a min of %i', (options, min) => {
    expect(their({ autostart: false, ...options }).min).toBe(min);
  });

  test('generic-pool: flags that are none are silently left out', async () => {
    const factory = recordingFactory();
    const pool = genericPool.createPool(factory as unknown as genericPool.Factory<Thing>, {
      max: 2,
      fifo: 0 as unknown as boolean, // meant: false
    });
    const lent = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const thing of lent) await pool.release(thing);
    expect(await pool.acquire()).toEqual({ id: 1 }); // fifo all the same
  });

  test('generic-pool: a negative acquireTimeoutMillis is found out by acquire, which throws', () => {
    const pool = their({ acquireTimeoutMillis: -1 });
    expect(() => pool.acquire()).toThrow('delay must be a positive int');
  });

  test.each<[object]>([
    [{ max: '5' }],
    [{ max: Number.NaN }],
    [{ max: -1 }],
    [{ max: 1.9 }],
    [{ max: null }],
    [{ min: '1', max: 2 }],
    [{ min: -3 }],
    [{ fifo: 0 }],
    [{ acquireTimeoutMillis: -1 }],
  ])('ours: %o is refused by createPool, with a TypeError', (options) => {
    expect(() => our(options)).toThrow(TypeError);
  });
});

describe('a min above max', () => {
  test('generic-pool: is silently taken for max', () => {
    expect(their({ min: 5, max: 2 }).min).toBe(2);
  });

  test('ours: is refused', () => {
    expect(() => our({ min: 5, max: 2 })).toThrow(
      'min is 5; accepted: a whole number up to max (2)',
    );
  });
});

describe('max: 0', () => {
  test('generic-pool: is silently taken for 1', () => {
    expect(their({ max: 0 }).max).toBe(1);
  });

  test('ours: is no limit', () => {
    const pool = our({ max: 0 });
    expect(pool.max).toBe(0);
    expect(pool.spareResourceCapacity).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('an option that does not exist', () => {
  test('generic-pool: is silently ignored', () => {
    expect(their({ maxx: 5 }).max).toBe(1);
  });

  test('ours: is refused', () => {
    expect(() => our({ maxx: 5 })).toThrow('unknown option maxx');
  });
});

describe('testOnReturn', () => {
  test('generic-pool: is in its types, but validate is never asked', async () => {
    const factory = recordingFactory({ validate: () => false });
    const pool = genericPool.createPool(factory as unknown as genericPool.Factory<Thing>, {
      testOnReturn: true,
    });
    await pool.release(await pool.acquire());
    expect(await pool.acquire()).toEqual({ id: 1 });
  });

  test('ours: does not exist; the recycle of the factory does what its name says', async () => {
    expect(() => our({ testOnReturn: true })).toThrow('unknown option testOnReturn');
    const pool = createPool(recordingFactory({ recycle: () => false }));
    await pool.release(await pool.acquire());
    expect(await pool.acquire()).toEqual({ id: 2 });
  });
});

describe('testOnBorrow without a validate', () => {
  test('generic-pool: has every acquire wait for ever, and its slot lost', async () => {
    const pool = their({ testOnBorrow: true });
    const told: unknown[] = [];
    pool.on('factoryCreateError', (error) => told.push(error));
    const acquired = watch(pool.acquire());
    await settle();
    expect(acquired.state).toBe('pending');
    expect(pool.spareResourceCapacity).toBe(0);
    expect(String(told[0])).toContain('validate is not a function');
  });

  test('ours: is refused by createPool', () => {
    expect(() => our({ testOnBorrow: true })).toThrow('this factory has no validate');
  });
});

describe('the Promise option', () => {
  class Other<T> extends Promise<T> {}

  test('generic-pool: says which promises it makes', () => {
    expect(their({ Promise: Other }).acquire()).toBeInstanceOf(Other);
  });

  test('ours: does not exist: promises are those of the language', () => {
    expect(() => our({ Promise: Other })).toThrow('unknown option Promise');
  });
});
