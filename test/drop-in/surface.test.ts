// What a program that changes its import finds: generic-pool's exports, errors, leniency.
import { EventEmitter } from 'node:events';
import genericPoolDefault, * as ours from '@wasm-pool/core/generic-pool';
import theirs from 'generic-pool';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass, settle, watch } from '../helpers/core.js';

const factory = { create: async () => ({}), destroy: async () => {} };
const hanging = { create: async () => ({}), destroy: () => new Promise<void>(() => {}) };
const both = [
  ['generic-pool', theirs as unknown as typeof ours],
  ['@wasm-pool/core/generic-pool', ours],
] as const;

describe('the exports', () => {
  test('are those of generic-pool, by name and as the default', () => {
    const { default: _, ...named } = ours;
    expect(Object.keys(named).sort()).toEqual(Object.keys(theirs).sort());
    expect(Object.keys(genericPoolDefault).sort()).toEqual(Object.keys(theirs).sort());
    expect(genericPoolDefault.createPool).toBe(ours.createPool);
  });

  test('createPool makes a Pool, which is an EventEmitter', () => {
    const pool = ours.createPool(factory);
    expect(pool).toBeInstanceOf(ours.Pool);
    expect(pool).toBeInstanceOf(EventEmitter);
    expect(pool.constructor.name).toBe('Pool');
  });

  test('a Pool has the members of generic-pool, public and not', () => {
    const members = (pool: object) => {
      const names = new Set<string>(Object.keys(pool));
      for (let level = pool; level !== EventEmitter.prototype; ) {
        level = Object.getPrototypeOf(level);
        for (const name of Object.getOwnPropertyNames(level)) names.add(name);
      }
      return names;
    };
    const found = members(ours.createPool(factory));
    const missing = [...members(theirs.createPool(factory))].filter((name) => !found.has(name));
    expect(missing).toEqual([]);
  });

  test('Pool takes an evictor, a list and a queue of other classes', async () => {
    fakeTime();
    const log: string[] = [];
    class Evictor implements ours.IEvictor<object> {
      evict(
        config: ours.IEvictorConfig,
        { state }: ours.PooledResource<object>,
        available: number,
      ) {
        log.push(`evict ${config.min} ${state} ${available}`);
        return true;
      }
    }
    class List extends ours.Deque<ours.PooledResource<object>> {
      override push(entry: ours.PooledResource<object>): void {
        log.push('push');
        super.push(entry);
      }
    }
    class Queue extends ours.PriorityQueue<ours.ResourceRequest<object>> {
      override enqueue(request: ours.ResourceRequest<object>, priority?: number): void {
        log.push(`enqueue ${priority}`);
        super.enqueue(request, priority);
      }
    }
    const options = { evictionRunIntervalMillis: 10, priorityRange: 2 };
    const pool = new ours.Pool<object>(Evictor, List, Queue, factory, options);
    await pool.release(await pool.acquire(1));
    await pass(10);
    expect(log).toEqual(['enqueue 1', 'push', 'push', 'evict 0 IDLE 1']);
    expect(pool.available).toBe(0);
  });

  test('Pool can be extended', async () => {
    class Counting<T> extends ours.Pool<T> {
      acquired = 0;
      override acquire(priority?: number): Promise<T> {
        this.acquired++;
        return super.acquire(priority);
      }
    }
    const { DefaultEvictor, Deque, PriorityQueue } = ours;
    const pool = new Counting<object>(DefaultEvictor, Deque, PriorityQueue, factory, { min: 1 });
    await pool.use(async () => {});
    expect(pool.acquired).toBe(1);
  });
});

describe.each(both)('%s', (name, library) => {
  test('has the same errors', async () => {
    fakeTime();
    const options = {
      maxWaitingClients: 1,
      acquireTimeoutMillis: 20,
      destroyTimeoutMillis: 20,
    } as ours.Options;
    const pool = library.createPool(hanging, options);
    const told: unknown[] = [];
    pool.on('factoryDestroyError', (error) => told.push(error));
    const lent = await pool.acquire();
    const timedOut = watch(pool.acquire());
    const refused = watch(pool.acquire());
    await pass(20);
    const foreign = watch(pool.release({}));
    await pool.destroy(lent);
    await pass(20);
    void pool.drain();
    const drained = watch(pool.acquire());
    await settle();
    const shown = [timedOut, refused, foreign, drained].map(({ error }) => {
      const { name: called, message, code } = error as Error & { code?: string };
      return [`${called}: ${message}`, ...(code === undefined ? [] : [code])];
    });
    const codes = [
      'ERR_POOL_ACQUIRE_TIMEOUT',
      'ERR_POOL_QUEUE_FULL',
      'ERR_POOL_NOT_BORROWED',
      'ERR_POOL_CLOSED',
    ];
    const texts = [
      'TimeoutError: ResourceRequest timed out',
      'Error: max waitingClients count exceeded',
      'Error: Resource not currently part of this pool',
      'Error: pool is draining and cannot accept work',
    ];
    expect(shown).toEqual(
      texts.map((text, index) => (name === 'generic-pool' ? [text] : [text, codes[index]])),
    );
    expect(told.map(String)).toEqual(['Error: destroy timed out']);
  });

  test.each([
    [undefined, 'max 1, min 0'],
    [null, 'max 1, min 0'],
    [{ max: '5', min: '2' }, 'max 5, min 2'],
    [{ max: '5 or so' }, 'max 5, min 0'],
    [{ max: 0 }, 'max 1, min 0'],
    [{ max: -3, min: -3 }, 'max 1, min -3'],
    [{ min: 9, max: 4 }, 'max 4, min 4'],
    [{ max: Number.NaN, min: 'none' }, 'max 1, min 0'],
    [{ anything: 'else', testOnReturn: true, max: 2 }, 'max 2, min 0'],
    [Object.create({ max: 3 }), 'max 3, min 0'],
  ])('takes the options %j for %s', (options, limits) => {
    const pool = library.createPool(factory, options as unknown as ours.Options);
    expect(`max ${pool.max}, min ${pool.min}`).toBe(limits);
  });

  test('takes strings of digits for times, and for the number of priorities', async () => {
    fakeTime();
    const options = {
      acquireTimeoutMillis: '50',
      evictionRunIntervalMillis: '10',
      idleTimeoutMillis: '30',
      numTestsPerEvictionRun: '1',
      priorityRange: '2',
      maxWaitingClients: '5',
    };
    const pool = library.createPool(factory, options as unknown as ours.Options);
    const lent = await pool.acquire();
    const low = watch(pool.acquire(1));
    const high = watch(pool.acquire(0));
    await pool.release(lent);
    await pass(0);
    expect([low.state, high.state]).toEqual(['pending', 'fulfilled']);
    await pass(50);
    expect(low.error).toMatchObject({ name: 'TimeoutError' });
    await pool.release(lent);
    await pass(60);
    expect(pool.size).toBe(0);
  });

  test.each([[{ acquireTimeoutMillis: -1 }], [{ acquireTimeoutMillis: 'soon' }]])(
    'takes the timeout of %j for none, or refuses it, when acquiring',
    (options) => {
      const pool = library.createPool(factory, options as unknown as ours.Options);
      expect(() => pool.acquire()).toThrow('delay must be a positive int');
    },
  );

  test.each([
    [{}, 'factory.create must be a function'],
    [{ create() {} }, 'factory.destroy must be a function'],
    [{ create() {}, destroy() {}, validate: true }, 'factory.validate must be a function'],
  ])('refuses a factory that is %j', (bad, message) => {
    expect(() => library.createPool(bad as unknown as typeof factory)).toThrow(
      new TypeError(message),
    );
  });

  test('makes promises of the class that is given', async () => {
    class Mine<T> extends Promise<T> {}
    const pool = library.createPool(factory, { Promise: Mine, acquireTimeoutMillis: 10 } as object);
    const lent = pool.acquire();
    const resource = await lent;
    const returned = pool.release(resource);
    await returned;
    const used = pool.use(async () => {});
    const refused = pool.release({});
    refused.catch(() => {});
    const ready = pool.ready();
    const drained = pool.drain();
    const closed = pool.acquire();
    closed.catch(() => {});
    const cleared = pool.clear();
    const made = { lent, returned, used, refused, ready, drained, closed, cleared };
    for (const promise of Object.values(made)) expect(promise).toBeInstanceOf(Mine);
    await cleared;
  });

  test('waits for start, or for the first acquire, where autostart is false', async () => {
    const started = library.createPool(factory, { autostart: false, min: 1 });
    const acquired = library.createPool(factory, { autostart: false, min: 1, max: 2 });
    await settle();
    expect([started.size, acquired.size]).toEqual([0, 0]);
    started.start();
    await acquired.acquire();
    await settle();
    expect([started.size, acquired.size]).toEqual([1, 1]);
  });

  test('serves an acquire without a priority before all others', async () => {
    const pool = library.createPool(factory, { priorityRange: 3 });
    const lent = await pool.acquire();
    const order: string[] = [];
    const job = (title: string, priority?: number) =>
      pool.use(async () => order.push(title), priority);
    const jobs = [job('1', 1), job('none'), job('beyond', 7), job('2', 2), job('0', 0)];
    await pool.release(lent);
    await Promise.all(jobs);
    expect(order).toEqual(['none', '0', '1', 'beyond', '2']);
  });
});
