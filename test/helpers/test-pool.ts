import type { AcquireOptions, CloseOptions, Lease, PoolStats } from '@wasm-pool/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { untilAtRest } from './at-rest.js';
import { failure } from './failure.js';

/** The options that the suite sets. */
export interface ContractOptions {
  max?: number;
  min?: number;
  maxUses?: number;
  maxWaitingClients?: number;
  priorityRange?: number;
  acquireTimeoutMillis?: number;
}

/** What all pools of this repository can do, whatever they lend. */
export interface ContractPool<T> extends AsyncDisposable {
  readonly size: number;
  readonly available: number;
  readonly borrowed: number;
  readonly pending: number;
  readonly max: number;
  readonly min: number;
  acquire(
    options?: number | Pick<AcquireOptions, 'priority' | 'signal' | 'timeoutMillis'>,
  ): Promise<T>;
  tryAcquire(): T | undefined;
  release(resource: T): Promise<void>;
  destroy(resource: T): Promise<void>;
  lease(): Promise<Lease<T>>;
  use<R>(fn: (resource: T) => R, options?: number): Promise<Awaited<R>>;
  ready(count?: number): Promise<void>;
  isBorrowedResource(resource: T): boolean;
  stats(): PoolStats;
  close(options?: CloseOptions): Promise<void>;
}

/** One kind of pool. */
export interface PoolKind<T> {
  readonly name: string;
  /** Makes a pool with these options. */
  create(options: ContractOptions): ContractPool<T> | Promise<ContractPool<T>>;
  /** Uses what is lent: resolves with 3. Rejects, or throws, once the resource is not on loan. */
  work(resource: T): unknown;
}

/** Tests that a kind of pool keeps the contract that all pools keep. */
export function testPool<T>({ name, create, work }: PoolKind<T>): void {
  /** A pool that is closed when the test has ended. */
  async function make(options: ContractOptions = {}): Promise<ContractPool<T>> {
    const pool = await create({ max: 1, ...options });
    onTestFinished(() => pool.close({ timeoutMillis: 1 }));
    return pool;
  }

  describe(name, () => {
    test('lends for the length of a function, and gives its result on', async () => {
      const pool = await make();
      expect(await pool.use((resource) => work(resource))).toBe(3);
      expect(await pool.use(async (resource) => [await work(resource)])).toEqual([3]);
      await untilAtRest(pool);
      expect(pool.stats()).toMatchObject({ acquired: 2, created: 1, destroyed: 0, size: 1 });
    });

    test('takes back what a throwing function borrowed, and passes its error on', async () => {
      const pool = await make();
      const own = new Error('own');
      const throwing = () => {
        throw own;
      };
      expect(await failure(pool.use(throwing))).toBe(own);
      expect(await failure(pool.use(async () => throwing()))).toBe(own);
      expect(await pool.use(work)).toBe(3);
      await untilAtRest(pool);
    });

    test('lends by acquire until release, and then again', async () => {
      const pool = await make();
      for (let round = 1; round <= 2; round++) {
        const resource = await pool.acquire();
        expect(await work(resource)).toBe(3);
        expect(pool.isBorrowedResource(resource)).toBe(true);
        expect([pool.borrowed, pool.available]).toEqual([1, 0]);
        await pool.release(resource);
        expect(pool.isBorrowedResource(resource)).toBe(false);
        await untilAtRest(pool);
      }
      expect(pool.stats()).toMatchObject({ acquired: 2, created: 1 });
    });

    test('lends for the length of a block, by a lease', async () => {
      const pool = await make();
      {
        await using lease = await pool.lease();
        expect(await work(lease.value)).toBe(3);
        expect(pool.borrowed).toBe(1);
      }
      await untilAtRest(pool);
      const lease = await pool.lease();
      await lease.release();
      expect(() => lease.value).toThrow(/not on loan/);
      expect(await failure(lease.release())).toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
    });

    test('lends without a wait what is idle, and nothing otherwise', async () => {
      const pool = await make();
      await pool.use(work);
      await untilAtRest(pool);
      const resource = pool.tryAcquire();
      expect(resource).toBeDefined();
      expect(pool.tryAcquire()).toBeUndefined();
      if (resource !== undefined) await pool.release(resource);
    });

    test('lends at most max at once, each to one borrower', async () => {
      const pool = await make({ max: 3 });
      await pool.ready(3);
      const inUse = new Set<T>();
      let most = 0;
      const borrow = () =>
        pool.use(async (resource) => {
          expect(inUse.has(resource)).toBe(false);
          inUse.add(resource);
          most = Math.max(most, inUse.size);
          expect(await work(resource)).toBe(3);
          await new Promise((resolve) => setTimeout(resolve, 0)); // browsers have no setImmediate
          inUse.delete(resource);
        });
      await Promise.all(Array.from({ length: 20 }, borrow));
      expect(most).toBe(3);
      await untilAtRest(pool);
      expect(pool.stats()).toMatchObject({ acquired: 20, created: 3, max: 3, size: 3 });
    });

    test('makes min, and makes ready more on request', async () => {
      const pool = await make({ max: 3, min: 2 });
      await pool.ready();
      expect(pool.size).toBeGreaterThanOrEqual(2);
      await pool.ready(3);
      expect([pool.size, pool.min, pool.max]).toEqual([3, 2, 3]);
    });

    test('serves waiters by priority and then in the order of their arrival', async () => {
      const pool = await make({ priorityRange: 2 });
      const resource = await pool.acquire();
      const order: string[] = [];
      const waiters = [
        pool.use(() => order.push('first')),
        pool.use(() => order.push('second')),
        pool.use(() => order.push('urgent'), 0),
      ];
      expect(pool.pending).toBe(3);
      await pool.release(resource);
      await Promise.all(waiters);
      expect(order).toEqual(['urgent', 'first', 'second']);
      await untilAtRest(pool);
    });

    test('rejects a waiter whose time is over, and counts it', async () => {
      const pool = await make({ acquireTimeoutMillis: 10 });
      const resource = await pool.acquire();
      const late = await failure(pool.acquire());
      expect(late).toMatchObject({ name: 'AcquireTimeoutError', code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
      expect(late.message).toContain('10 ms');
      expect((await failure(pool.acquire({ timeoutMillis: 5 }))).message).toContain('5 ms');
      expect(pool.stats()).toMatchObject({ timeouts: 2, pending: 0, borrowed: 1 });
      await pool.release(resource);
      await untilAtRest(pool);
    });

    test('rejects a waiter that is aborted with the reason of its signal, and loses nothing', async () => {
      const pool = await make();
      const resource = await pool.acquire();
      const controller = new AbortController();
      const aborted = failure(pool.acquire({ signal: controller.signal }));
      const patient = pool.use(work);
      const reason = new Error('the client is gone');
      controller.abort(reason);
      expect(await aborted).toBe(reason);
      await pool.release(resource);
      expect(await patient).toBe(3);
      expect(await failure(pool.acquire({ signal: controller.signal }))).toBe(reason);
      await untilAtRest(pool);
    });

    test('refuses more waiters than maxWaitingClients', async () => {
      const pool = await make({ maxWaitingClients: 1 });
      const resource = await pool.acquire();
      const waiting = pool.use(work);
      expect(await failure(pool.acquire())).toMatchObject({
        name: 'QueueFullError',
        code: 'ERR_POOL_QUEUE_FULL',
      });
      await pool.release(resource);
      expect(await waiting).toBe(3);
    });

    test('refuses a second return, and a stranger, and nothing changes', async () => {
      const [pool, other] = [await make(), await make()];
      const resource = await pool.acquire();
      const foreign = await other.acquire();
      await pool.release(resource);
      for (const wrong of [resource, foreign]) {
        expect(await failure(pool.release(wrong))).toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
      }
      const destroyed = failure(pool.destroy(foreign));
      expect(await destroyed).toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
      expect(pool.stats()).toMatchObject({ size: 1, destroyed: 0, borrowed: 0 });
      expect(await work(foreign)).toBe(3);
      await other.release(foreign);
    });

    test('replaces what its borrower destroys, and says why it went', async () => {
      const pool = await make();
      const resource = await pool.acquire();
      await pool.destroy(resource);
      expect(pool.isBorrowedResource(resource)).toBe(false);
      expect(await pool.use(work)).toBe(3);
      await untilAtRest(pool);
      expect(pool.stats()).toMatchObject({ created: 2, destroyedBy: { borrower: 1 } });
    });

    test('replaces what was lent maxUses times', async () => {
      const pool = await make({ maxUses: 2 });
      for (let loan = 0; loan < 5; loan++) expect(await pool.use(work)).toBe(3);
      await untilAtRest(pool);
      expect(pool.stats()).toMatchObject({ acquired: 5, created: 3, destroyedBy: { uses: 2 } });
    });

    test('closes: turns waiters away, waits for loans, destroys all, and lends nothing more', async () => {
      const pool = await make({ max: 2, min: 2 });
      await pool.ready();
      const [one, other] = [await pool.acquire(), await pool.acquire()];
      const turnedAway = failure(pool.acquire());
      let closed = false;
      const closing = pool.close().then(() => {
        closed = true;
      });
      expect(await turnedAway).toMatchObject({ code: 'ERR_POOL_CLOSED' });
      expect(await failure(pool.acquire())).toMatchObject({ code: 'ERR_POOL_CLOSED' });
      expect(await work(one)).toBe(3);
      await pool.release(one);
      expect(closed).toBe(false);
      await pool.release(other);
      await closing;
      expect(pool.stats()).toMatchObject({ size: 0, borrowed: 0, pending: 0, created: 2 });
      expect(pool.stats().destroyed).toBe(2);
    });

    test('closes within a time limit although a loan does not end', async () => {
      const pool = await make();
      const resource = await pool.acquire();
      await pool.close({ timeoutMillis: 10 });
      expect(pool.size).toBe(0);
      expect(await failure(pool.release(resource))).toMatchObject({
        code: 'ERR_POOL_NOT_BORROWED',
      });
    });

    test('has counters that are plain data', async () => {
      const pool = await make();
      await pool.use(work);
      await untilAtRest(pool);
      const stats = pool.stats();
      expect(JSON.parse(JSON.stringify(stats))).toEqual({ ...stats });
    });

    test('refuses an option that does not exist, or a value that is not accepted', async () => {
      const refused = async (options: object) => failure((async () => create(options))());
      for (const options of [{ maximum: 1 }, { max: -1 }, { max: '1' }, { max: 1, min: 2 }]) {
        const error = await refused(options);
        expect(error).toBeInstanceOf(TypeError);
        expect(error.code).toBe('ERR_POOL_OPTION');
        expect(error.message).toContain('accepted');
      }
    });
  });
}
