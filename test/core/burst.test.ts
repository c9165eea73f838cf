import { createPool, type PoolOptions } from '@wasm-pool/core';
import { expect, test } from 'vitest';
import {
  fakeTime,
  type Parts,
  pass,
  type RecordingFactory,
  recordingFactory,
  settle,
  type Thing,
  watch,
} from '../helpers/core.js';

/** A pool of one, with one to spare for the urgent; its one is lent. */
async function lentOut(options: PoolOptions<Thing> = {}, laterCreate?: Parts['create']) {
  const factory: RecordingFactory = recordingFactory({
    create: (make) => (factory.creations > 1 && laterCreate ? laterCreate(make) : make()),
  });
  const pool = createPool(factory, { max: 1, burst: 1, ...options });
  return { factory, pool, thing: await pool.acquire() };
}

test('who has the highest priority is lent resources beyond max', async () => {
  const { pool } = await lentOut({ burst: 2 });
  expect(await Promise.all([pool.acquire(0), pool.acquire(0)])).toEqual([{ id: 2 }, { id: 3 }]);
  const fourth = watch(pool.acquire(0));
  await settle();
  expect(fourth.state).toBe('pending');
  expect(pool.size).toBe(3);
});

test('nobody else is, and no priority is not the highest', async () => {
  const { pool } = await lentOut();
  const others = [watch(pool.acquire()), watch(pool.acquire(1)), watch(pool.acquire(7))];
  await settle();
  expect(others.map((it) => it.state)).toEqual(['pending', 'pending', 'pending']);
  expect(pool.size).toBe(1);
});

test('it does not matter who waits already: the urgent one is served at once', async () => {
  const { pool } = await lentOut();
  const others = Array.from({ length: 100 }, () => watch(pool.acquire()));
  expect(await pool.acquire(0)).toEqual({ id: 2 });
  expect(others.every((it) => it.state === 'pending')).toBe(true);
});

test('a resource beyond max is destroyed when it is returned and nobody urgent waits', async () => {
  const { factory, pool, thing } = await lentOut();
  const urgent = await pool.acquire(0);
  const ordinary = watch(pool.acquire());
  await pool.release(urgent);
  expect(factory.destroyed).toEqual(['2 burst']);
  await settle();
  expect(ordinary.state).toBe('pending'); // max is in use by `thing`
  await pool.release(thing);
  await settle();
  expect(ordinary.value).toBe(thing);
});

test('any one counts as beyond max: the first that is returned makes room', async () => {
  const { factory, pool, thing } = await lentOut();
  const urgent = await pool.acquire(0);
  await pool.release(thing);
  expect(factory.destroyed).toEqual(['1 burst']);
  await pool.release(urgent);
  expect(pool).toMatchObject({ size: 1, available: 1 });
});

test('a resource beyond max goes to the next urgent one who waits', async () => {
  const { pool } = await lentOut();
  const urgent = await pool.acquire(0);
  const next = watch(pool.acquire(0));
  await pool.release(urgent);
  await settle();
  expect(next.value).toBe(urgent);
});

test('a resource beyond max that nobody urgent waits for any more is destroyed', async () => {
  const made = Promise.withResolvers<void>();
  const { factory, pool } = await lentOut({}, (make) => made.promise.then(make));
  const ordinary = watch(pool.acquire());
  const controller = new AbortController();
  watch(pool.acquire({ priority: 0, signal: controller.signal }));
  controller.abort();
  made.resolve();
  await settle();
  expect(factory.destroyed).toEqual(['2 burst']);
  expect(ordinary.state).toBe('pending');
});

test('a failed creation beyond max leaves the urgent one waiting for the loan that is out', async () => {
  const { pool, thing } = await lentOut({}, () => Promise.reject(new Error('no')));
  const ordinary = watch(pool.acquire());
  const urgent = watch(pool.acquire(0));
  await settle();
  expect([ordinary.state, urgent.state]).toEqual(['pending', 'pending']);
  await pool.release(thing);
  await settle();
  expect([ordinary.state, urgent.value]).toEqual(['pending', thing]);
});

test('a failed creation beyond max that nobody urgent waits for rejects nobody', async () => {
  const made = Promise.withResolvers<never>();
  const { pool, thing } = await lentOut({}, () => made.promise);
  const ordinary = watch(pool.acquire());
  const controller = new AbortController();
  watch(pool.acquire({ priority: 0, signal: controller.signal }));
  controller.abort();
  made.reject(new Error('no'));
  await settle();
  expect(ordinary.state).toBe('pending');
  await pool.release(thing);
  await settle();
  expect(ordinary.value).toBe(thing);
});

test('a flood of urgent ones cannot make more than max and burst', async () => {
  const { factory, pool } = await lentOut({ max: 2, burst: 3 });
  const all = Array.from({ length: 50 }, () => watch(pool.acquire(0)));
  await settle();
  expect(pool.size).toBe(5);
  expect(factory.creations).toBe(5);
  expect(all.filter((it) => it.state === 'fulfilled')).toHaveLength(4);
});

test('the room beyond max counts where maxWaitingClients is looked at', async () => {
  const { pool } = await lentOut({ maxWaitingClients: 0 });
  await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
  expect(await pool.acquire(0)).toEqual({ id: 2 });
  await expect(pool.acquire(0)).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
});

test('priorityRange can be as wide as one likes beside it', async () => {
  const { pool } = await lentOut({ priorityRange: 5 });
  const second = watch(pool.acquire(1));
  expect(await pool.acquire(0)).toEqual({ id: 2 });
  expect(second.state).toBe('pending');
});

test('a pool without a limit has nothing beyond it: burst changes nothing there', async () => {
  const { factory, pool, thing } = await lentOut({ max: 0 });
  expect(await pool.acquire(0)).toEqual({ id: 2 });
  await pool.release(thing);
  expect(factory.destroyed).toEqual([]);
  expect(pool.available).toBe(1);
});

test('an urgent one who times out leaves the pool as it was', async () => {
  fakeTime();
  const { pool } = await lentOut({ burst: 1 });
  await pool.acquire(0);
  const late = watch(pool.acquire({ priority: 0, timeoutMillis: 10 }));
  await pass(10);
  expect(late.state).toBe('rejected');
  expect(pool).toMatchObject({ size: 2, pending: 0 });
});
