import { CreateError, createPool, type Pool, PoolClosedError } from '@wasm-pool/core';
import { describe, expect, test, vi } from 'vitest';
import {
  fakeTime,
  hang,
  pass,
  recordingFactory,
  rejection,
  settle,
  watch,
} from '../helpers/core.js';

type AnyPool = Pool<{ id: number }>;

/** What ends an acquire that waits. */
const endings: Record<string, () => { pool: AnyPool; end: () => unknown }> = {
  'a creation that fails': () => {
    const failed = Promise.withResolvers<{ id: number }>();
    const pool = createPool(recordingFactory({ create: () => failed.promise }));
    return { pool, end: () => failed.reject(new Error('down')) };
  },
  close: () => {
    const pool = createPool(recordingFactory({ create: hang }));
    return { pool, end: () => void pool.close({ timeoutMillis: 1 }) };
  },
  'its timeout': () => {
    const pool = createPool(recordingFactory({ create: hang }), { acquireTimeoutMillis: 1 });
    return { pool, end: () => {} };
  },
};

const calls: Record<string, (pool: AnyPool) => Promise<unknown>> = {
  acquire: (pool) => pool.acquire(),
  use: (pool) => pool.use(() => {}),
  'use, of an async function': (pool) => pool.use(async () => {}),
  lease: (pool) => pool.lease(),
  'acquire with a timeout': (pool) => pool.acquire({ timeoutMillis: 60_000 }),
};

describe.each(Object.entries(endings))('the error of an acquire that %s ended', (ending, make) => {
  const ways = Object.entries(calls).filter(
    ([name]) => !(name.includes('timeout') && ending === 'its timeout'),
  );

  test.each(ways)('has the caller of %s in its stack', async (_, call) => {
    const { pool, end } = make();
    async function handlerOfMine() {
      return await call(pool);
    }
    const handled = rejection(handlerOfMine());
    await settle();
    end();
    expect(await handled).toMatchObject({ stack: expect.stringContaining('handlerOfMine') });
  });
});

test('each of those whom a failed creation ends the wait of has an error of its own', async () => {
  const failed = Promise.withResolvers<{ id: number }>();
  const cause = new Error('down');
  const pool = createPool(recordingFactory({ create: () => failed.promise }));
  const told: unknown[] = [];
  pool.on('factoryCreateError', (error) => told.push(error));
  const all = [rejection(pool.acquire()), rejection(pool.ready(1)), rejection(pool.ready(1))];
  failed.reject(cause);
  const errors = [...(await Promise.all(all)), told[0]];
  expect(new Set(errors).size).toBe(4);
  for (const error of errors) {
    expect(error).toBeInstanceOf(CreateError);
    expect(error).toMatchObject({ cause });
  }
});

test('each of those who wait when a pool closes has an error of its own', async () => {
  const pool = createPool(recordingFactory({ create: hang }));
  const all = [pool.acquire(), pool.acquire(), pool.ready(1), pool.ready(1)].map(rejection);
  void pool.close({ timeoutMillis: 1 });
  const errors = await Promise.all(all);
  expect(new Set(errors).size).toBe(4);
  for (const error of errors) expect(error).toBeInstanceOf(PoolClosedError);
});

test('a signal without a reason, as polyfills have it, rejects with an AbortError', async () => {
  const listeners = new Set<() => void>();
  const signal = {
    aborted: false,
    addEventListener: (_: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
  };
  const options = { signal: signal as unknown as AbortSignal };
  const pool = createPool(recordingFactory({ create: hang }));
  const waiting = watch(pool.acquire(options));
  signal.aborted = true;
  for (const listener of listeners) listener();
  await settle();
  expect(waiting.error).toMatchObject({ name: 'AbortError' });
  expect(await rejection(pool.acquire(options))).toMatchObject({ name: 'AbortError' });
  expect(await rejection(pool.use(() => {}, options))).toMatchObject({ name: 'AbortError' });
  expect(await rejection(pool.lease(options))).toMatchObject({ name: 'AbortError' });
});

test('no time is negative, though the clock is set back', async () => {
  fakeTime();
  const ages: number[] = [];
  const pool = createPool(recordingFactory(), {
    max: 2,
    evict: ({ ageMillis, idleMillis }) => {
      ages.push(ageMillis, idleMillis);
      return false;
    },
  });
  await pool.ready(2);
  const held = await pool.acquire();
  await pool.acquire();
  const waiting = watch(pool.acquire());
  await pass(2000);
  vi.setSystemTime(Date.now() - 3_600_000);
  await pool.release(held);
  await settle();
  await pool.release(waiting.value as { id: number });
  await pass(2000);
  for (const { ageMillis, idleMillis } of pool.inspect()) ages.push(ageMillis, idleMillis);
  const { totalMillis, longestMillis } = pool.stats().waits;
  expect(Math.min(...ages, totalMillis, longestMillis)).toBe(0);
});
