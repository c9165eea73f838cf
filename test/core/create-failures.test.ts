import { CreateError, FactoryTimeoutError } from '@wasm-pool/core';
import { createAdapterPool as createPool } from '@wasm-pool/core/internal';
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

const broken = new Error('out of order');

describe.each([
  [
    'throws',
    () => {
      throw broken;
    },
  ],
  ['rejects', () => Promise.reject(broken)],
])('a create that %s', (_, fail) => {
  test('rejects the acquire that it was for, with the cause', async () => {
    const pool = createPool(recordingFactory({ create: fail }), { name: 'db' });
    const error = await rejection(pool.acquire());
    expect(error).toBeInstanceOf(CreateError);
    expect(error).toMatchObject({ code: 'ERR_POOL_CREATE', cause: broken });
    expect(String(error)).toContain('could not create a resource: out of order');
  });

  test('loses no slot: the next acquire tries again', async () => {
    let failures = 3;
    const factory = recordingFactory({ create: (make) => (failures-- > 0 ? fail() : make()) });
    const pool = createPool(factory, { max: 1 });
    for (let round = 0; round < 3; round++) {
      await expect(pool.acquire()).rejects.toThrow(CreateError);
      expect(pool.size).toBe(0);
    }
    expect(await pool.acquire()).toEqual({ id: 1 });
    expect(pool.stats()).toMatchObject({ createErrors: 3, created: 1 });
  });

  test('rejects all who wait in the end, oldest first, one for each try', async () => {
    const factory = recordingFactory({ create: fail });
    const pool = createPool(factory, { max: 2 });
    const order: number[] = [];
    const all = Array.from({ length: 7 }, (__, index) =>
      pool.acquire().catch(() => order.push(index)),
    );
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(factory.creations).toBe(7);
    expect(pool).toMatchObject({ size: 0, pending: 0 });
  });

  test('keeps the event loop turning while many wait', async () => {
    const pool = createPool(recordingFactory({ create: fail }), { max: 1 });
    let turns = 0;
    let counting = true;
    const turn = () => {
      turns++;
      if (counting) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.allSettled(Array.from({ length: 20 }, () => pool.acquire()));
    counting = false;
    expect(turns).toBeGreaterThan(10);
  });

  test('leaves no timer', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ create: fail }));
    await expect(pool.acquire()).rejects.toThrow(CreateError);
    await settle();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is told by factoryCreateError', async () => {
    const pool = createPool(recordingFactory({ create: fail }));
    const told: CreateError[] = [];
    pool.on('factoryCreateError', (error) => told.push(error));
    await expect(pool.acquire()).rejects.toThrow(CreateError);
    expect(told).toHaveLength(1);
    expect(told[0]?.cause).toBe(broken);
  });
});

test('of creations that fail nine times of ten, the others serve everybody', async () => {
  const factory = recordingFactory({
    create: (make) => (factory.creations % 10 === 0 ? make() : Promise.reject(broken)),
  });
  const pool = createPool(factory, { max: 0 });
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, () => pool.acquire().then((thing) => pool.release(thing))),
  );
  expect(results.filter((it) => it.status === 'rejected')).toEqual([]);
  expect(pool).toMatchObject({ size: 5, borrowed: 0, pending: 0 });
});

test.each([3, 0])(
  'a failed creation rejects nobody while a loan is out that may serve, of whatever priority (max: %s)',
  async (max) => {
    const factory = recordingFactory({
      create: (make) => (factory.creations === 1 ? make() : Promise.reject(broken)),
    });
    const pool = createPool(factory, { max, priorityRange: 2 });
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire({ priority: 1 }));
    await settle();
    expect([waiting.state, factory.creations]).toEqual(['pending', 2]);
    await pool.release(thing);
    await settle();
    expect(waiting.value).toBe(thing);
  },
);

test('an acquire that waited beside a loan is rejected when that loan is destroyed and creation fails on', async () => {
  const factory = recordingFactory({
    create: (make) => (factory.creations === 1 ? make() : Promise.reject(broken)),
  });
  const pool = createPool(factory, { max: 2 });
  const thing = await pool.acquire();
  const waiting = watch(pool.acquire());
  await settle();
  await pool.destroy(thing);
  await settle();
  expect(waiting).toMatchObject({ state: 'rejected', error: { cause: broken } });
});

test('creation is tried again beside a loan, less and less often', async () => {
  fakeTime();
  let works = false;
  const factory = recordingFactory({
    create: (make) => (works || factory.creations === 1 ? make() : Promise.reject(broken)),
  });
  const pool = createPool(factory, { max: 2 });
  await pool.acquire();
  const waiting = watch(pool.acquire());
  await pass(99);
  expect(factory.creations).toBe(2);
  await pass(1);
  expect(factory.creations).toBe(3);
  pool.acquire().catch(() => {}); // does not make it try more often
  await pass(199);
  expect(factory.creations).toBe(3);
  works = true;
  await pass(1);
  expect(waiting.state).toBe('fulfilled');
});

describe('propagateCreateError: false', () => {
  test('an acquire waits until creation works again', async () => {
    fakeTime();
    let works = false;
    const factory = recordingFactory({
      create: (make) => (works ? make() : Promise.reject(broken)),
    });
    const pool = createPool(factory, { propagateCreateError: false, max: 2 });
    const errors: unknown[] = [];
    pool.on('factoryCreateError', (error) => errors.push(error.cause));
    const waiting = [watch(pool.acquire()), watch(pool.acquire())];
    await pass(650); // 0, 100, 300: of two each
    expect(factory.creations).toBe(6);
    expect(errors).toEqual(new Array(6).fill(broken));
    works = true;
    await pass(100);
    expect(waiting.map((it) => it.state)).toEqual(['fulfilled', 'fulfilled']);
    expect(pool.stats()).toMatchObject({ createErrors: 6, timeouts: 0 });
  });

  test('its timeout has the last failure as the cause', async () => {
    fakeTime();
    let failures = 0;
    const pool = createPool(
      recordingFactory({ create: () => Promise.reject(new Error(`refused ${++failures}`)) }),
      { propagateCreateError: false, acquireTimeoutMillis: 350 },
    );
    const waiting = watch(pool.acquire());
    await pass(349);
    expect(waiting.state).toBe('pending');
    await pass(1);
    expect(waiting).toMatchObject({
      state: 'rejected',
      error: { code: 'ERR_POOL_ACQUIRE_TIMEOUT', cause: { message: 'refused 3' } },
    });
    expect((waiting.error as Error).message).toContain('the last creation failed: refused 3');
  });

  test('who asks while a try is put off waits for that', async () => {
    fakeTime();
    const factory = recordingFactory({ create: () => Promise.reject(broken) });
    const pool = createPool(factory, { propagateCreateError: false, max: 0 });
    watch(pool.acquire());
    await settle();
    for (let more = 0; more < 20; more++) watch(pool.acquire());
    await settle();
    expect(factory.creations).toBe(1);
    await pass(100);
    expect(factory.creations).toBe(22);
  });

  test('ready waits on, too', async () => {
    fakeTime();
    let works = false;
    const factory = recordingFactory({
      create: (make) => (works ? make() : Promise.reject(broken)),
    });
    const pool = createPool(factory, { propagateCreateError: false, max: 2 });
    const ready = watch(pool.ready(2));
    await pass(99);
    expect([ready.state, factory.creations]).toEqual(['pending', 2]);
    works = true;
    await pass(1);
    expect(ready.state).toBe('fulfilled');
  });

  test('close ends the tries', async () => {
    fakeTime();
    const factory = recordingFactory({ create: () => Promise.reject(broken) });
    const pool = createPool(factory, { propagateCreateError: false });
    const waiting = watch(pool.acquire());
    await settle();
    await pool.close();
    expect(waiting).toMatchObject({ state: 'rejected', error: { code: 'ERR_POOL_CLOSED' } });
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a failed creation rejects nobody when another one under way serves who waits', async () => {
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
  const first = new AbortController();
  pool.acquire({ signal: first.signal }).catch(() => {});
  const second = watch(pool.acquire());
  first.abort();
  creations[0]?.reject(broken);
  await settle();
  expect(second.state).toBe('pending');
  creations[1]?.resolve();
  await settle();
  expect(second.value).toEqual({ id: 1 });
});

describe('a create that hangs', () => {
  test('fails once createTimeoutMillis have passed', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ create: hang }), { createTimeoutMillis: 500 });
    const acquired = watch(pool.acquire());
    await pass(499);
    expect(acquired.state).toBe('pending');
    await pass(1);
    expect(acquired.error).toBeInstanceOf(CreateError);
    const { cause } = acquired.error as CreateError;
    expect(cause).toBeInstanceOf(FactoryTimeoutError);
    expect(cause).toMatchObject({
      code: 'ERR_POOL_FACTORY_TIMEOUT',
      name: 'FactoryTimeoutError',
      message: 'factory.create did not settle within 500 ms (createTimeoutMillis)',
    });
    expect(pool.size).toBe(0);
  });

  test('fails after 30 seconds by default', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ create: hang }));
    const acquired = watch(pool.acquire());
    await pass(29_999);
    expect(acquired.state).toBe('pending');
    await pass(1);
    expect(acquired.state).toBe('rejected');
  });

  test('waits forever with createTimeoutMillis: 0', async () => {
    fakeTime();
    const pool = createPool(recordingFactory({ create: hang }), { createTimeoutMillis: 0 });
    const acquired = watch(pool.acquire());
    await pass(10_000_000);
    expect(acquired.state).toBe('pending');
  });

  test('is dismissed when it ends after all: destroyed as late, and never lent', async () => {
    fakeTime();
    const late = Promise.withResolvers<void>();
    const factory = recordingFactory({
      create: async (make) => {
        if (factory.creations === 1) await late.promise;
        return make();
      },
    });
    const pool = createPool(factory, { createTimeoutMillis: 10, countDestroying: false });
    const events: string[] = [];
    pool.on('create', (thing) => events.push(`create ${thing.id}`));
    pool.on('destroy', (thing, reason) => events.push(`destroy ${thing.id} ${reason}`));
    watch(pool.acquire());
    await pass(10);
    const second = watch(pool.acquire());
    await settle();
    expect(second.value).toEqual({ id: 1 });
    late.resolve();
    await settle();
    expect(events).toEqual(['create 1', 'create 2', 'destroy 2 late']);
    expect(pool.stats()).toMatchObject({ size: 1, created: 2, destroyed: 1, borrowed: 1 });
  });

  test('is forgotten when it fails after all', async () => {
    fakeTime();
    const late = Promise.withResolvers<never>();
    const pool = createPool(recordingFactory({ create: () => late.promise }), {
      createTimeoutMillis: 10,
    });
    const acquired = watch(pool.acquire());
    await pass(10);
    late.reject(broken);
    await settle();
    expect(acquired.state).toBe('rejected');
    expect(pool.stats()).toMatchObject({ createErrors: 1, size: 0 });
  });
});

describe('min that cannot be created', () => {
  test('is tried again after 100 ms, then after twice as long each time, up to 30 s', async () => {
    fakeTime();
    const factory = recordingFactory({ create: () => Promise.reject(broken) });
    createPool(factory, { min: 1 });
    await settle();
    expect(factory.creations).toBe(1);
    for (const wait of [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]) {
      const before = factory.creations;
      await pass(wait - 1);
      expect(factory.creations).toBe(before);
      await pass(1);
      expect(factory.creations).toBe(before + 1);
    }
  });

  test('counts the failures of one try as one', async () => {
    fakeTime();
    const factory = recordingFactory({ create: () => Promise.reject(broken) });
    createPool(factory, { max: 3, min: 3 });
    await settle();
    expect(factory.creations).toBe(3);
    await pass(100);
    expect(factory.creations).toBe(6);
    await pass(199);
    expect(factory.creations).toBe(6);
    await pass(1);
    expect(factory.creations).toBe(9);
  });

  test('is refilled at once when an acquire shows that creation works again', async () => {
    fakeTime();
    let works = false;
    const factory = recordingFactory({
      create: (make) => (works ? make() : Promise.reject(broken)),
    });
    const pool = createPool(factory, { max: 3, min: 3 });
    await settle();
    await pass(100);
    works = true;
    await pool.acquire();
    await settle();
    expect(pool.size).toBe(3);
    works = false;
    const before = factory.creations;
    await pool.destroy({ id: 99 }).catch(() => {});
    await pool.use((thing) => pool.destroy(thing));
    await settle();
    expect(factory.creations).toBe(before + 1);
    await pass(100); // the wait is short again after the success
    expect(factory.creations).toBe(before + 2);
  });

  test('is not tried earlier because something else happens meanwhile', async () => {
    fakeTime();
    const factory = recordingFactory({
      create: (make) => (factory.creations === 1 ? make() : Promise.reject(broken)),
    });
    const pool = createPool(factory, { max: 2, min: 2 });
    await settle();
    await pool.use((thing) => pool.destroy(thing));
    pool.fill();
    await pass(99);
    expect(factory.creations).toBe(2);
    await pass(1);
    expect(factory.creations).toBe(4);
  });

  test('does not keep acquires from trying', async () => {
    fakeTime();
    const factory = recordingFactory({ create: () => Promise.reject(broken) });
    const pool = createPool(factory, { max: 1, min: 1 });
    await settle();
    await expect(pool.acquire()).rejects.toThrow(CreateError);
    expect(factory.creations).toBe(2);
  });

  test('is not tried any more once the pool is closed', async () => {
    fakeTime();
    const factory = recordingFactory({ create: () => Promise.reject(broken) });
    const pool = createPool(factory, { min: 1 });
    await settle();
    expect(vi.getTimerCount()).toBe(1);
    await pool.close();
    expect(vi.getTimerCount()).toBe(0);
    await pass(100_000);
    expect(factory.creations).toBe(1);
  });
});

test('a create that gives undefined has failed', async () => {
  const pool = createPool({ create: () => undefined, destroy() {} });
  const error = await rejection(pool.acquire());
  expect(error).toMatchObject({ code: 'ERR_POOL_CREATE' });
  expect(String(error)).toContain('factory.create gave undefined');
});

test('a create that gives a resource which the pool holds has failed: nothing is lent twice', async () => {
  const thing = { id: 1 };
  const pool = createPool({ create: () => thing, destroy() {} }, { max: 2 });
  expect(await pool.acquire()).toBe(thing);
  await expect(pool.acquire({ timeoutMillis: 1 })).rejects.toThrow(
    'a resource that the pool holds',
  );
  expect(pool.stats()).toMatchObject({ size: 1, borrowed: 1, created: 1 });
});

test.each([
  ['undefined', undefined],
  ['a resource that is held', { id: 1 }],
])('a late create that gives %s is ignored', async (_, value) => {
  fakeTime();
  const thing = { id: 1 };
  const late = Promise.withResolvers<object | undefined>();
  let calls = 0;
  const factory = {
    create: () => (++calls === 1 ? late.promise : thing),
    destroy() {},
  };
  const pool = createPool(factory, { createTimeoutMillis: 10, countDestroying: false });
  watch(pool.acquire());
  await pass(10);
  expect(await pool.acquire()).toBe(thing);
  late.resolve(value === undefined ? undefined : thing);
  await settle();
  expect(pool.stats()).toMatchObject({ size: 1, created: 1, destroyed: 0, borrowed: 1 });
});
