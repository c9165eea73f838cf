import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass, recordingFactory, type Thing } from '../../helpers/core.js';

const their = (factory: unknown, options = {}) =>
  genericPool.createPool(factory as genericPool.Factory<Thing>, options);

/** What of `count` idle resources is destroyed in `millis`. */
async function evicted(make: typeof their, options: object, count = 1, millis = 1_000_000) {
  fakeTime();
  const factory = recordingFactory();
  const pool = make(factory, { max: count, ...options });
  const lent = await Promise.all(Array.from({ length: count }, () => pool.acquire()));
  for (const thing of lent) await pool.release(thing);
  await pass(millis);
  return factory.destroyed.length;
}
const our = createPool as unknown as typeof their;

describe('an idle timeout without evictionRunIntervalMillis (#178)', () => {
  test.each([{ idleTimeoutMillis: 1000 }, { softIdleTimeoutMillis: 1000 }])(
    'generic-pool: %o is never looked at',
    async (options) => {
      expect(await evicted(their, options)).toBe(0);
    },
  );

  test.each([{ idleTimeoutMillis: 1000 }, { softIdleTimeoutMillis: 1000 }])(
    'ours: %o takes effect',
    async (options) => {
      expect(await evicted(our, options, 1, 2000)).toBe(1);
    },
  );

  test('ours: an interval of 0 is one that is not given, too', async () => {
    expect(await evicted(our, { idleTimeoutMillis: 1000, evictionRunIntervalMillis: 0 })).toBe(1);
  });
});

describe('with evictionRunIntervalMillis', () => {
  test('generic-pool and ours: idle ones go after 30 s, three a run', async () => {
    for (const make of [their, our]) {
      const options = { evictionRunIntervalMillis: 10_000 };
      expect(await evicted(make, options, 8, 30_000)).toBe(0);
      expect(await evicted(make, options, 8, 50_000)).toBeGreaterThanOrEqual(3);
      expect(await evicted(make, options, 8, 100_000)).toBe(8);
    }
  });

  test('generic-pool and ours: soft ones go until min are left', async () => {
    for (const make of [their, our]) {
      const options = {
        evictionRunIntervalMillis: 100,
        softIdleTimeoutMillis: 1000,
        idleTimeoutMillis: 10_000_000,
        min: 2,
      };
      expect(await evicted(make, options, 6)).toBe(4);
    }
  });

  test('generic-pool: idle time counts from the return', async () => {
    const options = { evictionRunIntervalMillis: 1000, idleTimeoutMillis: 1500 };
    expect(await evicted(their, options, 1, 2000)).toBe(1);
  });

  test('ours: it counts from the first run after the return, so that a return reads no clock', async () => {
    const options = { evictionRunIntervalMillis: 1000, idleTimeoutMillis: 1500 };
    expect(await evicted(our, options, 1, 2000)).toBe(0);
    expect(await evicted(our, options, 1, 3000)).toBe(1);
  });
});

describe('idleTimeoutMillis: 0', () => {
  const options = { idleTimeoutMillis: 0, evictionRunIntervalMillis: 1000 };

  test('generic-pool: is taken for 30 s', async () => {
    expect(await evicted(their, options)).toBe(1);
  });

  test('ours: is never', async () => {
    expect(await evicted(our, options)).toBe(0);
  });
});
