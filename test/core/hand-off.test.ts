import { createPool } from '@wasm-pool/core';
import { expect, test } from 'vitest';
import { recordingFactory, settle, type Thing, watch } from '../helpers/core.js';

/** A pool whose one resource is lent, so that everybody else waits. */
async function lentOut(options = {}) {
  const pool = createPool(recordingFactory(), { max: 1, priorityRange: 3, ...options });
  const thing = await pool.acquire();
  return { pool, thing };
}

test('a return goes straight to who waits, without being idle between', async () => {
  const { pool, thing } = await lentOut();
  const waiting = watch(pool.acquire());
  expect(pool.pending).toBe(1);
  await pool.release(thing);
  expect(pool).toMatchObject({ pending: 0, available: 0, borrowed: 1 });
  await settle();
  expect(waiting.value).toBe(thing);
});

test('those who wait are served in order of priority, then of arrival', async () => {
  const { pool, thing } = await lentOut();
  const order: string[] = [];
  const ask = (name: string, priority?: number) =>
    pool.use(() => order.push(name), priority === undefined ? undefined : { priority });
  const all = [ask('low 1', 2), ask('mid 1', 1), ask('top 1', 0), ask('low 2', 2), ask('top 2', 0)];
  await pool.release(thing);
  await Promise.all(all);
  expect(order).toEqual(['top 1', 'top 2', 'mid 1', 'low 1', 'low 2']);
});

test('without priorityRange there is one priority, which every number stands for', async () => {
  const { pool, thing } = await lentOut({ priorityRange: undefined });
  const order: number[] = [];
  const all = [5, 0, 1].map((priority) => pool.use(() => order.push(priority), priority));
  await pool.release(thing);
  await Promise.all(all);
  expect(order).toEqual([5, 0, 1]);
});

test('no priority is the lowest, and so is one beyond the range', async () => {
  const { pool, thing } = await lentOut();
  const order: string[] = [];
  const all = [
    pool.use(() => order.push('none')),
    pool.use(() => order.push('beyond'), 99),
    pool.use(() => order.push('lowest'), 2),
    pool.use(() => order.push('middle'), 1),
  ];
  await pool.release(thing);
  await Promise.all(all);
  expect(order).toEqual(['middle', 'none', 'beyond', 'lowest']);
});

test('a resource created for one who was served by a return meanwhile goes to the next', async () => {
  const creations: PromiseWithResolvers<void>[] = [];
  const factory = recordingFactory({
    async create(make) {
      const creation = Promise.withResolvers<void>();
      creations.push(creation);
      await creation.promise;
      return make();
    },
  });
  const pool = createPool(factory, { max: 2 });
  const first = pool.acquire();
  creations[0]?.resolve();
  const thing = await first;
  const second = watch(pool.acquire());
  expect(creations.length).toBe(2);
  await pool.release(thing);
  await settle();
  expect(second.value).toBe(thing);
  const third = watch(pool.acquire());
  expect(creations.length).toBe(2);
  creations[1]?.resolve();
  await settle();
  expect(third.value).toEqual({ id: 2 });
});

test('one who asks again right after a return stands behind those who wait', async () => {
  const { pool, thing } = await lentOut();
  const waiting = watch(pool.acquire());
  await pool.release(thing);
  const again = watch(pool.acquire());
  await settle();
  expect(waiting.state).toBe('fulfilled');
  expect(again.state).toBe('pending');
});

test('no more resources are created than somebody waits for', async () => {
  const factory = recordingFactory();
  const pool = createPool(factory, { max: 10 });
  await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  expect(factory.creations).toBe(3);
});

test('maxWaitingClients limits those who wait for a return', async () => {
  const { pool, thing } = await lentOut({ maxWaitingClients: 2, name: 'small' });
  const waiting = [pool.acquire(), pool.acquire()];
  await expect(pool.acquire()).rejects.toMatchObject({
    code: 'ERR_POOL_QUEUE_FULL',
    message: expect.stringContaining('maxWaitingClients 2'),
  });
  expect(pool.pending).toBe(2);
  await pool.release(thing);
  const next = watch(pool.acquire());
  await settle();
  expect(next.state).toBe('pending');
  await pool.release((await waiting[0]) as Thing);
});

test('maxWaitingClients leaves those out whom a creation under way will serve', async () => {
  const pool = createPool(recordingFactory(), { max: 2, maxWaitingClients: 0 });
  const served = [pool.acquire(), pool.acquire()];
  await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
  expect(await Promise.all(served)).toHaveLength(2);
});

test('maxWaitingClients leaves those out whom a resource under validation or recycling will serve', async () => {
  const later = async () => {
    await settle();
    return true;
  };
  const factory = recordingFactory({ validate: later, recycle: later });
  const pool = createPool(factory, { maxWaitingClients: 0, testOnBorrow: true });
  const thing = await pool.acquire();
  await pool.release(thing);
  expect(await pool.acquire()).toBe(thing); // recycle has it
  await pool.release(thing);
  await settle();
  await settle();
  expect(pool.available).toBe(1);
  expect(pool.tryAcquire()).toBeUndefined(); // validate has it from here on
  expect(await pool.acquire()).toBe(thing);
});
