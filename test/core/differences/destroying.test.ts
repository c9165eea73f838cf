import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { describe, expect, test } from 'vitest';
import {
  fakeTime,
  hang,
  pass,
  recordingFactory,
  settle,
  type Thing,
  uncaught,
  watch,
} from '../../helpers/core.js';

const broken = new Error('stuck');
const throwing = () =>
  recordingFactory({
    destroy: () => {
      throw broken;
    },
  });
const their = (factory: unknown, options = {}) =>
  genericPool.createPool(factory as genericPool.Factory<Thing>, options);

describe('a destroy that throws', () => {
  test('generic-pool: pool.destroy throws instead of rejecting, and who waits is left alone', async () => {
    const pool = their(throwing());
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire());
    expect(() => pool.destroy(thing)).toThrow(broken);
    await settle();
    expect(waiting.state).toBe('pending');
    expect(pool.spareResourceCapacity).toBe(1);
  });

  test('generic-pool: use rejects with that, and the error of the borrower is lost', async () => {
    const failed = their(throwing()).use(() => Promise.reject(new Error('the borrower own')));
    await expect(failed).rejects.toBe(broken);
  });

  test('generic-pool: the evictor dies of it, by an uncaught exception in a timer', async () => {
    fakeTime();
    const factory = throwing();
    const pool = their(factory, { max: 2, evictionRunIntervalMillis: 10, idleTimeoutMillis: 5 });
    const lent = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const thing of lent) await pool.release(thing);
    await expect(pass(10)).rejects.toBe(broken); // where timers are not faked: uncaught
    await pass(10_000);
    expect(factory.destroyed).toHaveLength(1);
    expect(pool.available).toBe(1);
  });

  test('ours: is told by factoryDestroyError; all goes on as it would have', async () => {
    fakeTime();
    const factory = throwing();
    const pool = createPool(factory, {
      max: 2,
      evictionRunIntervalMillis: 10,
      idleTimeoutMillis: 5,
    });
    const told: unknown[] = [];
    pool.on('factoryDestroyError', (error) => told.push(error.cause));
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire());
    await pool.destroy(thing);
    await settle();
    expect(waiting.state).toBe('fulfilled');
    const own = new Error('the borrower own');
    await expect(pool.use(() => Promise.reject(own))).rejects.toBe(own);
    await pool.use(() => {});
    await pass(1000);
    expect(told).toEqual([broken, broken, broken]);
    expect(pool.available).toBe(0);
  });
});

describe('a destroy that hangs', () => {
  test('generic-pool: clear does not end, by default', async () => {
    fakeTime();
    const pool = their(recordingFactory({ destroy: hang }));
    await pool.release(await pool.acquire());
    const cleared = watch(pool.clear());
    await pass(1_000_000);
    expect(cleared.state).toBe('pending');
  });

  test('ours: destroyTimeoutMillis is 5 s by default', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ destroy: hang }));
    await pool.release(await pool.acquire());
    const cleared = watch(pool.clear());
    await pass(5000);
    expect(cleared.state).toBe('fulfilled');
  });
});

/** A factory whose validate is fine until `faulty.now`. */
function turningFaulty(validate: () => boolean | Promise<boolean>) {
  const faulty = { now: false };
  const factory = recordingFactory({
    validate: ({ id }) => (faulty.now && id === 1 ? validate() : true),
  });
  return { factory, faulty };
}

describe('a validate that rejects (#195)', () => {
  const rejecting = () => turningFaulty(() => Promise.reject(broken));

  test('generic-pool: is an unhandled rejection; the slot is lost, and the borrower waits for ever', async () => {
    const { factory, faulty } = rejecting();
    const pool = their(factory, { testOnBorrow: true });
    await pool.release(await pool.acquire());
    faulty.now = true;
    let acquired: unknown;
    const errors = await uncaught(() => {
      acquired = watch(pool.acquire());
    });
    expect(errors).toEqual([broken]);
    expect(acquired).toMatchObject({ state: 'pending' });
    expect(pool.spareResourceCapacity).toBe(0);
  });

  test('ours: is a no: the resource is destroyed, the borrower gets another', async () => {
    const { factory, faulty } = rejecting();
    const pool = createPool(factory, { testOnBorrow: true });
    await pool.release(await pool.acquire());
    faulty.now = true;
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(factory.destroyed).toEqual(['1 invalid']);
  });
});

describe('a validate that throws', () => {
  const throws = () =>
    turningFaulty(() => {
      throw broken;
    });

  test('generic-pool: acquire throws instead of rejecting, and the slot is lost', async () => {
    const { factory, faulty } = throws();
    const pool = their(factory, { testOnBorrow: true });
    await pool.release(await pool.acquire());
    faulty.now = true;
    expect(() => pool.acquire()).toThrow(broken);
    expect(pool.spareResourceCapacity).toBe(0);
  });

  test('ours: is a no', async () => {
    const { factory, faulty } = throws();
    const pool = createPool(factory, { testOnBorrow: true });
    await pool.release(await pool.acquire());
    faulty.now = true;
    expect(await pool.acquire()).toEqual({ id: 2 });
  });
});

describe('with testOnBorrow, a resource that was made for its borrower', () => {
  const doubtful = () => {
    const factory = recordingFactory({ validate: async ({ id }) => id > 1000 });
    return factory;
  };

  test('generic-pool: is validated first; while none passes, the event loop stands still', async () => {
    const factory = doubtful();
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    expect(await their(factory, { testOnBorrow: true }).acquire()).toEqual({ id: 1001 });
    expect(turned).toBe(false);
  });

  test('ours: is lent as it is', async () => {
    const factory = doubtful();
    expect(await createPool(factory, { testOnBorrow: true }).acquire()).toEqual({ id: 1 });
  });
});

describe('clear', () => {
  test('generic-pool: leaves the destroyed resources among the idle ones: they are lent', async () => {
    const factory = recordingFactory();
    const pool = their(factory);
    const thing = await pool.acquire();
    await pool.release(thing);
    await pool.clear();
    expect(factory.destroyed).toEqual(['1 undefined']);
    expect(pool.available).toBe(1);
    expect(await pool.acquire()).toBe(thing);
  });

  test('ours: takes them out', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    await pool.release(await pool.acquire());
    await pool.clear();
    expect(pool.available).toBe(0);
    expect(await pool.acquire()).toEqual({ id: 2 });
  });
});

describe('factoryDestroyError', () => {
  test('generic-pool: is given what destroy threw', async () => {
    const pool = their(recordingFactory({ destroy: () => Promise.reject(broken) }));
    const told = new Promise((resolve) => pool.on('factoryDestroyError', resolve));
    await pool.destroy(await pool.acquire());
    expect(await told).toBe(broken);
  });

  test('ours: is given the DestroyError, with that as its cause', async () => {
    const pool = createPool(recordingFactory({ destroy: () => Promise.reject(broken) }));
    const told = new Promise((resolve) => pool.on('factoryDestroyError', resolve));
    await pool.destroy(await pool.acquire());
    expect(await told).toMatchObject({ code: 'ERR_POOL_DESTROY', cause: broken });
  });
});
