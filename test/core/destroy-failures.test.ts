import { createPool, DestroyError } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { fakeTime, hang, pass, recordingFactory, settle, watch } from '../helpers/core.js';

const broken = new Error('stuck');
const failures = {
  throws: () => {
    throw broken;
  },
  rejects: () => Promise.reject(broken),
};

describe.each(Object.entries(failures))('a destroy that %s', (_, destroy) => {
  test('frees the slot all the same', async () => {
    const factory = recordingFactory({ destroy });
    const pool = createPool(factory, { max: 1 });
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire());
    const destroyed = watch(pool.destroy(thing));
    await settle();
    expect(destroyed.state).toBe('fulfilled');
    expect(waiting.value).toEqual({ id: 2 });
  });

  test('is told by factoryDestroyError, with the cause', async () => {
    const pool = createPool(recordingFactory({ destroy }), { name: 'db' });
    const told: DestroyError[] = [];
    pool.on('factoryDestroyError', (error) => told.push(error));
    await pool.destroy(await pool.acquire());
    await settle();
    expect(told).toHaveLength(1);
    expect(told[0]).toBeInstanceOf(DestroyError);
    expect(told[0]).toMatchObject({ code: 'ERR_POOL_DESTROY', cause: broken });
    expect(told[0]?.message).toContain('could not destroy a resource: stuck (db:');
    expect(pool.stats()).toMatchObject({ destroyErrors: 1, destroyed: 1, size: 0 });
  });

  test('does not keep close and clear from ending', async () => {
    const factory = recordingFactory({ destroy });
    const pool = createPool(factory, { max: 2, min: 2 });
    await pool.ready();
    await pool.clear();
    expect(factory.destroyed).toEqual(['1 clear', '2 clear']);
    await pool.ready();
    await pool.close();
    expect(factory.alive).toBe(0);
  });
});

describe('a destroy that hangs', () => {
  test('holds its slot until destroyTimeoutMillis have passed', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ destroy: hang }), { max: 1 });
    await pool.destroy(await pool.acquire());
    const next = watch(pool.acquire());
    expect([pool.size, pool.spareResourceCapacity, pool.stats().destroying]).toEqual([0, 0, 1]);
    await pass(4999);
    expect(next.state).toBe('pending');
    await pass(1);
    expect(next.value).toEqual({ id: 2 });
  });

  test('frees the slot at once with countDestroying: false', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ destroy: hang }), {
      max: 1,
      countDestroying: false,
    });
    await pool.destroy(await pool.acquire());
    expect(pool.size).toBe(0);
    expect(await pool.acquire()).toEqual({ id: 2 });
  });

  test('is told by factoryDestroyError after destroyTimeoutMillis', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ destroy: hang }), { destroyTimeoutMillis: 50 });
    const told: DestroyError[] = [];
    pool.on('factoryDestroyError', (error) => told.push(error));
    await pool.destroy(await pool.acquire());
    await pass(49);
    expect(told).toEqual([]);
    await pass(1);
    expect(told[0]?.cause).toMatchObject({
      message: 'factory.destroy did not settle within 50 ms (destroyTimeoutMillis)',
    });
  });

  test.each(['idle', 'lent'])(
    'of an %s resource holds close up for 5 s by default',
    async (how) => {
      fakeTime();
      const pool = createPool(recordingFactory({ destroy: hang }), { min: 1 });
      const thing = await pool.acquire();
      const closed = watch(
        how === 'idle' ? pool.release(thing).then(() => pool.close()) : pool.close(),
      );
      await settle();
      if (how === 'lent') await pool.release(thing);
      await pass(4_999);
      expect(closed.state).toBe('pending');
      await pass(1);
      expect(closed.state).toBe('fulfilled');
      expect(pool.stats()).toMatchObject({ destroyErrors: 1, size: 0 });
    },
  );

  test('holds clear up for as long', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ destroy: hang }), { destroyTimeoutMillis: 10 });
    await pool.use(() => {});
    const cleared = watch(pool.clear());
    await pass(9);
    expect(cleared.state).toBe('pending');
    await pass(1);
    expect(cleared.state).toBe('fulfilled');
  });

  test('is waited for without a limit with destroyTimeoutMillis: 0', async () => {
    fakeTime();
    const slow = Promise.withResolvers<void>();
    const pool = createPool(recordingFactory({ destroy: () => slow.promise }), {
      destroyTimeoutMillis: 0,
    });
    await pool.use(() => {});
    const closed = watch(pool.close());
    await pass(1_000_000);
    expect(closed.state).toBe('pending');
    slow.resolve();
    await settle();
    expect(closed.state).toBe('fulfilled');
  });
});

test('what destroy returns does not matter unless it is a promise', async () => {
  const pool = createPool({ create: () => ({}), destroy: () => 'gone' });
  await pool.destroy(await pool.acquire());
  await pool.close();
  expect(pool.stats()).toMatchObject({ destroyed: 1, destroyErrors: 0 });
});
