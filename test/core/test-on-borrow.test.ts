import { createPool } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { recordingFactory, settle, watch } from '../helpers/core.js';

const unfit = new Set<number>();
const validations = {
  'a synchronous validate': (thing: { id: number }) => !unfit.has(thing.id),
  'an asynchronous validate': async (thing: { id: number }) => !unfit.has(thing.id),
};

describe.each(Object.entries(validations))('testOnBorrow with %s', (_, validate) => {
  const readyPool = async (count: number) => {
    unfit.clear();
    const factory = recordingFactory({ validate });
    const pool = createPool(factory, { max: count, min: count, testOnBorrow: true });
    await pool.ready();
    return { factory, pool };
  };

  test('lends the idle resource that passes', async () => {
    const { pool } = await readyPool(2);
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(pool).toMatchObject({ borrowed: 1, available: 1 });
  });

  test('destroys those that fail, and lends the next', async () => {
    const { factory, pool } = await readyPool(3);
    unfit.add(3).add(2);
    expect([1, 4]).toContain(await pool.use((thing) => thing.id));
    expect(factory.destroyed).toEqual(expect.arrayContaining(['3 invalid']));
    expect(pool.stats().destroyedBy.invalid).toBeGreaterThan(0);
  });

  test('creates a new one when none passes', async () => {
    const { factory, pool } = await readyPool(2);
    unfit.add(1).add(2);
    expect((await pool.acquire()).id).toBeGreaterThan(2);
    expect(pool.size).toBeLessThanOrEqual(2);
    expect(factory.destroyed.every((it) => it.endsWith('invalid'))).toBe(true);
  });

  test('tests a returned resource before it goes to who waits', async () => {
    const { factory, pool } = await readyPool(1);
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire());
    unfit.add(1);
    await pool.release(thing);
    await settle();
    expect(factory.destroyed).toEqual(['1 invalid']);
    expect(waiting.value).toEqual({ id: 2 });
  });

  test('does not test one that was made for its borrower', async () => {
    unfit.clear();
    unfit.add(1);
    const pool = createPool(recordingFactory({ validate }), { testOnBorrow: true });
    expect(await pool.acquire()).toEqual({ id: 1 });
  });
});

test('a synchronous validate keeps the fast lane', async () => {
  const factory = recordingFactory({ validate: (thing) => thing.id === 1 });
  const pool = createPool(factory, { max: 2, min: 2, testOnBorrow: true });
  await pool.ready();
  expect(pool.useSync((thing) => thing.id)).toBe(1);
  expect(factory.destroyed).toEqual(['2 invalid']);
});

test('tryAcquire does not wait for an asynchronous validate', async () => {
  const pool = createPool(recordingFactory({ validate: async () => true }), {
    min: 1,
    testOnBorrow: true,
  });
  await pool.ready();
  expect(pool.tryAcquire()).toBeUndefined();
  expect(pool.stats()).toMatchObject({ available: 0, borrowed: 0, size: 1 });
  await settle();
  expect(pool.available).toBe(1);
});

test('without testOnBorrow validate is never asked', async () => {
  const factory = recordingFactory({
    validate: () => {
      throw new Error('asked');
    },
  });
  const pool = createPool(factory);
  await pool.use(() => {});
  await pool.use(() => {});
  await Promise.all([pool.use(() => {}), pool.use(async () => {}), pool.use(() => {})]);
  expect(factory.destroyed).toEqual([]);
});

test('a returned resource that nobody waits for is validated when it is lent again, not before', async () => {
  let asked = 0;
  const validate = () => {
    asked++;
    return true;
  };
  const pool = createPool(recordingFactory({ validate }), { testOnBorrow: true });
  await pool.use(() => {});
  expect(asked).toBe(0);
  await pool.use(() => {});
  expect(asked).toBe(1);
});

test('who waits gets an idle resource that is tested, not one that recycle has', async () => {
  const pool = createPool(
    recordingFactory({
      validate: async () => true,
      recycle: ({ id }) => (id === 3 ? new Promise<boolean>(() => {}) : true),
    }),
    { max: 3, min: 3, testOnBorrow: true },
  );
  await pool.ready();
  await pool.use(() => {}); // recycle keeps the last
  const lent = await Promise.all([pool.acquire(), pool.acquire()]);
  expect(lent).toEqual([{ id: 2 }, { id: 1 }]);
});

test.each(['acquire', 'lease', 'use'] as const)(
  'one %s has one idle resource tested, while that takes time',
  async (call) => {
    const asked: number[] = [];
    const validate = async ({ id }: { id: number }) => {
      asked.push(id);
      return true;
    };
    const pool = createPool(recordingFactory({ validate }), { max: 3, min: 3, testOnBorrow: true });
    await pool.ready();
    await (call === 'use' ? pool.use(() => {}) : pool[call]());
    expect(asked).toEqual([3]);
  },
);

test('several who wait have as many idle resources tested for them at once', async () => {
  const asked: number[] = [];
  const validated = Promise.withResolvers<boolean>();
  const validate = (thing: { id: number }) => {
    asked.push(thing.id);
    return validated.promise;
  };
  const pool = createPool(recordingFactory({ validate }), { max: 3, min: 3, testOnBorrow: true });
  await pool.ready();
  const lent = [pool.acquire(), pool.acquire()];
  expect(asked).toEqual([3, 2]);
  validated.resolve(true);
  expect(await Promise.all(lent)).toEqual([{ id: 3 }, { id: 2 }]);
});

test('testOnBorrow without a validate is refused', () => {
  expect(() => createPool(recordingFactory(), { testOnBorrow: true })).toThrow(
    'createPool: testOnBorrow is true; accepted: false, for this factory has no validate',
  );
});
