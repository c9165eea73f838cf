import type { EvictCandidate, Pool } from '@wasm-pool/core';
import { createAdapterPool as createPool } from '@wasm-pool/core/internal';
import { expect, test } from 'vitest';
import { fakeTime, pass, recordingFactory, type Thing } from '../helpers/core.js';

/** The processor time that this thread takes for `run`: other processes do not add to it. */
async function costOf(run: () => unknown): Promise<number> {
  const start = process.threadCpuUsage();
  await run();
  const { user, system } = process.threadCpuUsage(start);
  return user + system;
}

/**
 * How much dearer one of `many` is than one of a hundredth of them: 1 if O(1), 100 if O(n). It is a
 * matter of steps, not of speed, so there is much room between the two.
 */
async function growth(many: number, run: (count: number) => unknown): Promise<number> {
  await run(many / 100); // warms up
  const few = await costOf(async () => {
    for (let round = 0; round < 100; round++) await run(many / 100);
  });
  return (await costOf(() => run(many))) / few;
}

const lendAll = (pool: Pool<Thing>, count: number, options = {}) =>
  Promise.all(
    Array.from({ length: count }, () => pool.acquire(options).then((thing) => pool.release(thing))),
  );

test('100,000 who wait are served, in order', async () => {
  const factory = recordingFactory();
  const pool = createPool(factory, { max: 4 });
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 100_000 }, (_, index) => pool.use(() => order.push(index))),
  );
  expect(order).toEqual(Array.from({ length: 100_000 }, (_, index) => index));
  expect(factory.creations).toBe(4);
  expect(pool.stats()).toMatchObject({ acquired: 100_000, borrowed: 0, available: 4 });
});

test('one of 100,000 who wait costs about what one of 1,000 does', async () => {
  const pool = createPool(recordingFactory(), { max: 4 });
  expect(await growth(100_000, (count) => lendAll(pool, count))).toBeLessThan(30);
});

test.each([
  ['beyond max', { burst: 1 }, {}],
  ['while creations are put off', { max: 0 }, { canCreate: () => false }],
])(
  'waiting %s costs about the same in a line of 20,000 as in one of 200',
  async (_, options, calls) => {
    const wait = async (count: number) => {
      const factory = recordingFactory({ create: () => new Promise<Thing>(() => {}), ...calls });
      const pool = createPool(factory, options);
      const all = Array.from({ length: count }, () => pool.acquire(0));
      const settled = Promise.allSettled(all);
      await pool.close({ timeoutMillis: 1 });
      await settled;
    };
    expect(await growth(20_000, wait)).toBeLessThan(30);
  },
);

test('giving up costs about the same in a line of 50,000 as in one of 500', async () => {
  const pool = createPool(recordingFactory());
  const thing = await pool.acquire();
  const giveUp = async (count: number) => {
    const controllers = Array.from({ length: count }, () => new AbortController());
    const all = controllers.map(({ signal }) => pool.acquire({ signal }).catch(() => {}));
    // From the middle outwards and from the end: the worst for anything that searches from the start.
    for (let index = count / 2; index >= 0; index--) controllers[index]?.abort(0);
    for (let index = count - 1; index > count / 2; index--) controllers[index]?.abort(0);
    await Promise.all(all);
  };
  expect(await growth(50_000, giveUp)).toBeLessThan(30);
  expect(pool.pending).toBe(0);
  await pool.release(thing);
});

test('one of 10,000 resources costs about what one of 100 does, to create, lend, return and destroy', async () => {
  const live = async (count: number) => {
    const pool = createPool(recordingFactory(), { max: count, min: count });
    await pool.ready();
    await lendAll(pool, count);
    const lent = await Promise.all(Array.from({ length: count }, () => pool.acquire()));
    for (const thing of lent.reverse()) await pool.release(thing);
    await pool.close();
  };
  expect(await growth(10_000, live)).toBeLessThan(30);
});

test('10,000 resources are looked at once a run, and all can go at once', async () => {
  fakeTime();
  let looks = 0;
  let old = false;
  const factory = recordingFactory();
  const evict = (_: EvictCandidate<Thing>) => {
    looks++;
    return old;
  };
  const pool = createPool(factory, { max: 10_000, evict });
  await pool.ready(10_000);
  await pass(3000);
  expect(looks).toBe(30_000);
  old = true;
  await pass(1000);
  expect(factory.destroyed).toHaveLength(10_000);
  expect(pool.size).toBe(0);
});

test('10,000 failed creations reject 10,000 who wait, one for each', async () => {
  const factory = recordingFactory({ create: () => Promise.reject(new Error('no')) });
  const pool = createPool(factory, { max: 100 });
  const results = await Promise.allSettled(Array.from({ length: 10_000 }, () => pool.acquire()));
  expect(results.every((it) => it.status === 'rejected')).toBe(true);
  expect(factory.creations).toBe(10_000);
});

test('10,000 idle resources that fail a synchronous validate are gone through without recursion', async () => {
  let fit = true;
  const factory = recordingFactory({ validate: () => fit });
  const pool = createPool(factory, { max: 10_000, testOnBorrow: true });
  await pool.ready(10_000);
  fit = false;
  expect(pool.tryAcquire()).toBeUndefined();
  expect(factory.destroyed).toHaveLength(10_000);
});
