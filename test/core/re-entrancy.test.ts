import type { Pool, PoolOptions } from '@wasm-pool/core';
import { type AdapterPool, createAdapterPool as createPool } from '@wasm-pool/core/internal';
import { describe, expect, test, vi } from 'vitest';
import {
  fakeTime,
  type Parts,
  pass,
  type RecordingFactory,
  recordingFactory,
  settle,
  type Thing,
  uncaught,
  watch,
} from '../helpers/core.js';

const error = new Error('from inside');

/** What is done to the pool from inside a factory call, a policy or a listener. */
const acts: Record<string, (pool: AdapterPool<Thing>, factory: RecordingFactory) => void> = {
  acquires: (pool) => {
    pool.acquire().then(
      (thing) => pool.release(thing),
      () => {},
    );
  },
  'acquires with a timeout': (pool) => {
    pool.acquire({ timeoutMillis: 5 }).then(
      (thing) => pool.release(thing),
      () => {},
    );
  },
  'borrows and returns at once': (pool) => {
    const thing = pool.tryAcquire();
    if (thing !== undefined) pool.release(thing);
  },
  'borrows and destroys at once': (pool) => {
    const thing = pool.tryAcquire();
    if (thing !== undefined) pool.destroy(thing);
  },
  'returns what others have': (pool, { made }) => {
    for (const thing of made) if (pool.isBorrowedResource(thing)) pool.release(thing);
  },
  'destroys what others have': (pool, { made }) => {
    for (const thing of made) if (pool.isBorrowedResource(thing)) pool.destroy(thing);
  },
  uses: (pool) => {
    pool.use(() => {}).catch(() => {});
  },
  grows: (pool) => {
    pool.grow(5);
  },
  evicts: (pool) => {
    pool.evict(5);
  },
  clears: (pool) => {
    pool.clear();
  },
  drains: (pool) => {
    pool.drain();
  },
  closes: (pool) => {
    pool.close({ timeoutMillis: 50 });
  },
  throws: () => {
    throw error;
  },
};

type Act = () => void;
const places: Record<string, (act: Act) => { parts?: Parts; evict?: () => false; event?: string }> =
  {
    create: (act) => ({
      parts: {
        create: (make) => {
          act();
          return make();
        },
      },
    }),
    canCreate: (act) => ({
      parts: {
        canCreate: () => {
          act();
          return true;
        },
      },
    }),
    destroy: (act) => ({ parts: { destroy: act } }),
    validate: (act) => ({
      parts: {
        validate: () => {
          act();
          return true;
        },
      },
    }),
    recycle: (act) => ({
      parts: {
        recycle: () => {
          act();
          return true;
        },
      },
    }),
    'a policy': (act) => ({
      evict: () => {
        act();
        return false;
      },
    }),
    'a create listener': () => ({ event: 'create' }),
    'a destroy listener': () => ({ event: 'destroy' }),
    'a factoryCreateError listener': () => {
      let calls = 0;
      const create = (make: () => Thing) => {
        if (++calls % 2 === 0) throw error;
        return make();
      };
      return { event: 'factoryCreateError', parts: { create } };
    },
    'a factoryDestroyError listener': () => ({
      event: 'factoryDestroyError',
      parts: {
        destroy: () => {
          throw error;
        },
      },
    }),
  };

/** Lends and returns a few in all ways, evicts, and looks whether anything is lent twice. */
async function work(pool: Pool<Thing>, factory: RecordingFactory) {
  const lent = new Set<Thing>();
  const borrow = (thing: Thing) => {
    expect(lent.has(thing)).toBe(false);
    expect(factory.destroyed.some((it) => it.startsWith(`${thing.id} `))).toBe(false);
    lent.add(thing);
  };
  const round = async () => {
    const things = await Promise.allSettled([pool.acquire(), pool.acquire(0)]);
    for (const { value: thing } of things as { value?: Thing }[]) {
      if (thing === undefined || !pool.isBorrowedResource(thing)) continue;
      borrow(thing);
      lent.delete(thing);
      await (thing.id % 3 === 0 ? pool.destroy(thing) : pool.release(thing));
    }
    await pool.use(async (thing) => thing.id).catch(() => {});
  };
  for (let rounds = 0; rounds < 4; rounds++) {
    await Promise.all([pass(50), round()]);
    await pass(1000);
  }
}

const cases = Object.keys(places).flatMap((place) => Object.keys(acts).map((act) => [place, act]));

describe('a pool is sound when', () => {
  test.each(cases as [string, string][])('%s %s', async (place, act) => {
    fakeTime();
    let left = 6; // an act that leads to itself has to end
    const inside = () => {
      if (left-- > 0) acts[act]?.(pool, factory);
    };
    const { parts, evict, event } = places[place]?.(inside) ?? {};
    const factory = recordingFactory(parts);
    const options: PoolOptions<Thing> = {
      max: 3,
      min: 1,
      testOnBorrow: place === 'validate',
      maxAgeMillis: 2500,
      evict: evict ?? [],
      evictionRunIntervalMillis: 500,
      acquireTimeoutMillis: 20,
      autostart: false,
    };
    const pool = createPool(factory, options);
    if (event !== undefined) pool.on(event as 'create', inside);
    const errors = await uncaught(async () => {
      await work(pool, factory);
      expect(factory.alive).toBe(pool.size);
      expect(pool.size).toBeLessThanOrEqual(3);
      expect(pool).toMatchObject({ pending: 0, borrowed: 0 });
      const closed = watch(pool.close({ timeoutMillis: 100 }));
      await pass(100);
      expect(closed.state).toBe('fulfilled');
    });
    for (const thrown of errors) expect(thrown).toBe(error);
    expect(factory.alive).toBe(0);
    expect(pool.stats()).toMatchObject({ size: 0, available: 0, borrowed: 0, pending: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a create that acquires does not make the pool exceed max', async () => {
  const pool: Pool<Thing> = createPool(
    recordingFactory({
      create: (make) => {
        pool.acquire().catch(() => {});
        return make();
      },
    }),
    { max: 2, autostart: false },
  );
  await pool.acquire();
  await settle();
  expect(pool.size).toBe(2);
});

test.each([
  ['create', { autostart: false, min: 1 }],
  ['validate', { testOnBorrow: true }],
] as const)(
  'a %s that aborts the acquire for which it is called has that not wait',
  async (call, options) => {
    const controller = new AbortController();
    const never = new Promise<never>(() => {});
    const factory = recordingFactory({
      [call]: () => {
        controller.abort('enough');
        return never;
      },
    });
    const pool = createPool(factory, options);
    if (call === 'validate') pool.grow();
    await settle();
    const { signal } = controller;
    await expect(pool.acquire({ signal })).rejects.toBe('enough');
    expect(pool.pending).toBe(0);
  },
);

test('a create that returns what others have lent serves who waits; nothing is lost', async () => {
  let inside = () => {};
  const factory = recordingFactory({
    create: (make) => {
      inside();
      return make();
    },
  });
  const pool = createPool(factory, { max: 4, fifo: true });
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  inside = () => {
    inside = () => {};
    for (const thing of [first, second, third]) pool.release(thing as Thing);
  };
  expect(await pool.acquire()).toBe(first);
  await settle();
  expect(pool.stats()).toMatchObject({ size: 4, available: 3, borrowed: 1, pending: 0 });
  expect(pool.tryAcquire()).toBe(second); // and it is idle longest still
});

test('an option of an acquire that returns a resource while it is read serves that acquire', async () => {
  const pool = createPool(recordingFactory());
  const lent = await pool.acquire();
  let reads = 0;
  const options = {
    get priority() {
      if (++reads === 2) pool.release(lent); // by then it was looked for something idle in vain
      return 0;
    },
  };
  expect(await pool.acquire(options)).toBe(lent);
  expect(pool.stats()).toMatchObject({ size: 1, borrowed: 1, pending: 0 });
});

test('a create that closes the pool is the last one that is called', async () => {
  const factory = recordingFactory({
    create: (make) => {
      pool.close();
      return make();
    },
  });
  const pool: Pool<Thing> = createPool(factory, { max: 3, min: 3, autostart: false });
  pool.start();
  await pool.close();
  expect(factory.creations).toBe(1);
  expect(factory.destroyed).toEqual(['1 close']);
});

test.each(['drain', 'close'] as const)(
  'a recycle that calls %s is waited for by it',
  async (end) => {
    const recycled = Promise.withResolvers<boolean>();
    const ended: ReturnType<typeof watch<void>>[] = [];
    const factory = recordingFactory({
      recycle: () => {
        ended.push(watch(pool[end]()));
        return recycled.promise;
      },
    });
    const pool: Pool<Thing> = createPool(factory);
    await pool.use(() => {});
    await settle();
    expect(ended[0]?.state).toBe('pending');
    expect(factory.destroyed).toEqual([]);
    recycled.resolve(true);
    await settle();
    expect(ended[0]?.state).toBe('fulfilled');
    expect(factory.destroyed).toEqual(end === 'close' ? ['1 close'] : []);
  },
);

test('a policy that borrows its candidate keeps it', async () => {
  fakeTime();
  const factory = recordingFactory();
  const pool: Pool<Thing> = createPool(factory, {
    min: 1,
    evict: () => {
      pool.tryAcquire();
      return true;
    },
  });
  await settle();
  await pass(1000);
  expect(factory.destroyed).toEqual([]);
  expect(pool.borrowed).toBe(1);
});

test('a policy that borrows its candidate and returns it has it destroyed all the same, once', async () => {
  fakeTime();
  const factory = recordingFactory();
  const pool: Pool<Thing> = createPool(factory, {
    max: 3,
    min: 3,
    fifo: true,
    evict: ({ resource }) => {
      if (resource.id !== 1) return false;
      const borrowed = pool.tryAcquire() as Thing;
      pool.release(borrowed);
      return 'chosen';
    },
  });
  await settle();
  await pass(1000);
  expect(factory.destroyed).toEqual(['1 chosen']);
  expect(pool.stats()).toMatchObject({ size: 3, available: 3 });
  const lent = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  expect(lent.map((thing) => thing.id)).toEqual([2, 3, 4]);
});

test('what a policy has returned meanwhile has not been idle for any time', async () => {
  fakeTime();
  const times: number[] = [];
  const factory = recordingFactory();
  let held: Thing | undefined;
  const pool: Pool<Thing> = createPool(factory, {
    max: 3,
    fifo: true,
    evict: ({ resource, idleMillis }) => {
      times.push(idleMillis);
      if (resource.id === 1 && held !== undefined) {
        pool.tryAcquire(); // itself
        pool.tryAcquire(); // and the next, so that the one returned comes up in this run
        pool.release(held);
        held = undefined;
      }
      return false;
    },
  });
  const lent = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  held = lent.pop();
  for (const thing of lent) await pool.release(thing);
  await pass(1000);
  expect(times).toEqual([0, 0]);
});

test('a policy that closes the pool stops the evictor for good', async () => {
  fakeTime();
  let runs = 0;
  const pool: Pool<Thing> = createPool(recordingFactory(), {
    min: 1,
    evict: () => {
      runs++;
      pool.close();
      return false;
    },
  });
  await settle();
  await pass(10_000);
  expect(runs).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('a validate that closes the pool has nothing lent after it', async () => {
  const factory = recordingFactory({
    validate: () => {
      pool.close();
      return true;
    },
  });
  const pool: Pool<Thing> = createPool(factory, { min: 1, testOnBorrow: true });
  await pool.ready();
  expect(pool.tryAcquire()).toBeUndefined();
  expect(factory.destroyed).toEqual(['1 close']);
});

test('a listener that throws surfaces as an uncaught exception, and disturbs nothing', async () => {
  const pool = createPool(recordingFactory());
  const errors = await uncaught(async () => {
    for (const event of ['create', 'destroy'] as const) {
      pool.on(event, () => {
        throw error;
      });
    }
    await pool.use((thing) => pool.destroy(thing));
    expect(await pool.acquire()).toEqual({ id: 2 });
  });
  expect(errors).toEqual([error, error, error]);
});

test('a destroy that closes the pool, called by close, ends like any other', async () => {
  const factory = recordingFactory({
    destroy: () => {
      pool.close();
    },
  });
  const pool: Pool<Thing> = createPool(factory, { max: 3, min: 3 });
  await pool.ready();
  await pool.close();
  expect(factory.destroyed).toEqual(['1 close', '2 close', '3 close']);
});

test('a validate that acquires, while others fail at once, has everybody served', async () => {
  const validated = Promise.withResolvers<boolean>();
  const third: ReturnType<typeof watch<Thing>>[] = [];
  const factory = recordingFactory({
    validate: ({ id }) => {
      if (id > 2) return false;
      if (id === 2) third.push(watch(pool.acquire()));
      return validated.promise;
    },
  });
  const pool: Pool<Thing> = createPool(factory, {
    max: 4,
    testOnBorrow: true,
    fifo: true,
  });
  await pool.ready(4);
  const others = [watch(pool.acquire()), watch(pool.acquire())];
  expect(factory.destroyed).toEqual(['3 invalid', '4 invalid']);
  validated.resolve(true);
  await settle();
  const lent = [...others, ...third].map((it) => it.value?.id);
  expect(new Set(lent).size).toBe(3);
  expect(lent).not.toContain(undefined);
  expect(pool.stats()).toMatchObject({ borrowed: 3, pending: 0 });
});
