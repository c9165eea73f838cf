import { CreateError, createPool, PoolClosedError } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { describe, expect, test } from 'vitest';
import { recordingFactory, settle, type Thing, watch } from '../../helpers/core.js';

const broken = new Error('out of order');

/** A create that fails `times` times, and works from then on. */
function failing(times: number) {
  const factory = recordingFactory({
    create: (make) => (factory.creations <= times ? Promise.reject(broken) : make()),
  });
  return factory;
}
// generic-pool's types want promises, its code does not.
const their = (factory: unknown, options = {}) =>
  genericPool.createPool(factory as genericPool.Factory<Thing>, options);

describe('an acquire whose creation fails (#175, #183, #273)', () => {
  test('generic-pool: is not rejected; create is called again and again', async () => {
    const factory = failing(1000);
    expect(await their(factory).acquire()).toEqual({ id: 1 });
    expect(factory.creations).toBe(1001);
  });

  test('ours: is rejected with a CreateError that has the cause', async () => {
    const factory = failing(1000);
    await expect(createPool(factory).acquire()).rejects.toMatchObject({ cause: broken });
    expect(factory.creations).toBe(1);
  });
});

describe('the event loop while creation fails (#161, #194)', () => {
  test('generic-pool: stands still: no timer fires, not even that of acquireTimeoutMillis', async () => {
    const factory = failing(20_000);
    const pool = their(factory, { acquireTimeoutMillis: 1 });
    const start = performance.now();
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    const acquired = await pool.acquire(); // not timed out, however long those 20,000 took
    expect(performance.now() - start).toBeGreaterThan(1);
    expect(acquired).toEqual({ id: 1 });
    expect(turned).toBe(false);
  });

  test('ours: turns once for each round of failures', async () => {
    const pool = createPool(failing(1000), { max: 10 });
    let turns = 0;
    const turn = () => {
      turns++;
      if (pool.pending > 0) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.allSettled(Array.from({ length: 1000 }, () => pool.acquire()));
    expect(turns).toBeGreaterThan(90);
  });

  test('ours: a timer fires in time while min cannot be created', async () => {
    const pool = createPool(failing(Number.POSITIVE_INFINITY), { min: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(pool.stats().createErrors).toBe(1);
    await pool.close();
  });
});

describe('creation after drain (#256)', () => {
  test('generic-pool: goes on and on for who waits; drain does not end before it works', async () => {
    const factory = failing(1000);
    const pool = their(factory);
    const acquired = watch(pool.acquire());
    pool.drain();
    const before = factory.creations;
    await settle();
    expect(factory.creations).toBe(1001);
    expect(before).toBe(1);
    expect(acquired.state).toBe('fulfilled');
  });

  test('ours: is tried once for each who waits; drain ends', async () => {
    const factory = failing(1000);
    const pool = createPool(factory);
    const acquired = watch(pool.acquire());
    await pool.drain();
    await settle();
    expect(acquired.error).toBeInstanceOf(CreateError);
    expect(factory.creations).toBe(1);
  });

  test('ours: close rejects who waits at once', async () => {
    const pool = createPool(failing(1000));
    const acquired = watch(pool.acquire());
    await pool.close();
    await settle();
    expect(acquired.error).toBeInstanceOf(PoolClosedError);
  });
});

describe('a create that throws', () => {
  const throwing = () =>
    recordingFactory({
      create: () => {
        throw broken;
      },
    });

  test('generic-pool: acquire throws instead of rejecting, and goes on waiting', () => {
    const pool = their(throwing());
    expect(() => pool.acquire()).toThrow(broken);
    expect(pool.pending).toBe(1);
  });

  test('generic-pool: createPool itself throws, when min is set', () => {
    expect(() => their(throwing(), { min: 1 })).toThrow(broken);
  });

  test('ours: counts as a failed creation, like a rejection', async () => {
    const pool = createPool(throwing(), { min: 1 });
    await expect(pool.acquire()).rejects.toThrow(CreateError);
    expect(pool.pending).toBe(0);
    await pool.close();
  });
});

describe('a create that gives the same resource twice', () => {
  const same = { create: async () => thing, destroy: async () => {} };
  const thing = { id: 1 };

  test('generic-pool: lends it to two borrowers at once', async () => {
    const pool = their(same, { max: 2 });
    expect(await pool.acquire()).toBe(thing);
    expect(await pool.acquire()).toBe(thing);
    expect(pool.borrowed).toBe(1);
  });

  test('ours: has failed the second time, and the acquire waits for the first one', async () => {
    const pool = createPool(same, { max: 2 });
    expect(await pool.acquire()).toBe(thing);
    const told = new Promise<Error>((resolve) => pool.on('factoryCreateError', resolve));
    const second = pool.acquire();
    expect((await told).message).toContain('a resource that the pool holds already');
    await pool.release(thing);
    expect(await second).toBe(thing);
  });
});

describe('a create that acquires', () => {
  const nested = (acquire: () => Promise<Thing>) => {
    let depth = 0;
    return recordingFactory({
      create: (make) => {
        if (depth++ < 5) acquire().catch(() => {});
        return make();
      },
    });
  };

  test('generic-pool: exceeds max', async () => {
    const pool = their(
      nested(() => pool.acquire()),
      { max: 2 },
    );
    await pool.acquire();
    expect(pool.size).toBeGreaterThan(2);
  });

  test('ours: does not', async () => {
    const factory = nested(() => pool.acquire());
    const pool: ReturnType<typeof createPool<Thing>> = createPool(factory, { max: 2 });
    await pool.acquire();
    expect(pool.size).toBe(2);
  });
});

describe('a create that hangs', () => {
  test('generic-pool: keeps its slot for ever', async () => {
    const options = { acquireTimeoutMillis: 1 };
    const pool = their({ create: () => new Promise(() => {}), destroy: async () => {} }, options);
    await expect(pool.acquire()).rejects.toThrow('ResourceRequest timed out');
    expect(pool.spareResourceCapacity).toBe(0);
  });

  test('ours: fails after createTimeoutMillis, 30 s by default, and gives its slot back', async () => {
    const pool = createPool(
      { create: () => new Promise(() => {}), destroy() {} },
      { createTimeoutMillis: 1, countDestroying: false },
    );
    await expect(pool.acquire()).rejects.toThrow(CreateError);
    expect(pool.spareResourceCapacity).toBe(1);
  });
});

describe('factoryCreateError', () => {
  const told = (pool: {
    on(event: 'factoryCreateError', listener: (error: unknown) => void): unknown;
  }) => new Promise((resolve) => pool.on('factoryCreateError', resolve));

  test('generic-pool: is given what create threw', async () => {
    const pool = their(failing(1));
    const error = told(pool);
    await pool.acquire();
    expect(await error).toBe(broken);
  });

  test('ours: is given the CreateError, with that as its cause', async () => {
    const pool = createPool(failing(1));
    const error = told(pool);
    watch(pool.acquire());
    expect(await error).toMatchObject({ code: 'ERR_POOL_CREATE', cause: broken });
  });
});
