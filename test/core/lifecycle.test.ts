import { OptionError, PoolClosedError } from '@wasm-pool/core';
import { createAdapterPool as createPool } from '@wasm-pool/core/internal';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass, recordingFactory, settle, watch } from '../helpers/core.js';

describe('drain', () => {
  test('serves those who wait, and refuses new ones', async () => {
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire();
    const waiting = pool.acquire();
    const drained = watch(pool.drain());
    await expect(pool.acquire()).rejects.toThrow('the pool is draining');
    await expect(pool.ready(1)).resolves.toBeUndefined(); // it is, and that changes nothing
    await pool.release(thing);
    await settle();
    expect(drained.state).toBe('pending');
    await pool.release(await waiting);
    await settle();
    expect(drained.state).toBe('fulfilled');
  });

  test('leaves the idle ones for clear', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2, min: 2 });
    await pool.ready();
    await pool.drain();
    expect(pool.available).toBe(2);
    await pool.clear();
    expect(factory.destroyed).toEqual(['1 clear', '2 clear']);
    expect(pool.size).toBe(0); // min is not made anew
  });

  test('creates for those who wait, but not for min', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 3, min: 2 });
    const all = [pool.acquire(), pool.acquire(), pool.acquire()];
    const drained = pool.drain();
    for (const one of all) await pool.destroy(await one);
    await drained;
    expect(factory.creations).toBe(3);
  });

  test('ends when those who wait give up or cannot be served', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ create: () => Promise.reject(new Error('no')) }));
    watch(pool.acquire());
    watch(pool.acquire());
    const drained = watch(pool.drain());
    await pass(1);
    expect(drained.state).toBe('fulfilled');

    const other = createPool(recordingFactory());
    const thing = await other.acquire();
    watch(other.acquire({ timeoutMillis: 10 }));
    const otherDrained = watch(other.drain());
    await other.destroy(thing);
    await pass(10);
    expect(otherDrained.state).toBe('pending'); // the one who waited was served
    expect(other.borrowed).toBe(1);
  });

  test('ends when the last who waits times out', async () => {
    fakeTime();
    const canCreate = () => false;
    const pool = createPool(recordingFactory({ canCreate }));
    watch(pool.acquire({ timeoutMillis: 10 }));
    const drained = watch(pool.drain());
    await pass(10);
    expect(drained.state).toBe('fulfilled');
  });

  test('stops the evictor when all is returned', async () => {
    fakeTime();
    const factory = recordingFactory();
    const pool = createPool(factory, { idleTimeoutMillis: 100 });
    const thing = await pool.acquire();
    const drained = pool.drain();
    await pool.release(thing);
    await drained;
    await pass(10_000);
    expect(factory.destroyed).toEqual([]);
  });

  test('can be called twice', async () => {
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire();
    const drained = [watch(pool.drain()), watch(pool.drain())];
    await pool.release(thing);
    await settle();
    expect(drained.map((it) => it.state)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('leaves nobody waiting for a ready that cannot come', async () => {
    const pool = createPool(recordingFactory(), { min: 1, autostart: false });
    const ready = watch(pool.ready());
    await pool.drain();
    await settle();
    expect(ready.error).toBeInstanceOf(PoolClosedError);
  });
});

describe('clear', () => {
  test('destroys what is idle, not what is lent', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2, min: 2 });
    await pool.acquire();
    await settle();
    await pool.clear();
    expect(factory.destroyed).toEqual(['2 clear']);
    expect(pool.borrowed).toBe(1);
  });

  test('waits for what is being created, and destroys that, too', async () => {
    const made = Promise.withResolvers<void>();
    const factory = recordingFactory({
      create: (make) => (factory.creations === 1 ? made.promise.then(make) : make()),
    });
    const pool = createPool(factory, { min: 1 });
    const cleared = watch(pool.clear());
    await settle();
    expect(cleared.state).toBe('pending');
    made.resolve();
    await settle();
    expect(cleared.state).toBe('fulfilled');
    expect(factory.destroyed).toEqual(['1 clear']);
  });

  test('has min made anew, once', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 5, min: 2 });
    await pool.ready();
    await pool.clear();
    await pool.ready();
    expect(factory.made).toHaveLength(4);
    expect(pool).toMatchObject({ size: 2, available: 2 });
  });

  test('ends although a creation fails', async () => {
    const pool = createPool(recordingFactory({ create: () => Promise.reject(new Error('no')) }), {
      min: 1,
    });
    await pool.clear();
    expect(pool.size).toBe(0);
    await pool.close();
  });
});

describe('ready', () => {
  test('resolves once min resources exist', async () => {
    const pool = createPool(recordingFactory(), { max: 3, min: 2 });
    await pool.ready();
    expect(pool).toMatchObject({ size: 2, available: 2 });
  });

  test('counts those on loan', async () => {
    const pool = createPool(recordingFactory(), { max: 2, min: 2 });
    await Promise.all([pool.acquire(), pool.acquire()]);
    await pool.ready();
  });

  test('resolves at once when there is no min', async () => {
    await createPool(recordingFactory()).ready();
  });

  test('resolves when there are as many as it asks for, and not before', async () => {
    const creations: PromiseWithResolvers<void>[] = [];
    const factory = recordingFactory({
      create: (make) => {
        const creation = Promise.withResolvers<void>();
        creations.push(creation);
        return creation.promise.then(make);
      },
    });
    const pool = createPool(factory, { max: 2 });
    const one = watch(pool.ready(1));
    const two = watch(pool.ready(2));
    creations[0]?.resolve();
    await settle();
    expect([one.state, two.state]).toEqual(['fulfilled', 'pending']);
    creations[1]?.resolve();
    await settle();
    expect(two.state).toBe('fulfilled');
  });

  test('has nothing made anew once it has resolved', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2 });
    await pool.ready(2);
    pool.evict(2);
    await settle();
    expect(factory.creations).toBe(2);
  });

  test('makes as many as it is asked for', async () => {
    const pool = createPool(recordingFactory(), { max: 5 });
    await Promise.all([pool.ready(1), pool.ready(3)]);
    expect(pool.available).toBe(3);
  });

  test('rejects with the error of a creation that failed', async () => {
    const cause = new Error('no');
    const pool = createPool(recordingFactory({ create: () => Promise.reject(cause) }), { min: 1 });
    await expect(pool.ready()).rejects.toMatchObject({ code: 'ERR_POOL_CREATE', cause });
    await pool.close();
  });

  test('makes another when one is destroyed on the way', async () => {
    const second = Promise.withResolvers<void>();
    const factory = recordingFactory({
      create: (make) => (factory.creations === 2 ? second.promise.then(make) : make()),
    });
    const pool = createPool(factory, { max: 2 });
    const ready = watch(pool.ready(2));
    await pool.use((thing) => pool.destroy(thing));
    second.resolve();
    await settle();
    expect(ready.state).toBe('fulfilled');
    expect(pool.size).toBe(2);
  });

  test.each([-1, 1.5, Number.NaN, 4, '1'])('refuses a count of %s', async (count) => {
    const pool = createPool(recordingFactory(), { max: 3 });
    await expect(pool.ready(count as number)).rejects.toThrow(OptionError);
    await expect(pool.ready(count as number)).rejects.toThrow(
      `ready: count is ${JSON.stringify(count) === 'null' ? 'NaN' : JSON.stringify(count)}; accepted: a whole number from 0 to 3`,
    );
  });

  test('takes any count where max has no limit', async () => {
    const pool = createPool(recordingFactory(), { max: 0 });
    await pool.ready(20);
    expect(pool.size).toBe(20);
  });
});

describe('start', () => {
  test('is called by createPool', async () => {
    const factory = recordingFactory();
    createPool(factory, { min: 1 });
    expect(factory.creations).toBe(1);
  });

  test('with autostart: false makes min resources, once', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 4, min: 2, autostart: false });
    const ready = watch(pool.ready());
    pool.fill();
    await settle();
    expect(factory.creations).toBe(0);
    pool.start();
    pool.start();
    await settle();
    expect(factory.creations).toBe(2);
    expect(ready.state).toBe('fulfilled');
  });

  test('with autostart: false makes what ready waits for', async () => {
    const pool = createPool(recordingFactory(), { max: 4, min: 2, autostart: false });
    const ready = watch(pool.ready(3));
    pool.start();
    await settle();
    expect(ready.state).toBe('fulfilled');
    expect(pool.size).toBe(3);
  });

  test('with autostart: false is made up for by the first acquire', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 4, min: 2, autostart: false });
    expect(pool.tryAcquire()).toBeUndefined();
    expect(factory.creations).toBe(0);
    await pool.acquire();
    expect(factory.creations).toBe(2);
  });

  test('with autostart: false starts the evictor then', async () => {
    fakeTime();
    const factory = recordingFactory();
    const pool = createPool(factory, { idleTimeoutMillis: 100, autostart: false });
    await pass(1000);
    await pool.use(() => {});
    await pass(1000);
    expect(factory.destroyed).toEqual(['1 idle']);
  });
});

test('min is refilled when a resource is destroyed', async () => {
  const factory = recordingFactory();
  const pool = createPool(factory, { max: 2, min: 2 });
  await pool.ready();
  await pool.use((thing) => pool.destroy(thing));
  await settle();
  expect(pool).toMatchObject({ size: 2, available: 2 });
});
