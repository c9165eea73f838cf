import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { describe, expect, test, vi } from 'vitest';
import {
  fakeTime,
  pass,
  recordingFactory,
  rejection,
  settle,
  type Thing,
  uncaught,
  watch,
} from '../../helpers/core.js';

const their = (options: object = {}, parts = {}) =>
  genericPool.createPool(recordingFactory(parts) as unknown as genericPool.Factory<Thing>, options);
const our = (options: object = {}, parts = {}) => createPool(recordingFactory(parts), options);

describe('use of a function that is not asynchronous', () => {
  test('generic-pool: fails, although its types allow it, and never gives the resource back', async () => {
    const pool = their();
    await expect(pool.use(() => 5)).rejects.toThrow(TypeError);
    expect(pool.borrowed).toBe(1);
  });

  test('generic-pool: nor after a throw', async () => {
    const pool = their();
    const failed = pool.use(() => {
      throw new Error('mine');
    });
    await expect(failed).rejects.toThrow('mine');
    expect(pool.borrowed).toBe(1);
  });

  test('ours: gives on what it returned or threw, and the resource back', async () => {
    const pool = our();
    expect(await pool.use(() => 5)).toBe(5);
    const failed = pool.use(() => {
      throw new Error('mine');
    });
    await expect(failed).rejects.toThrow('mine');
    expect(pool.borrowed).toBe(0);
  });
});

describe('use of a function that returns the resource itself', () => {
  test('generic-pool: is an unhandled rejection', async () => {
    const pool = their();
    const errors = await uncaught(() => pool.use((thing) => pool.release(thing)));
    expect(errors).toMatchObject([{ message: 'Resource not currently part of this pool' }]);
  });

  test('ours: is fine', async () => {
    const pool = our();
    const errors = await uncaught(() => pool.use((thing) => pool.release(thing)));
    expect(errors).toEqual([]);
  });
});

describe('use with an options argument', () => {
  test('generic-pool and ours: takes a priority, which generic-pool leaves out of its types', async () => {
    for (const pool of [their({ priorityRange: 2 }), our({ priorityRange: 2 })]) {
      const order: number[] = [];
      const thing = await pool.acquire();
      const use = pool.use.bind(pool) as (fn: () => Promise<unknown>, priority: number) => unknown;
      const low = use(async () => order.push(1), 1);
      const high = use(async () => order.push(0), 0);
      await pool.release(thing);
      await Promise.all([low, high]);
      expect(order).toEqual([0, 1]);
    }
  });
});

describe('the priority of an acquire without one', () => {
  const order = async (make: typeof their | typeof our) => {
    const pool = make({ priorityRange: 3 });
    const thing = await pool.acquire();
    const served: string[] = [];
    const ask = (name: string, priority?: number) =>
      pool.acquire(priority).then((lent) => {
        served.push(name);
        return pool.release(lent);
      });
    const all = [ask('middle', 1), ask('lowest', 2), ask('none')];
    await pool.release(thing);
    await Promise.all(all);
    return served;
  };

  test('generic-pool: is the highest, although its README says the lowest', async () => {
    expect(await order(their)).toEqual(['none', 'middle', 'lowest']);
  });

  test('ours: is the lowest, as that README says', async () => {
    expect(await order(our)).toEqual(['middle', 'lowest', 'none']);
  });
});

describe('a priority that is none', () => {
  test.each([-1, 0.5, Number.NaN, 'high'])(
    'generic-pool: %o is taken for some other',
    async (priority) => {
      const pool = their({ priorityRange: 3 });
      expect(await pool.acquire(priority as number)).toEqual({ id: 1 });
    },
  );

  test.each([-1, 0.5, Number.NaN, 'high'])('ours: %o is refused', async (priority) => {
    const pool = our({ priorityRange: 3 });
    await expect(pool.acquire(priority as number)).rejects.toMatchObject({
      code: 'ERR_POOL_OPTION',
    });
  });

  test('generic-pool and ours: one beyond the range is the lowest', async () => {
    for (const pool of [their({ priorityRange: 2 }), our({ priorityRange: 2 })]) {
      const thing = await pool.acquire();
      const beyond = watch(pool.acquire(9));
      watch(pool.acquire(1));
      await pool.release(thing);
      await settle();
      expect(beyond.value).toBe(thing);
    }
  });
});

describe('maxWaitingClients while a creation is under way', () => {
  const both = (pool: { acquire(): Promise<Thing> }) =>
    Promise.allSettled([pool.acquire(), pool.acquire()]).then((all) => all.map((it) => it.status));
  const options = { max: 2, maxWaitingClients: 1 };
  const slow = { create: async (make: () => Thing) => make() };

  test('generic-pool: counts those whom it will serve', async () => {
    const pool = their({ ...options, max: 1 }, slow);
    expect(await both(pool)).toEqual(['fulfilled', 'rejected']);
  });

  test('ours: counts those who wait for a return', async () => {
    const pool = our({ ...options, max: 1 }, slow);
    const first = pool.acquire();
    const second = watch(pool.acquire());
    const third = rejection(pool.acquire());
    await first;
    await settle();
    expect(second.state).toBe('pending');
    expect(await third).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
  });
});

describe('one who waits and timed out in the very tick of a return', () => {
  const race = async (make: typeof their | typeof our) => {
    fakeTime();
    const pool = make({ acquireTimeoutMillis: 10 });
    const thing = await pool.acquire();
    const first = watch(pool.acquire());
    await pass(5);
    const second = watch(pool.acquire());
    setTimeout(() => pool.release(thing), 5);
    vi.advanceTimersByTime(5); // both timers, with no microtask between
    await settle();
    return [first.state, second.state];
  };

  test('generic-pool: takes the place of the next, who waits on although a resource is idle', async () => {
    expect(await race(their)).toEqual(['rejected', 'pending']);
  });

  test('ours: is out of the line', async () => {
    expect(await race(our)).toEqual(['rejected', 'fulfilled']);
  });
});

describe('an acquire that times out', () => {
  test('generic-pool: has a TimeoutError without a code', async () => {
    const pool = their({ acquireTimeoutMillis: 1 });
    await pool.acquire();
    const error = await rejection(pool.acquire());
    expect(error).toMatchObject({ name: 'TimeoutError', message: 'ResourceRequest timed out' });
    expect(error).not.toHaveProperty('code');
  });

  test('ours: has an AcquireTimeoutError with one, and the counters', async () => {
    const pool = our({ acquireTimeoutMillis: 1 });
    await pool.acquire();
    expect(await rejection(pool.acquire())).toMatchObject({
      name: 'AcquireTimeoutError',
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
      message: expect.stringContaining('size 1 of 1'),
    });
  });
});

describe('a return of what is not on loan', () => {
  test.each(['release', 'destroy'] as const)(
    'generic-pool: an ignored %s is an unhandled rejection, although its README calls that safe',
    async (call) => {
      const errors = await uncaught(() => {
        their()[call]({ id: 9 });
      });
      expect(errors).toHaveLength(1);
    },
  );

  test.each(['release', 'destroy'] as const)(
    'ours: %s rejects, and that can be ignored',
    async (call) => {
      const pool = our();
      const errors = await uncaught(() => {
        pool[call]({ id: 9 });
      });
      expect(errors).toEqual([]);
      await expect(pool[call]({ id: 9 })).rejects.toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
    },
  );
});

describe('ready', () => {
  const gated = (make: typeof their | typeof our, options: object) => {
    const made = Promise.withResolvers<void>();
    const pool = make(options, { create: (create: () => Thing) => made.promise.then(create) });
    return { pool, made };
  };

  test('generic-pool: looks each 100 ms whether it is', async () => {
    fakeTime();
    const { pool, made } = gated(their, { min: 1 });
    const ready = watch(pool.ready());
    made.resolve();
    await pass(99);
    expect(ready.state).toBe('pending');
    await pass(1);
    expect(ready.state).toBe('fulfilled');
  });

  test('ours: knows', async () => {
    fakeTime();
    const { pool, made } = gated(our, { min: 1 });
    const ready = watch(pool.ready());
    made.resolve();
    await settle();
    expect(ready.state).toBe('fulfilled');
  });

  test('generic-pool: counts only what is idle', async () => {
    fakeTime();
    const pool = their({ min: 1 });
    await pool.acquire();
    const ready = watch(pool.ready());
    await pass(1_000_000);
    expect(ready.state).toBe('pending');
  });

  test('ours: counts what is lent, too', async () => {
    const pool = our({ min: 1 });
    await pool.acquire();
    await pool.ready();
  });

  const failing = { create: () => Promise.reject(new Error('no')) };

  test('generic-pool: never fails', async () => {
    fakeTime();
    const pool = their({ min: 1 }, failing);
    const ready = watch(pool.ready());
    await pass(1_000_000);
    expect(ready.state).toBe('pending');
  });

  test('ours: rejects when a creation fails', async () => {
    const pool = our({ min: 1 }, failing);
    await expect(pool.ready()).rejects.toMatchObject({ code: 'ERR_POOL_CREATE' });
    await pool.close();
  });

  test('generic-pool: min that failed once is not tried again', async () => {
    fakeTime();
    let failures = 1;
    const pool = their(
      { min: 1 },
      {
        create: (make: () => Thing) => (failures-- > 0 ? Promise.reject(new Error('no')) : make()),
      },
    );
    await pass(1_000_000);
    expect(pool.size).toBe(0);
  });

  test('ours: it is, with growing pauses', async () => {
    fakeTime();
    let failures = 1;
    const pool = our(
      { min: 1 },
      {
        create: (make: () => Thing) => (failures-- > 0 ? Promise.reject(new Error('no')) : make()),
      },
    );
    await pass(100);
    expect(pool.size).toBe(1);
  });
});
