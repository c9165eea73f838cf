import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { MessageChannel } from 'node:worker_threads';
import { createPool, OptionError, type Pool, unfit } from '@wasm-pool/core';
import { createAdapterPool } from '@wasm-pool/core/internal';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  fakeTime,
  hang,
  pass,
  recordingFactory,
  rejection,
  settle,
  uncaught,
  watch,
} from '../helpers/core.js';

describe('destroy', () => {
  test('takes an idle resource that died out of the pool', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2, min: 1 });
    await pool.ready();
    const [dead] = factory.made;
    await pool.destroy(dead as { id: number });
    expect(factory.destroyed).toEqual(['1 borrower']);
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(await rejection(pool.destroy(dead as { id: number }))).toMatchObject({
      code: 'ERR_POOL_NOT_BORROWED',
    });
  });

  test.each(['validate', 'recycle'] as const)(
    'takes one that %s has, whatever that answers then',
    async (call) => {
      const answer = Promise.withResolvers<boolean>();
      const factory = recordingFactory({ [call]: () => answer.promise });
      const pool = createPool(factory, { testOnBorrow: call === 'validate' });
      const thing = await pool.acquire();
      await pool.release(thing);
      pool.tryAcquire();
      await pool.destroy(thing);
      answer.resolve(true);
      await settle();
      expect(factory.destroyed).toEqual(['1 borrower']);
      expect(pool.stats()).toMatchObject({ size: 0, available: 0, borrowed: 0 });
    },
  );
});

describe.each(['replace', 'clear'] as const)('%s', (method) => {
  const reason = method === 'clear' ? 'clear' : 'replaced';

  test('retires idle resources now, lent ones at their return, and those being created when they are made', async () => {
    const late = Promise.withResolvers<void>();
    const factory = recordingFactory({
      async create(make) {
        if (factory.creations === 3) await late.promise;
        return make();
      },
    });
    const pool = createPool(factory, { max: 3 });
    const [lent, idle] = await Promise.all([pool.acquire(), pool.acquire()]);
    await pool.release(idle);
    const taken = await pool.acquire();
    const waiting = watch(pool.acquire());
    await pool.release(taken);
    await settle();
    expect(waiting.value).toBe(idle);
    await pool.release(idle);
    void pool[method]();
    expect(factory.destroyed).toEqual([`2 ${reason}`]);
    late.resolve();
    await settle();
    expect(factory.destroyed).toEqual([`2 ${reason}`, `3 ${reason}`]);
    await pool.release(lent);
    expect(factory.destroyed).toEqual([`2 ${reason}`, `3 ${reason}`, `1 ${reason}`]);
    expect(await pool.acquire()).toEqual({ id: 4 });
  });

  test('lends nothing that is to go, whoever asks meanwhile', async () => {
    const factory = recordingFactory({
      destroy: () => {
        borrowed.push(pool.tryAcquire());
      },
    });
    const borrowed: unknown[] = [];
    const pool: Pool<{ id: number }> = createPool(factory, { max: 3 });
    await pool.ready(3);
    void pool[method]();
    expect(borrowed).toEqual([undefined, undefined, undefined]);
    expect(factory.destroyed).toHaveLength(3);
  });

  test('leaves what is made from then on', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory);
    await pool.use(() => {});
    void pool[method]();
    await pool.use(() => {});
    await pool.use(() => {});
    expect(factory.destroyed).toEqual([`1 ${reason}`]);
  });

  test('retires one that validate has', async () => {
    const answer = Promise.withResolvers<boolean>();
    const validate = vi.fn(() => answer.promise);
    const factory = recordingFactory({ validate });
    const pool = createPool(factory, { testOnBorrow: true });
    await pool.release(await pool.acquire());
    const next = watch(pool.acquire());
    void pool[method]();
    answer.resolve(true);
    await settle();
    expect(factory.destroyed).toEqual([`1 ${reason}`]);
    expect(next.value).toEqual({ id: 2 });
  });
});

describe('resize', () => {
  test('lets waiters have what a larger max makes room for', async () => {
    const pool = createPool(recordingFactory());
    await pool.acquire();
    const waiting = watch(pool.acquire());
    pool.resize({ max: 2 });
    await settle();
    expect(waiting.value).toEqual({ id: 2 });
    expect(pool.max).toBe(2);
  });

  test('destroys idle resources beyond a smaller max now, and lent ones at their return', async () => {
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 4 });
    const all = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire()]);
    await pool.release(all[0]);
    pool.resize({ max: 2 });
    expect(factory.destroyed).toEqual(['1 resized']);
    expect(pool.spareResourceCapacity).toBe(0);
    for (const thing of all.slice(1)) await pool.release(thing);
    expect(factory.destroyed).toEqual(['1 resized', '2 resized']);
    expect(pool).toMatchObject({ size: 2, available: 2 });
  });

  test('makes what a larger min lacks, and Infinity and 0 are no limit', async () => {
    const pool = createPool(recordingFactory(), { max: 1 });
    pool.resize({ max: Number.POSITIVE_INFINITY, min: 5 });
    await settle();
    expect(pool).toMatchObject({ max: 0, min: 5, available: 5 });
    pool.resize({ min: 0 });
    expect(pool).toMatchObject({ max: 0, min: 0, available: 5 });
  });

  test.each([
    [{ max: 1, min: 2 }, 'resize: min is 2; accepted: a whole number up to max (1)'],
    [{ max: -1 }, 'resize: max is -1; accepted: a whole number of at least 0, or Infinity'],
    [{ least: 1 }, 'resize: unknown option least; accepted: max, min'],
    [undefined, 'resize: options is undefined; accepted: an object'],
    [5, 'resize: options is 5; accepted: an object'],
  ])('refuses %o', (limits, message) => {
    const pool = createPool(recordingFactory());
    expect(() => pool.resize(limits as object)).toThrow(new OptionError(message));
  });
});

describe('the signal of create', () => {
  test('is the same whenever it is asked for, and is aborted only of what is under way', async () => {
    const created: ((thing: object) => void)[] = [];
    const signals: AbortSignal[] = [];
    const factory = {
      create: (options: { signal: AbortSignal }) => {
        expect(options.signal).toBe(options.signal);
        signals.push(options.signal);
        return new Promise<object>((resolve) => created.push(resolve));
      },
      destroy() {},
    };
    const pool = createPool<object>(factory, { max: 3 });
    const controller = new AbortController();
    const { signal } = controller;
    const served = watch(pool.acquire());
    watch(pool.acquire({ signal }));
    watch(pool.acquire({ signal }));
    created[2]?.({});
    await settle();
    expect(served.state).toBe('fulfilled');
    controller.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  });

  test('is aborted when the acquire that it was for gives up, and that is no failure', async () => {
    const signals: AbortSignal[] = [];
    const factory = {
      create: ({ signal }: { signal: AbortSignal }) =>
        new Promise<object>((_, reject) => {
          signals.push(signal);
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      destroy() {},
    };
    const pool = createPool(factory);
    const controller = new AbortController();
    const acquired = watch(pool.acquire({ signal: controller.signal }));
    expect(signals[0]?.aborted).toBe(false);
    controller.abort(new Error('gone'));
    await settle();
    expect(signals[0]?.aborted).toBe(true);
    expect(acquired).toMatchObject({ state: 'rejected', error: { message: 'gone' } });
    expect(pool.stats()).toMatchObject({ size: 0, createErrors: 0, aborted: 1 });
  });

  test('is left alone while another acquire needs the resource', async () => {
    const signals: AbortSignal[] = [];
    const made = Promise.withResolvers<object>();
    const create = ({ signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return made.promise;
    };
    const pool = createPool({ create, destroy() {} });
    const controller = new AbortController();
    pool.acquire({ signal: controller.signal }).catch(() => {});
    const other = pool.acquire();
    controller.abort();
    expect(signals.map((it) => it.aborted)).toEqual([false]);
    made.resolve({});
    expect(await other).toBe(await made.promise);
  });

  test('is aborted by createTimeoutMillis and by close', async () => {
    fakeTime();
    const signals: AbortSignal[] = [];
    const create = ({ signal }: { signal: AbortSignal }) => {
      signals.push(signal);
      return hang();
    };
    const pool = createPool({ create, destroy() {} }, { createTimeoutMillis: 50, max: 2 });
    watch(pool.acquire());
    await pass(50);
    expect(signals.map((it) => it.aborted)).toEqual([true]);
    watch(pool.acquire());
    const closed = watch(pool.close({ timeoutMillis: 10 }));
    expect(signals.map((it) => it.aborted)).toEqual([true, true]);
    await pass(10);
    expect(closed.state).toBe('fulfilled');
  });

  test('a resource that comes although its creation was cancelled is kept', async () => {
    const made = Promise.withResolvers<object>();
    const create = vi.fn(({ signal }: { signal: AbortSignal }) => {
      void signal;
      return made.promise;
    });
    const pool = createPool({ create, destroy() {} }, { max: 2 });
    const controller = new AbortController();
    pool.acquire({ signal: controller.signal }).catch(() => {});
    controller.abort();
    made.resolve({});
    await settle();
    expect(pool).toMatchObject({ size: 1, available: 1 });
  });
});

describe('max', () => {
  test('counts a creation that took too long, until it is over or ten times as long has passed', async () => {
    fakeTime();
    const factory = recordingFactory({ create: hang });
    const pool = createPool(factory, { createTimeoutMillis: 100 });
    watch(pool.acquire());
    await pass(100);
    expect(pool.spareResourceCapacity).toBe(0);
    watch(pool.acquire());
    await pass(999);
    expect(factory.creations).toBe(1);
    await pass(1);
    expect(factory.creations).toBe(2);
  });
});

describe('maxAgeMillis', () => {
  test('is looked at when lending, after the evictor was held up', async () => {
    fakeTime();
    const factory = recordingFactory();
    const pool = createPool(factory, { maxAgeMillis: 1000 });
    await pool.use(() => {});
    vi.setSystemTime(Date.now() + 1000);
    expect(await pool.acquire()).toEqual({ id: 2 });
    expect(factory.destroyed).toEqual(['1 age']);
  });

  test('takes a quarter at once of the resources that min wants replaced', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ create: async (make) => make() }), {
      max: 20,
      min: 20,
      maxAgeMillis: 1000,
    });
    await pool.ready();
    let fewest = 20;
    pool.on('destroy', () => {
      fewest = Math.min(fewest, pool.available);
    });
    await pass(1999);
    expect(fewest).toBeGreaterThanOrEqual(15);
    expect(pool.stats().destroyedBy.age).toBeGreaterThanOrEqual(20);
  });

  test('has successors made before the resources go that min wants, where max has room', async () => {
    fakeTime();
    const create = (make: () => { id: number }) =>
      new Promise<{ id: number }>((resolve) => setTimeout(() => resolve(make()), 30));
    const pool = createPool(recordingFactory({ create }), { max: 8, min: 4, maxAgeMillis: 1000 });
    const ready = pool.ready();
    await pass(30);
    await ready;
    const sizes: number[] = [];
    const note = () => sizes.push(pool.available);
    pool.on('destroy', note);
    pool.on('create', note);
    await pass(5000);
    expect(pool.stats().destroyedBy.age).toBeGreaterThan(8);
    expect(Math.min(...sizes)).toBe(4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
  });

  test('lets go of what cannot be replaced first, and of nothing during an outage', async () => {
    fakeTime();
    let works = true;
    let mayCreate = true;
    const factory = recordingFactory({
      create: (make) => (works ? make() : Promise.reject(new Error('down'))),
      canCreate: () => mayCreate,
    });
    const pool = createAdapterPool(factory, { max: 2, min: 1, maxAgeMillis: 1000 });
    await pool.ready();
    works = false;
    await pass(1100);
    expect(factory.creations).toBeGreaterThan(1);
    expect(factory.destroyed).toEqual([]);
    works = true;
    mayCreate = false; // a budget is spent
    await pass(1000);
    expect(factory.destroyed).toEqual(['1 age']);
  });

  test('is looked at when lending, too, whichever way that is done', async () => {
    fakeTime();
    for (const call of ['acquire', 'use', 'useSync', 'lease', 'tryAcquire'] as const) {
      const factory = recordingFactory();
      const pool = createPool(factory, { max: 2, maxAgeMillis: 1000 });
      await pool.ready(2);
      vi.setSystemTime(Date.now() + 2000); // a stall: the evictor has not run
      if (call === 'tryAcquire') expect(pool.tryAcquire()).toBeUndefined();
      else if (call === 'useSync') expect(() => pool.useSync(() => {})).toThrow(/nothing is idle/);
      else await (call === 'use' ? pool.use(() => {}) : pool[call]());
      expect(factory.destroyed.toSorted()).toEqual(['1 age', '2 age']);
    }
  });

  test('is looked at before validate is asked for a waiter', async () => {
    fakeTime();
    const asked: number[] = [];
    const factory = recordingFactory({
      validate: async ({ id }) => asked.push(id),
    });
    const pool = createPool(factory, { max: 2, maxAgeMillis: 1000, testOnBorrow: true });
    await pool.ready(1);
    await pass(500);
    await pool.ready(2);
    vi.setSystemTime(Date.now() + 600); // a stall
    const both = watch(Promise.all([pool.acquire(), pool.acquire()]));
    await settle();
    expect(asked).toEqual([2]);
    expect(factory.destroyed).toEqual(['1 age']);
    expect(both.value?.map(({ id }) => id)).toEqual([2, 3]);
  });

  test.each(['acquire', 'use', 'lease'] as const)(
    'is looked at when an answer of validate has taken long: %s gets another',
    async (call) => {
      fakeTime();
      const answer = Promise.withResolvers<boolean>();
      const factory = recordingFactory({ validate: () => answer.promise });
      const pool = createPool(factory, { maxAgeMillis: 1000, testOnBorrow: true });
      await pool.release(await pool.acquire());
      const next = watch<unknown>(call === 'use' ? pool.use(({ id }) => id) : pool[call]());
      vi.setSystemTime(Date.now() + 2000);
      answer.resolve(true);
      await settle();
      expect(factory.destroyed).toEqual(['1 age']);
      expect(factory.creations).toBe(2);
      expect(next.state).toBe('fulfilled');
    },
  );

  test('comes earlier by as much as maxAgeJitter says, for each resource at random', async () => {
    fakeTime();
    const random = vi.spyOn(Math, 'random').mockReturnValueOnce(1).mockReturnValueOnce(0);
    onTestFinished(() => random.mockRestore());
    const factory = recordingFactory();
    const pool = createPool(factory, { max: 2, maxAgeMillis: 1000, maxAgeJitter: 0.5 });
    await pool.ready(2);
    await pass(500);
    expect(factory.destroyed).toEqual(['1 age']);
    await pass(500);
    expect(factory.destroyed).toEqual(['1 age', '2 age']);
  });
});

describe('testWhileIdle', () => {
  test('asks validate about idle resources in the background, and replaces those that are dead', async () => {
    fakeTime();
    const dead = new Set<number>();
    const validate = ({ id }: { id: number }) => (dead.has(id) ? unfit('dead') : 'PONG');
    const factory = recordingFactory({ validate });
    const pool = createPool(factory, { max: 4, min: 4, testWhileIdle: true });
    await pool.ready();
    dead.add(2).add(3);
    await pass(4 * 30_000);
    expect(factory.destroyed.toSorted()).toEqual(['2 dead', '3 dead']);
    expect(pool).toMatchObject({ size: 4, available: 4 });
  });

  test('leaves the time for which a resource has been idle as it is, and serves who waits meanwhile', async () => {
    fakeTime();
    const answers: ((fit: boolean) => void)[] = [];
    const validate = () => new Promise<boolean>((resolve) => answers.push(resolve));
    const factory = recordingFactory({ validate });
    const pool = createPool(factory, {
      testWhileIdle: true,
      evictionRunIntervalMillis: 1000,
      idleTimeoutMillis: 2500,
    });
    await pool.use(() => {});
    await pass(1000);
    expect(pool).toMatchObject({ available: 0, size: 1 });
    answers[0]?.(true);
    await settle();
    expect(pool.available).toBe(1);
    await pass(1000);
    const waiting = watch(pool.acquire());
    answers[1]?.(true);
    await settle();
    expect(waiting.value).toEqual({ id: 1 });
    await pool.release(waiting.value as { id: number });
  });

  test('lets drain end when the answer is there', async () => {
    fakeTime();
    const answer = Promise.withResolvers<boolean>();
    const pool = createPool(recordingFactory({ validate: () => answer.promise }), {
      min: 1,
      testWhileIdle: true,
    });
    await pool.ready();
    await pass(30_000);
    const drained = watch(pool.drain());
    await settle();
    expect(drained.state).toBe('pending');
    answer.resolve(true);
    await settle();
    expect(drained.state).toBe('fulfilled');
    expect(pool.available).toBe(1);
  });

  test('leaves alone what a validate borrows meanwhile', async () => {
    fakeTime();
    const asked: number[] = [];
    const factory = recordingFactory({
      validate: ({ id }) => {
        asked.push(id);
        if (asked.length === 1) pool.evict(1); // the next in turn
        return true;
      },
    });
    const pool: Pool<{ id: number }> = createPool(factory, {
      max: 8,
      testWhileIdle: true,
    });
    await pool.ready(8);
    await pass(30_000);
    expect(asked).toEqual([1]);
    expect(factory.destroyed).toEqual(['2 evicted']);
  });

  test('needs a validate', () => {
    expect(() => createPool(recordingFactory(), { testWhileIdle: true })).toThrow(
      'createPool: testWhileIdle is true; accepted: false, for this factory has no validate',
    );
  });
});

describe('stats', () => {
  test('say how many had to wait and for how long, and how many were refused or gave up', async () => {
    fakeTime();
    await settle(); // the clock is read once a turn, and this turn began by the real one
    const pool = createPool(recordingFactory(), { maxWaitingClients: 2 });
    const thing = await pool.acquire();
    const controller = new AbortController();
    pool.acquire({ signal: controller.signal }).catch(() => {});
    const served = watch(pool.acquire());
    await expect(pool.acquire()).rejects.toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    await pass(30);
    controller.abort();
    await pass(20);
    await pool.release(thing);
    await settle();
    expect(served.state).toBe('fulfilled');
    const { waits, aborted, refused, timeouts } = pool.stats();
    expect({ aborted, refused, timeouts }).toEqual({ aborted: 1, refused: 1, timeouts: 0 });
    expect(waits).toMatchObject({ count: 3, longestMillis: 50 }); // the first waited for its creation
    expect(waits.totalMillis).toBeGreaterThanOrEqual(80);
  });

  test('say how long loans took that had to be waited for, and creations', async () => {
    fakeTime();
    await settle();
    const slowly = (make: () => object) =>
      new Promise<object>((resolve) => setTimeout(() => resolve(make()), 20));
    const pool = createPool({ create: () => slowly(() => ({})), destroy() {} });
    const first = watch(pool.acquire());
    await settle(); // the clock of loans is read once a turn
    await pass(20);
    await pass(7);
    await pool.release(first.value as object);
    await settle();
    await pool.release(await pool.acquire()); // idle: not timed
    const { loans, creations, acquired } = pool.stats();
    expect(acquired).toBe(2);
    expect(loans).toEqual({ count: 1, totalMillis: 7, longestMillis: 7 });
    expect(creations).toEqual({ count: 1, totalMillis: 20, longestMillis: 20 });
  });

  test('time all loans while leaks are looked for, and inspect says how long each has lasted', async () => {
    fakeTime();
    await settle();
    const pool = createPool(recordingFactory(), { min: 1, leakDetectionMillis: 1000 });
    await pool.ready();
    const thing = await pool.acquire();
    await pass(9);
    expect(pool.inspect()).toMatchObject([{ state: 'borrowed', borrowedMillis: 9 }]);
    await pool.release(thing);
    expect(pool.stats().loans).toEqual({ count: 1, totalMillis: 9, longestMillis: 9 });
    expect(pool.inspect()).toMatchObject([{ state: 'idle', borrowedMillis: undefined }]);
  });

  test('say how often creation has failed since it worked last', async () => {
    let works = false;
    const pool = createPool(
      recordingFactory({ create: (make) => (works ? make() : Promise.reject(new Error('no'))) }),
    );
    for (let round = 0; round < 3; round++) await rejection(pool.acquire());
    expect(pool.stats()).toMatchObject({ createErrors: 3, createErrorsInARow: 3 });
    works = true;
    await pool.acquire();
    expect(pool.stats()).toMatchObject({ createErrors: 3, createErrorsInARow: 0 });
  });

  test('say how much memory the resources take, where the factory can tell', async () => {
    const bytes = ({ id }: { id: number }) => id * 100;
    const pool = createAdapterPool(recordingFactory({ bytes }), { max: 2, min: 2 });
    await pool.ready();
    expect(pool.stats().memoryBytes).toBe(300);
    expect(pool.inspect().map((it) => it.bytes)).toEqual([100, 200]);
    expect(createPool(recordingFactory()).stats()).not.toHaveProperty('memoryBytes');
  });

  test('a spare capacity is never negative', async () => {
    const pool = createPool(recordingFactory(), { max: 1, burst: 1 });
    await pool.acquire();
    await pool.acquire(0);
    expect(pool.spareResourceCapacity).toBe(0);
  });
});

describe('inspect', () => {
  test('lists the resources with what the pool knows of each', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ recycle: hang }), {
      max: 3,
      leakDetectionMillis: 60_000,
      evictionRunIntervalMillis: 10,
    });
    const all = await Promise.all([pool.acquire(), pool.acquire()]);
    await pool.release(all[1]);
    await pool.ready(3);
    await pass(25);
    const [lent, returned, idle] = pool.inspect();
    expect(lent).toMatchObject({ resource: { id: 1 }, state: 'borrowed', ageMillis: 25, uses: 1 });
    expect(lent?.acquiredAt).toContain('operations.test');
    expect(returned).toMatchObject({
      resource: { id: 2 },
      state: 'checking',
      acquiredAt: undefined,
      borrowedMillis: undefined,
      bytes: undefined,
    });
    expect(idle).toMatchObject({ resource: { id: 3 }, state: 'idle', uses: 0, idleMillis: 15 });
  });
});

describe('the channels of node:diagnostics_channel', () => {
  test('tell of waits, returns, creations and destructions, without resources', async () => {
    fakeTime();
    const heard: [string, unknown][] = [];
    for (const name of ['wait', 'release', 'create', 'destroy']) {
      const listener = (message: unknown) => {
        // Pools of other tests are told of as well, when a lease of theirs is collected.
        if ((message as { pool: string }).pool === 'db') heard.push([name, message]);
      };
      subscribe(`wasm-pool:${name}`, listener);
      onTestFinished(() => {
        unsubscribe(`wasm-pool:${name}`, listener);
      });
    }
    let works = true;
    const create = () => {
      if (!works) throw new Error('no');
      return {};
    };
    const pool = createPool({ create, destroy() {} }, { name: 'db' });
    const thing = await pool.acquire();
    await pass(5);
    await pool.release(thing);
    await pool.destroy(thing);
    works = false;
    await rejection(pool.acquire());
    expect(heard.map(([name]) => name)).toEqual([
      'create',
      'wait',
      'release',
      'destroy',
      'create',
      'wait',
    ]);
    expect(heard[1]?.[1]).toEqual({ pool: 'db', millis: 0, outcome: 'served' });
    expect(heard[2]?.[1]).toEqual({ pool: 'db', millis: 5 });
    expect(heard[3]?.[1]).toEqual({ pool: 'db', reason: 'borrower', ageMillis: 5, uses: 1 });
    expect(heard[4]?.[1]).toMatchObject({ pool: 'db', error: { message: 'no' } });
    expect(heard[5]?.[1]).toMatchObject({ outcome: 'ERR_POOL_CREATE' });
  });

  test('tell of a wait in the context of its acquire, and of a refusal', async () => {
    const requests = new AsyncLocalStorage<string>();
    const heard: unknown[] = [];
    const listener = (message: unknown) => heard.push([requests.getStore(), message]);
    subscribe('wasm-pool:wait', listener);
    onTestFinished(() => void unsubscribe('wasm-pool:wait', listener));
    const pool = createAdapterPool(recordingFactory(), { min: 1, maxWaitingClients: 1 });
    await pool.ready();
    const thing = await pool.acquire();
    const waiting = requests.run('waiter', () => pool.acquire());
    await requests.run('refused', () => rejection(pool.acquire()));
    await requests.run('returner', () => pool.release(thing));
    await waiting;
    expect(heard).toMatchObject([
      ['refused', { millis: 0, outcome: 'ERR_POOL_QUEUE_FULL' }],
      ['waiter', { outcome: 'served' }],
    ]);
  });
});

describe('what has to be synchronous', () => {
  test('an evict policy that returns a promise is told, and counts as no', async () => {
    fakeTime();
    const evict = (async () => true) as unknown as () => boolean;
    const pool = createPool(recordingFactory(), { min: 1, evict, evictionRunIntervalMillis: 10 });
    await pool.ready();
    const errors = await uncaught(() => pass(10));
    expect(errors).toMatchObject([
      { message: 'evict policy evict returned a promise; it has to be synchronous' },
    ]);
    expect(pool.size).toBe(1);
  });

  test('a canCreate or lend that returns a promise fails the creation, or the acquire', async () => {
    const canCreate = (async () => {
      throw new Error('nobody hears of it');
    }) as unknown as () => boolean;
    const put = createAdapterPool(recordingFactory({ canCreate }));
    expect(await rejection(put.acquire())).toMatchObject({
      code: 'ERR_POOL_CREATE',
      cause: { message: 'factory.canCreate returned a promise; it has to be synchronous' },
    });
    const lend = async () => {};
    const pool = createPool(recordingFactory({ lend }));
    expect(await rejection(pool.acquire())).toMatchObject({
      message: 'factory.lend returned a promise; it has to be synchronous',
    });
    expect(pool.stats()).toMatchObject({ borrowed: 0, destroyedBy: { unfit: 1 } });
  });
});

describe('lend', () => {
  test('is told of each loan, with its context, whichever way it is made', async () => {
    const told: unknown[] = [];
    const lend = ({ id }: { id: number }, context: unknown) => void told.push([id, context]);
    const pool = createPool(recordingFactory({ lend }));
    const thing = await pool.acquire({ context: 'created for' });
    const waited = pool.acquire({ context: 'waited' });
    await pool.release(thing);
    await pool.release(await waited);
    await pool.release(await pool.acquire({ context: 'idle' }));
    await pool.release(await pool.acquire());
    pool.useSync(() => {}, { context: 'sync' });
    await pool.use(() => {}, { context: 'use' });
    await (await pool.lease({ context: 'lease' })).release();
    await pool.release(pool.tryAcquire({ context: 'try' }) as { id: number });
    expect(told).toEqual(
      ['created for', 'waited', 'idle', undefined, 'sync', 'use', 'lease', 'try'].map((it) => [
        1,
        it,
      ]),
    );
  });

  test('that throws rejects the acquire, and its resource is destroyed', async () => {
    const broken = new Error('no such tenant');
    const lend = () => {
      throw broken;
    };
    const factory = recordingFactory({ lend });
    const pool = createPool(factory);
    expect(await rejection(pool.acquire())).toBe(broken);
    expect(await rejection(pool.use(() => {}))).toBe(broken);
    expect(await rejection(pool.lease())).toBe(broken);
    await pool.ready(1);
    expect(() => pool.useSync(() => {})).toThrow(broken);
    await pool.ready(1);
    expect(await rejection(pool.acquire())).toBe(broken);
    await pool.ready(1);
    expect(await rejection(pool.use(() => {}))).toBe(broken);
    expect(pool.stats()).toMatchObject({ borrowed: 0, size: 0 });
    expect(new Set(factory.destroyed.map((it) => it.slice(2)))).toEqual(new Set(['unfit']));
  });

  test('a context without a lend is refused, and so are other options of the synchronous lane', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    const message = 'context is "x"; accepted: undefined, for this factory has no lend';
    expect(await rejection(pool.acquire({ context: 'x' }))).toMatchObject({
      message: `acquire: ${message}`,
    });
    expect(() => pool.tryAcquire({ context: 'x' })).toThrow(`tryAcquire: ${message}`);
    expect(() => pool.useSync(() => {}, { priority: 0 } as object)).toThrow(
      'useSync: unknown option priority; accepted: context',
    );
    expect(() => pool.useSync(() => {}, 5 as never)).toThrow(
      'useSync: options is 5; accepted: an object',
    );
    expect(pool.available).toBe(1);
  });

  test('a factory may be a function of its pool', async () => {
    const pool = createPool<{ size: number }>((self) => ({
      create: () => ({ size: self.size }),
      destroy() {},
    }));
    expect(await pool.acquire()).toEqual({ size: 1 });
    expect(() => createPool((() => undefined) as never)).toThrow(
      'createPool: factory is undefined',
    );
  });
});

describe('ready', () => {
  test('is content with as many as resize has left room for', async () => {
    let mayCreate = false;
    const pool = createAdapterPool<{ id: number }, { id: number }>(
      () => ({
        ...recordingFactory(),
        canCreate: () => mayCreate,
      }),
      { max: 2 },
    );
    const ready = pool.ready(2);
    pool.resize({ max: 1 });
    mayCreate = true;
    pool.fill();
    await ready;
    expect(pool.size).toBe(1);
    await pool.close();
  });
});

describe('an adapter’s factory', () => {
  test('gives borrowers views that end with their loans, and the resource itself to the adapter', async () => {
    const things = new WeakMap<{ of: number }, { id: number }>();
    const made = recordingFactory();
    const pool = createAdapterPool<{ id: number }, { of: number }>(() => ({
      ...made,
      view: (thing) => {
        const seen = { of: thing.id };
        things.set(seen, thing);
        return seen;
      },
      viewed: (lent) => things.get(lent),
      leaseView: ({ id }) => ({ of: -id }),
    }));
    const view = await pool.acquire();
    expect(view).toEqual({ of: 1 });
    expect(pool.isBorrowedResource(view)).toBe(true);
    await pool.release(view);
    expect(await rejection(pool.release(view))).toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
    const taken = pool.tryTake() as { id: number };
    expect(taken).toEqual({ id: 1 });
    expect(pool.isBorrowedResource(view)).toBe(false);
    expect(await rejection(pool.release(taken as never))).toMatchObject({
      code: 'ERR_POOL_NOT_BORROWED',
    });
    pool.giveBack(taken);
    expect(() => pool.giveBack(taken)).toThrow(/not on loan/);
    const again = await pool.take();
    pool.giveBack(again);
    const lease = await pool.lease();
    expect(lease.value).toEqual({ of: -1 });
    await lease.release();
  });

  test('says what a timed-out acquire rejects with, and hears of the end', async () => {
    fakeTime();
    const closed = vi.fn();
    const timedOut = (error: Error) => new Error('the budget is spent', { cause: error });
    const pool = createAdapterPool(recordingFactory({ timedOut, closed }));
    await pool.acquire();
    const waiting = watch(pool.acquire({ timeoutMillis: 5 }));
    await pass(5);
    expect(waiting.error).toMatchObject({ message: 'the budget is spent' });
    watch(pool.close({ timeoutMillis: 1 }));
    await pass(1);
    expect(closed).toHaveBeenCalledTimes(1);
  });
});

describe('context', () => {
  test('timers, policies and creations do not carry the request that made the pool', async () => {
    const requests = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const note = <A>(answer: A): A => {
      seen.push(requests.getStore());
      return answer;
    };
    const evicted = Promise.withResolvers<void>();
    const pool = requests.run('first', () =>
      createPool(
        {
          create: () => note({}),
          destroy: () => {
            note(evicted.resolve());
          },
          validate: () => note(true),
        },
        {
          min: 1,
          max: 2,
          testOnBorrow: true,
          evict: () => note(true),
          evictionRunIntervalMillis: 5,
        },
      ),
    );
    await requests.run('second', () => pool.use(() => {}));
    await evicted.promise;
    await requests.run('third', () => pool.close());
    expect(seen.length).toBeGreaterThan(3);
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });
});

describe('errors', () => {
  test('of an acquire that waited have the stack of its caller', async () => {
    const pool = createPool(recordingFactory(), { acquireTimeoutMillis: 5 });
    await pool.acquire();
    async function handlerOfMine() {
      return await pool.acquire();
    }
    expect(await rejection(handlerOfMine())).toMatchObject({
      stack: expect.stringContaining('handlerOfMine'),
    });
  });

  test('each waiter gets an error of its own when the pool is closed', async () => {
    const pool = createPool(recordingFactory());
    await pool.acquire();
    const all = [rejection(pool.acquire()), rejection(pool.acquire())];
    void pool.close({ timeoutMillis: 1 });
    const [one, other] = await Promise.all(all);
    expect(one).not.toBe(other);
  });
});

describe('signals', () => {
  test('of another realm, and polyfills, are taken', async () => {
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      reason: undefined as unknown,
      addEventListener: (_: string, listener: () => void) => void listeners.add(listener),
      removeEventListener: (_: string, listener: () => void) => void listeners.delete(listener),
    };
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire({ signal: signal as unknown as AbortSignal }));
    await settle();
    signal.aborted = true;
    signal.reason = new Error('polyfilled');
    for (const listener of listeners) listener();
    await settle();
    expect(waiting).toMatchObject({ state: 'rejected', error: { message: 'polyfilled' } });
    expect(listeners.size).toBe(0);
    await pool.release(thing);
    expect(await rejection(pool.acquire({ signal: signal as unknown as AbortSignal }))).toBe(
      signal.reason,
    );
  });

  test('ten thousand waiters on one signal share one listener', async () => {
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, 'addEventListener');
    const pool = createPool(recordingFactory());
    await pool.acquire();
    const all = Array.from({ length: 10_000 }, () =>
      rejection(pool.acquire({ signal: controller.signal })),
    );
    expect(add).toHaveBeenCalledTimes(1);
    controller.abort('enough');
    expect(new Set(await Promise.all(all))).toEqual(new Set(['enough']));
    expect(pool.pending).toBe(0);
  });
});

describe('time', () => {
  test('after a blocked event loop, an answer that is already there comes before the timeout', async () => {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    const answer = new Promise<object>((resolve) => port1.once('message', resolve));
    const pool = createPool({ create: () => answer, destroy() {} }, { createTimeoutMillis: 20 });
    const acquired = pool.acquire();
    await settle();
    port2.postMessage({});
    const end = performance.now() + 60;
    while (performance.now() < end);
    expect(await acquired).toEqual({});
  });

  test('Infinity is no limit', async () => {
    fakeTime();
    const none = Number.POSITIVE_INFINITY;
    const pool = createPool(recordingFactory(), {
      max: none,
      maxUses: none,
      maxAgeMillis: none,
      idleTimeoutMillis: none,
      createTimeoutMillis: none,
      destroyTimeoutMillis: none,
      acquireTimeoutMillis: none,
      maxWaitingClients: none,
      leakDetectionMillis: none,
    });
    await pool.release(await pool.acquire({ timeoutMillis: none }));
    expect(vi.getTimerCount()).toBe(0);
    await pool.close({ timeoutMillis: none });
    expect(pool.max).toBe(0);
  });
});
