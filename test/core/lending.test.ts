import {
  createPool,
  type Pool,
  PoolClosedError,
  PoolEmptyError,
  type PoolOptions,
} from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import {
  fakeTime,
  pass,
  recordingFactory,
  settle,
  type Thing,
  uncaught,
  watch,
} from '../helpers/core.js';

describe('the fast lane', () => {
  test('lends the idle resource that acquire, tryAcquire, use and useSync ask for', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    const thing = await pool.acquire();
    await pool.release(thing);
    expect(await pool.acquire()).toBe(thing);
    await pool.release(thing);
    expect(pool.tryAcquire()).toBe(thing);
    await pool.release(thing);
    expect(await pool.use((lent) => lent)).toBe(thing);
    expect(pool.useSync((lent) => lent)).toBe(thing);
    expect(factory.creations).toBe(1);
  });

  test('counts like the queue does', async () => {
    const pool = createPool(recordingFactory(), { max: 2 });
    const [first] = await Promise.all([pool.acquire(), pool.acquire()]);
    await pool.release(first);
    expect(pool.tryAcquire()).toBe(first);
    expect(pool.stats()).toMatchObject({ size: 2, available: 0, borrowed: 2, acquired: 3 });
  });

  test('lends what is idle to an acquire with options, too', async () => {
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire();
    await pool.release(thing);
    const acquired = pool.acquire({ priority: 3, timeoutMillis: 5 });
    expect(pool.pending).toBe(0);
    expect(await acquired).toBe(thing);
  });

  test('takes a resource back at once: release and use leave it idle without a turn', () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    return pool.ready().then(() => {
      const thing = pool.tryAcquire() as Thing;
      pool.release(thing);
      expect(pool.available).toBe(1);
      pool.use(() => 'done');
      expect(pool.available).toBe(1);
    });
  });
});

describe('tryAcquire', () => {
  test('gives undefined when nothing is idle, and creates nothing', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    expect(pool.tryAcquire()).toBeUndefined();
    await settle();
    expect(factory.creations).toBe(0);
  });

  test('gives undefined while the pool is draining', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    await pool.drain();
    expect(pool.available).toBe(1);
    expect(pool.tryAcquire()).toBeUndefined();
  });

  test('does not get ahead of who waits', async () => {
    const validated = Promise.withResolvers<boolean>();
    const factory = recordingFactory({ validate: () => validated.promise });
    const pool = createPool(factory, { max: 2, min: 2, testOnBorrow: true });
    await pool.ready();
    const waiting = pool.acquire();
    expect(pool).toMatchObject({ pending: 1, available: 1 });
    expect(pool.tryAcquire()).toBeUndefined();
    expect(pool.available).toBe(1);
    validated.resolve(true);
    await waiting;
  });
});

describe('use', () => {
  test('gives on what a synchronous or asynchronous function returns', async () => {
    const pool = createPool(recordingFactory());
    expect(await pool.use(() => 1)).toBe(1);
    expect(await pool.use(() => 2)).toBe(2);
    expect(await pool.use(async () => 3)).toBe(3);
  });

  test('keeps the resource until the function has settled', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    const work = Promise.withResolvers<string>();
    const used = pool.use(() => work.promise);
    expect(pool.borrowed).toBe(1);
    work.resolve('done');
    expect(await used).toBe('done');
    expect(pool).toMatchObject({ borrowed: 0, available: 1 });
  });

  test('waits for thenables that are no promises, functions among them', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    const thenable = () => {};
    // biome-ignore lint/suspicious/noThenProperty: this is what is tested
    Object.assign(thenable, { then: (resolve: (value: number) => void) => resolve(pool.borrowed) });
    expect(await pool.use(() => thenable)).toBe(1);
  });

  test('takes the resource back when what its function returns throws at being looked at', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { min: 1 });
    await pool.ready();
    const get = () => {
      throw new Error('looked at');
    };
    await expect(pool.use(() => new Proxy({}, { get }))).rejects.toThrow('looked at');
    expect(factory.destroyed).toEqual([]);
    expect(pool).toMatchObject({ borrowed: 0, available: 1 });
  });

  test('gives on what is no promise although it has a then', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    // biome-ignore lint/suspicious/noThenProperty: this is what is tested
    const result = { then: 'afterwards' };
    expect(pool.useSync(() => result)).toBe(result);
  });

  test('leaves a resource alone that its function returned, and that was lent on', async () => {
    const pool = createPool(recordingFactory());
    const work = Promise.withResolvers<void>();
    const first = pool.use(async (thing) => {
      await pool.release(thing);
      await work.promise;
    });
    const second = await pool.acquire();
    work.resolve();
    await first;
    expect(pool.isBorrowedResource(second)).toBe(true);
  });

  test('leaves a resource alone that its function destroyed', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    await pool.use((thing) => pool.destroy(thing));
    expect(factory.destroyed).toEqual(['1 borrower']);
  });
});

describe('useSync', () => {
  test('returns what the function returns, without a promise', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    expect(pool.useSync((thing) => thing.id + 1)).toBe(2);
    expect(pool.available).toBe(1);
  });

  test('throws PoolEmptyError when nothing is idle', () => {
    const pool = createPool(recordingFactory());
    expect(() => pool.useSync(() => 1)).toThrow(PoolEmptyError);
  });

  test('throws PoolClosedError when the pool is draining or closed', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.drain();
    expect(() => pool.useSync(() => 1)).toThrow(PoolClosedError);
    await pool.close();
    expect(() => pool.useSync(() => 1)).toThrow(PoolClosedError);
  });

  test('refuses a function that returned a promise, and destroys what that may still use', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { min: 1 });
    await pool.ready();
    const promising = () => Promise.resolve(1) as unknown as number;
    expect(() => pool.useSync(promising)).toThrow(TypeError);
    expect(factory.destroyed).toEqual(['1 threw']);
  });

  test('has told of that promise by then: when it rejects, that is no unhandled rejection', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    const failing = () => Promise.reject(new Error('later')) as unknown as number;
    const errors = await uncaught(() => {
      expect(() => pool.useSync(failing)).toThrow(TypeError);
    });
    expect(errors).toEqual([]);
  });

  test('refuses a promise of a function that returned its resource itself, and lets that be', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { min: 1 });
    await pool.ready();
    const promising = (thing: Thing) => pool.release(thing) as unknown as number;
    expect(() => pool.useSync(promising)).toThrow(/useSync.*promise/);
    expect(factory.destroyed).toEqual([]);
    expect(pool.available).toBe(1);
  });

  test('checks its function before anything is lent', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    expect(() => pool.useSync(undefined as never)).toThrow(
      'useSync: fn is undefined; accepted: a function',
    );
    expect(() => pool.useSync(5 as never)).toThrow('useSync: fn is 5; accepted: a function');
    expect(pool.available).toBe(1);
  });

  test('can be nested: each call gets a resource of its own', async () => {
    const pool = createPool(recordingFactory(), { max: 2, min: 2 });
    await pool.ready();
    const ids = pool.useSync((outer) => pool.useSync((inner) => [outer.id, inner.id]));
    expect(ids).toEqual([2, 1]);
  });
});

describe('which idle resource is lent', () => {
  const lendInTurn = async (fifo?: boolean) => {
    const pool = createPool(recordingFactory(), { max: 3, min: 3, fifo });
    await pool.ready();
    const lent = await Promise.all([1, 2, 3].map(() => pool.acquire()));
    const [first, second, third] = lent.sort((one, other) => one.id - other.id);
    await pool.release(second as Thing);
    await pool.release(third as Thing);
    await pool.release(first as Thing);
    return [1, 2, 3].map(() => pool.tryAcquire()?.id);
  };

  test('is the one returned last', async () => {
    expect(await lendInTurn()).toEqual([1, 3, 2]);
    expect(await lendInTurn(false)).toEqual([1, 3, 2]);
  });

  test('with fifo: true is the one returned longest ago', async () => {
    expect(await lendInTurn(true)).toEqual([2, 3, 1]);
  });
});

describe('lending last in, first out', () => {
  const peak = async (options: PoolOptions<Thing>, validate?: () => unknown) => {
    fakeTime();
    const factory = recordingFactory(validate && { validate });
    const pool = createPool(factory, { max: 20, ...options });
    const all = await Promise.all(Array.from({ length: 20 }, () => pool.acquire()));
    for (const thing of all) await pool.release(thing);
    return { factory, pool };
  };
  /** One loan every 10 ms. */
  const quietFor = async (pool: Pool<Thing>, millis: number) => {
    const used = new Set<number>();
    for (let passed = 0; passed < millis; passed += 10) {
      used.add(await pool.use(({ id }) => id));
      await pass(10);
    }
    return used;
  };

  test.each([
    [false, 1],
    [true, 20],
  ])('with fifo: %s, %i are left when a peak has been over for long', async (fifo, left) => {
    const { pool } = await peak({ fifo, idleTimeoutMillis: 1000 });
    await quietFor(pool, 5000);
    expect(pool.size).toBe(left);
  });

  test('keeps the softIdleTimeoutMillis of those that are not needed', async () => {
    const { factory, pool } = await peak({ min: 2, softIdleTimeoutMillis: 1000 });
    await quietFor(pool, 5000);
    expect(pool.size).toBe(2);
    expect(factory.destroyed).not.toContain('20 softIdle'); // it was returned last
  });

  test('a check in the background leaves the one that is always lent where it is', async () => {
    const options = { testWhileIdle: true, evictionRunIntervalMillis: 100 };
    const { pool } = await peak(options, () => true);
    const used = await quietFor(pool, 5000);
    expect(pool.size).toBe(20);
    expect(used).toEqual(new Set([20]));
  });

  test('those go first that were used longest ago', async () => {
    const { factory, pool } = await peak({});
    await pool.use(() => {});
    pool.evict(2);
    pool.resize({ max: 17 });
    expect(factory.destroyed).toEqual(['1 evicted', '2 evicted', '3 resized']);
  });

  test.each([
    ['maxAgeMillis', { maxAgeMillis: 1000 }, 'age'],
    ['maxUses', { maxUses: 10 }, 'uses'],
  ])('%s replaces also the one that is always lent', async (_, options, reason) => {
    const { factory, pool } = await peak(options);
    const used = await quietFor(pool, 3000);
    expect(used.size).toBeGreaterThan(1);
    expect(factory.destroyed).toContain(`20 ${reason}`);
  });

  test.each([
    ['answers at once', true],
    ['takes time', Promise.resolve(true)],
  ])(
    'a check in the background that %s changes neither the order nor the idle times',
    async (_, answer) => {
      const options = { testWhileIdle: true, idleTimeoutMillis: 1000 };
      const { pool } = await peak(options, () => answer);
      const used = await quietFor(pool, 5000);
      expect(pool.size).toBe(1);
      expect(used).toEqual(new Set([20])); // the one returned last
    },
  );
});

describe('a pool without a limit', () => {
  test('creates for everybody at once', async () => {
    const pool = createPool(recordingFactory(), { max: 0 });
    await Promise.all(Array.from({ length: 50 }, () => pool.acquire()));
    expect(pool).toMatchObject({
      size: 50,
      borrowed: 50,
      max: 0,
      spareResourceCapacity: Number.POSITIVE_INFINITY,
    });
  });

  test('never refuses to queue', async () => {
    const pool = createPool(recordingFactory(), { max: 0, maxWaitingClients: 0 });
    await Promise.all([pool.acquire(), pool.acquire()]);
    expect(pool.borrowed).toBe(2);
  });
});

test('resources can be any value but undefined, falsy ones too', async () => {
  const values = [0, '', null, Number.NaN, false];
  const left = [...values];
  const pool = createPool<unknown>({ create: () => left.shift(), destroy() {} }, { max: 5 });
  const lent = await Promise.all(values.map(() => pool.acquire()));
  expect(lent).toEqual(values);
  for (const value of lent) await pool.release(value);
  expect(pool.tryAcquire()).toBe(false);
  const watched = watch(pool.release(false));
  await settle();
  expect(watched.state).toBe('fulfilled');
});
