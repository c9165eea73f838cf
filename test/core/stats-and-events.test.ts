import { createPool, type PoolStats } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass, recordingFactory, settle, watch } from '../helpers/core.js';

describe('stats', () => {
  test('of a new pool are all zero', () => {
    const never = { count: 0, totalMillis: 0, longestMillis: 0 };
    const stats: PoolStats = {
      name: 'pool',
      max: 1,
      min: 0,
      size: 0,
      available: 0,
      borrowed: 0,
      pending: 0,
      creating: 0,
      acquired: 0,
      created: 0,
      destroyed: 0,
      destroyedBy: {},
      createErrors: 0,
      destroyErrors: 0,
      timeouts: 0,
      destroying: 0,
      draining: false,
      aborted: 0,
      refused: 0,
      waits: never,
      loans: never,
      creations: never,
      createErrorsInARow: 0,
      leaks: 0,
    };
    expect(createPool(recordingFactory()).stats()).toEqual(stats);
  });

  test('follow a life: what exists, what is under way, and the totals', async () => {
    fakeTime();
    let works = true;
    const factory = recordingFactory({
      create: (make) => (works ? make() : Promise.reject(new Error('no'))),
      destroy: () => Promise.reject(new Error('no')),
    });
    const pool = createPool(factory, { name: 'life', max: 3, min: 1 });
    expect(pool.stats()).toMatchObject({ size: 1, creating: 1, created: 0 });
    await pool.ready();
    const [first, second] = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    watch(pool.acquire({ timeoutMillis: 10 }));
    expect(pool.stats()).toMatchObject({
      size: 3,
      borrowed: 3,
      pending: 1,
      acquired: 3,
      created: 3,
    });
    await pass(10);
    await pool.destroy(first);
    works = false;
    watch(pool.acquire());
    await settle();
    await pool.release(second);
    expect(pool.stats()).toEqual({
      name: 'life',
      max: 3,
      min: 1,
      size: 2,
      available: 0,
      borrowed: 2,
      pending: 0,
      creating: 0,
      destroying: 0,
      draining: false,
      acquired: 4,
      created: 3,
      destroyed: 1,
      destroyedBy: { borrower: 1 },
      createErrors: 1,
      destroyErrors: 1,
      timeouts: 1,
      aborted: 0,
      refused: 0,
      waits: { count: 4, totalMillis: 10, longestMillis: 10 },
      loans: { count: 1, totalMillis: 10, longestMillis: 10 },
      creations: { count: 4, totalMillis: 0, longestMillis: 0 },
      createErrorsInARow: 1,
      leaks: 0,
    });
  });

  test('are a snapshot, and plain data', async () => {
    const pool = createPool(recordingFactory());
    const before = pool.stats();
    await pool.use((thing) => pool.destroy(thing));
    expect(before.created).toBe(0);
    const stats = pool.stats();
    expect(structuredClone(stats)).toEqual(stats);
    expect(JSON.parse(JSON.stringify(stats))).toEqual(stats);
  });

  test('say the same as the properties', async () => {
    const pool = createPool(recordingFactory(), { max: 4, min: 2 });
    await pool.acquire();
    const { size, available, borrowed, pending, max, min } = pool;
    expect(pool.stats()).toMatchObject({ size, available, borrowed, pending, max, min });
    expect(pool.spareResourceCapacity).toBe(2);
  });
});

describe('events', () => {
  test('tell of creations and destructions in order, with their reasons', async () => {
    const pool = createPool(recordingFactory(), { max: 2, maxUses: 2 });
    const events: unknown[] = [];
    pool.on('create', (thing) => events.push(['create', thing.id]));
    pool.on('destroy', (thing, reason, cause) => events.push(['destroy', thing.id, reason, cause]));
    const error = new Error('mine');
    await pool.use(() => Promise.reject(error)).catch(() => {});
    await pool.use(() => {});
    await pool.use(() => {});
    await pool.ready(1);
    await pool.close();
    expect(events).toEqual([
      ['create', 1],
      ['destroy', 1, 'threw', error],
      ['create', 2],
      ['destroy', 2, 'uses', undefined],
      ['create', 3],
      ['destroy', 3, 'close', undefined],
    ]);
  });

  test('of creation come before the resource is lent', async () => {
    const pool = createPool(recordingFactory());
    const borrowed: boolean[] = [];
    pool.on('create', (thing) => borrowed.push(pool.isBorrowedResource(thing)));
    await pool.acquire();
    expect(borrowed).toEqual([false]);
  });

  test('can be heard once, or no more', async () => {
    const pool = createPool(recordingFactory());
    const heard: string[] = [];
    const listener = () => heard.push('off');
    pool.on('create', listener).off('create', listener);
    pool.once('create', () => heard.push('once'));
    for (let round = 0; round < 2; round++) await pool.use((thing) => pool.destroy(thing));
    expect(heard).toEqual(['once']);
  });

  test('tell destroy why', async () => {
    const reasons: string[] = [];
    const pool = createPool({
      create: () => ({}),
      destroy: (_, reason) => reasons.push(reason),
    });
    await pool.destroy(await pool.acquire());
    await pool.use(() => {});
    await pool.clear();
    await pool.close();
    expect(reasons).toEqual(['borrower', 'clear']);
  });
});
