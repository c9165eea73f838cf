import {
  createPool,
  type EvictCandidate,
  type PoolOptions,
  type Unfit,
  unfit,
} from '@wasm-pool/core';
import { describe, expect, test, vi } from 'vitest';
import { fakeTime, pass, recordingFactory, settle, type Thing, uncaught } from '../helpers/core.js';

/** A pool with `count` idle resources. */
async function idlePool(count: number, options: PoolOptions<Thing>) {
  fakeTime();
  const factory = recordingFactory();
  const pool = createPool(factory, { max: count, ...options });
  const lent = await Promise.all(Array.from({ length: count }, () => pool.acquire()));
  for (const thing of lent) await pool.release(thing);
  return { factory, pool };
}

describe('idleTimeoutMillis', () => {
  test('destroys what was idle for that long, with no other option set', async () => {
    const { factory, pool } = await idlePool(2, { idleTimeoutMillis: 1000 });
    await pass(1500); // idle time counts from the first run after the return, 500 ms here
    expect(factory.destroyed).toEqual([]); // for exactly that long: not longer
    await pass(500);
    expect(factory.destroyed).toEqual(['1 idle', '2 idle']);
    expect(pool.size).toBe(0);
  });

  test('begins anew with each return', async () => {
    const { factory, pool } = await idlePool(1, { idleTimeoutMillis: 1000 });
    for (let round = 0; round < 10; round++) {
      await pass(900);
      pool.useSync(() => {});
    }
    expect(factory.destroyed).toEqual([]);
    await pass(2000);
    expect(factory.destroyed).toEqual(['1 idle']);
  });

  test('never concerns what is lent', async () => {
    const { factory, pool } = await idlePool(1, { idleTimeoutMillis: 1000 });
    const thing = await pool.acquire();
    await pass(100_000);
    expect(factory.destroyed).toEqual([]);
    expect(pool.isBorrowedResource(thing)).toBe(true);
  });

  test('goes below min, which is then refilled', async () => {
    const { factory, pool } = await idlePool(2, { idleTimeoutMillis: 1000, min: 1 });
    await pass(2000);
    expect(factory.destroyed).toEqual(['1 idle', '2 idle']);
    expect(pool.size).toBe(1);
  });

  test('of 0 is never', async () => {
    const { factory } = await idlePool(1, {
      idleTimeoutMillis: 0,
      evictionRunIntervalMillis: 1000,
    });
    await pass(1_000_000);
    expect(factory.destroyed).toEqual([]);
  });

  test('is 30 s where only the interval is set', async () => {
    const { factory } = await idlePool(1, { evictionRunIntervalMillis: 1000 });
    await pass(30_000);
    expect(factory.destroyed).toEqual([]);
    await pass(2000);
    expect(factory.destroyed).toEqual(['1 idle']);
  });

  test('is never where nothing is set', async () => {
    const { factory } = await idlePool(1, {});
    await pass(1_000_000);
    expect(factory.destroyed).toEqual([]);
  });
});

describe('softIdleTimeoutMillis', () => {
  test('destroys what was idle for that long, but keeps min idle', async () => {
    const { factory, pool } = await idlePool(4, { softIdleTimeoutMillis: 1000, min: 2 });
    await pass(1500);
    expect(factory.destroyed).toEqual([]); // for exactly that long, by the evictor's clock
    await pass(10_000);
    expect(factory.destroyed).toEqual(['1 softIdle', '2 softIdle']);
    expect(pool.available).toBe(2);
  });

  test.each([-1, 0])('of %s is never', async (softIdleTimeoutMillis) => {
    const { factory } = await idlePool(1, { softIdleTimeoutMillis });
    await pass(1_000_000);
    expect(factory.destroyed).toEqual([]);
  });

  test('stands beside idleTimeoutMillis', async () => {
    const { factory } = await idlePool(2, {
      softIdleTimeoutMillis: 1000,
      idleTimeoutMillis: 5000,
      min: 1,
    });
    await pass(2000);
    expect(factory.destroyed).toEqual(['1 softIdle']);
    await pass(5000);
    expect(factory.destroyed).toEqual(['1 softIdle', '2 idle']);
  });
});

describe('maxUses', () => {
  test('destroys a resource when it is returned for the nth time', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { maxUses: 2 });
    for (let use = 0; use < 5; use++) await pool.use(() => {});
    expect(factory.destroyed).toEqual(['1 uses', '2 uses']);
  });

  test('hands its borrower in waiting a new one', async () => {
    const pool = createPool(recordingFactory(), { maxUses: 1 });
    const ids = await Promise.all([1, 2, 3].map(() => pool.use((thing) => thing.id)));
    expect(ids).toEqual([1, 2, 3]);
  });

  test('of 0 is never', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { maxUses: 0 });
    for (let use = 0; use < 50; use++) await pool.use(() => {});
    expect(factory.destroyed).toEqual([]);
  });
});

describe('maxAgeMillis', () => {
  test('destroys an idle resource that old', async () => {
    const { factory } = await idlePool(1, { maxAgeMillis: 1000 });
    await pass(999);
    expect(factory.destroyed).toEqual([]);
    await pass(1);
    expect(factory.destroyed).toEqual(['1 age']);
  });

  test('destroys a lent one when it is returned', async () => {
    const { factory, pool } = await idlePool(1, { maxAgeMillis: 1000 });
    const thing = await pool.acquire();
    await pass(5000);
    expect(factory.destroyed).toEqual([]);
    await pool.release(thing);
    expect(factory.destroyed).toEqual(['1 age']);
  });

  test('destroys one that is returned at exactly that age', async () => {
    const { factory, pool } = await idlePool(1, { maxAgeMillis: 1000 });
    const thing = await pool.acquire();
    await pass(500);
    await pool.release(thing);
    const again = await pool.acquire();
    expect(again).toBe(thing);
    await pass(500);
    await pool.release(again);
    expect(factory.destroyed).toEqual(['1 age']);
  });

  test('counts from the creation, not from the start of the pool', async () => {
    fakeTime();
    const factory = recordingFactory();
    const pool = createPool(factory, { maxAgeMillis: 1000 });
    await pass(100_000);
    await pool.use(() => {});
    await pool.use(() => {});
    expect(factory.destroyed).toEqual([]);
  });

  test('of 0 is never', async () => {
    const { factory, pool } = await idlePool(1, { maxAgeMillis: 0 });
    await pass(100_000_000);
    await pool.use(() => {});
    expect(factory.destroyed).toEqual([]);
  });
});

describe('evict policies', () => {
  const heavy = () => true;
  const nameless = () => () => true;

  test('see the resource, its age, idle time and uses, and the state of the pool', async () => {
    const seen: unknown[] = [];
    const evict = (...args: unknown[]) => {
      seen.push(args);
      return undefined;
    };
    fakeTime();
    await pass(300); // so that the clock is not where it began
    const pool = createPool(recordingFactory(), { evict, name: 'seen', min: 1 });
    await pool.use(() => {});
    await pool.use(() => {});
    await pass(1000);
    await pass(1000);
    const state = { name: 'seen', max: 1, min: 1, size: 1, available: 1, borrowed: 0, pending: 0 };
    expect(seen).toEqual([
      [
        { resource: { id: 1 }, ageMillis: 1000, idleMillis: 0, uses: 2 },
        { ...state, creating: 0 },
      ],
      [
        { resource: { id: 1 }, ageMillis: 2000, idleMillis: 1000, uses: 2 },
        { ...state, creating: 0 },
      ],
    ]);
  });

  test.each<[string, () => string | boolean | Unfit | undefined, string | undefined]>([
    ['a string: that is the reason', () => 'too big', 'too big'],
    ['true: its name is the reason', heavy, 'heavy'],
    ['true without a name', nameless(), 'policy'],
    ['false: it stays', () => false, undefined],
    ['undefined: it stays', () => undefined, undefined],
    ['unfit: with its reason', () => unfit('worn'), 'worn'],
  ])('answer with %s', async (_, evict, reason) => {
    const { factory } = await idlePool(1, { evict });
    await pass(1000);
    expect(factory.destroyed).toEqual(reason === undefined ? [] : [`1 ${reason}`]);
  });

  test('are asked in order, after the timeouts; the first that answers counts', async () => {
    const { factory } = await idlePool(3, {
      maxAgeMillis: 10_000,
      evict: [
        ({ resource }) => resource.id === 1 && 'first',
        ({ resource }) => resource.id < 3 && 'second',
      ],
    });
    await pass(5000);
    expect(factory.destroyed).toEqual(['1 first', '2 second']);
    await pass(5000);
    expect(factory.destroyed).toEqual(['1 first', '2 second', '3 age']);
  });

  test('that throw keep the resource, and surface as uncaught exceptions', async () => {
    const error = new Error('policy');
    const evict = [
      () => {
        throw error;
      },
      ({ resource }: EvictCandidate<Thing>) => resource.id === 2 && 'fine',
    ];
    const { factory } = await idlePool(2, { evict });
    const errors = await uncaught(() => pass(1000));
    expect(errors).toEqual([error, error]);
    expect(factory.destroyed).toEqual(['2 fine']);
    expect(await uncaught(() => pass(1000))).toEqual([error]); // and the evictor runs on
  });
});

describe('the evictor', () => {
  const runs = async (options: PoolOptions<Thing>, millis: number) => {
    let count = 0;
    const counting = () => {
      count++;
      return false;
    };
    const { pool } = await idlePool(1, { ...options, evict: counting });
    await pass(millis);
    await pool.close();
    return count;
  };

  test('runs each second for policies alone', async () => {
    expect(await runs({}, 10_000)).toBe(10);
  });

  test('runs at half the shortest idle time or a twentieth of maxAgeMillis, between 10 ms and 30 s', async () => {
    expect(await runs({ maxAgeMillis: 40_000, softIdleTimeoutMillis: 3000, min: 1 }, 9000)).toBe(6);
    expect(await runs({ idleTimeoutMillis: 1, min: 1 }, 5)).toBe(0);
    expect(await runs({ softIdleTimeoutMillis: 1, min: 1 }, 100)).toBe(10);
    expect(await runs({ maxAgeMillis: 20_000 }, 9000)).toBe(9);
    expect(await runs({ maxAgeMillis: 10_000_000 }, 300_000)).toBe(10);
  });

  test('runs at evictionRunIntervalMillis where that is set', async () => {
    expect(await runs({ evictionRunIntervalMillis: 2000 }, 10_000)).toBe(5);
  });

  test('does not run when nothing can be evicted', async () => {
    await idlePool(1, {});
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('looks at all idle resources each time', async () => {
    const { factory } = await idlePool(20, { maxAgeMillis: 1000 });
    await pass(1000);
    expect(factory.destroyed).toHaveLength(20);
  });

  test('looks at 3 each time where the interval is set', async () => {
    const { factory } = await idlePool(8, { maxAgeMillis: 10, evictionRunIntervalMillis: 1000 });
    await pass(1000);
    expect(factory.destroyed).toHaveLength(3);
    await pass(2000);
    expect(factory.destroyed).toHaveLength(8);
  });

  test('looks at numTestsPerEvictionRun, and goes on where it was', async () => {
    const seen: number[] = [];
    const evict = ({ resource }: EvictCandidate<Thing>) => {
      seen.push(resource.id);
      return false;
    };
    await idlePool(5, { evict, numTestsPerEvictionRun: 2 });
    await pass(1000);
    expect(seen).toEqual([1, 2]);
    await pass(3000);
    expect(seen).toEqual([1, 2, 3, 4, 5, 1, 2, 3]);
  });

  test('takes a policy’s empty text for no', async () => {
    const { factory } = await idlePool(1, { evict: () => '' });
    await pass(5000);
    expect(factory.destroyed).toEqual([]);
  });

  test('keeps its place while resources come and go', async () => {
    const seen: number[] = [];
    const evict = ({ resource }: EvictCandidate<Thing>) => {
      seen.push(resource.id);
      return false;
    };
    const { pool } = await idlePool(4, { evict, numTestsPerEvictionRun: 2, fifo: true });
    await pass(1000);
    const first = pool.tryAcquire() as Thing;
    const second = pool.tryAcquire() as Thing; // where it stands
    await pool.release(first);
    await pass(1000);
    expect(seen).toEqual([1, 2, 3, 4]);
    await pool.release(second);
    await pass(1000);
    expect(seen).toEqual([1, 2, 3, 4, 1, 2]);
  });

  test('keeps its place when what it looked at before is lent and returned', async () => {
    const seen: number[] = [];
    const evict = ({ resource }: EvictCandidate<Thing>) => {
      seen.push(resource.id);
      return false;
    };
    const { pool } = await idlePool(5, { evict, numTestsPerEvictionRun: 2, fifo: true });
    await pass(1000);
    pool.useSync(() => {}); // the first
    await pass(2000);
    expect(seen).toEqual([1, 2, 3, 4, 5, 1]);
  });

  test('keeps its place when it destroys what it stands at', async () => {
    const seen: number[] = [];
    const evict = ({ resource }: EvictCandidate<Thing>) => {
      seen.push(resource.id);
      return resource.id === 2;
    };
    await idlePool(4, { evict, numTestsPerEvictionRun: 2 });
    await pass(2000);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test('looks at nothing when nothing is idle', async () => {
    const seen: number[] = [];
    const { pool } = await idlePool(1, {
      evict: ({ resource }) => {
        seen.push(resource.id);
        return false;
      },
    });
    await pool.acquire();
    await pass(5000);
    expect(seen).toEqual([]);
    await settle();
  });
});
