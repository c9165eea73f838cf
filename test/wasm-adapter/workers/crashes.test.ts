import { queryObjects } from 'node:v8';
import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { type Guest, guest } from './guest.js';
import {
  atRest,
  Gate,
  inline,
  lentWarm,
  reasons,
  threadCount,
  until,
  workerPool,
} from './pools.js';

const exit = { name: 'WasmError', code: 'ERR_WASM_WORKER_EXIT' };

describe('a thread that ends by itself', () => {
  test('rejects the call that called process.exit, and its slot is refilled', async () => {
    const pool = await workerPool();
    const why = reasons(pool);
    const error = await failure(pool.run.exit(7));
    expect(error).toMatchObject(exit);
    expect(error.message).toBe('wasm#1: its thread ended: the thread exited with code 7');
    expect(error.cause).toMatchObject({ message: 'the thread exited with code 7' });
    expect(await pool.run.sum(1, 2)).toBe(3);
    expect(why).toEqual(['exit']);
    await atRest(pool);
  });

  test('rejects the call under way when something else throws', async () => {
    const pool = await workerPool();
    const error = await failure(
      pool.use(async ({ run }) => {
        await run.throwSoon();
        await run.never();
      }),
    );
    expect(error).toMatchObject(exit);
    expect(error.cause).toMatchObject({ message: 'nobody waits for this' });
    expect(await pool.run.sum(1, 2)).toBe(3);
    await atRest(pool);
  });

  test('for want of memory says so', async () => {
    const pool = await workerPool({ resourceLimits: { maxOldGenerationSizeMb: 24 } });
    const error = await failure(pool.run.allocate());
    expect(error).toMatchObject(exit);
    expect(error.cause).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
    expect(await pool.run.sum(1, 2)).toBe(3);
    await atRest(pool);
  });

  test('leaves the answers that it gave before, and those that it had not begun run elsewhere', async () => {
    const pool = await workerPool();
    const mark = new Gate();
    const lent = await lentWarm(pool);
    const before = Array.from({ length: 5 }, () => pool.run.mark(mark.words));
    const exits = failure(pool.run.exit(1));
    const behind = Array.from({ length: 5 }, () => pool.run.mark(mark.words));
    await pool.release(lent); // takes all of them
    expect(await exits).toMatchObject(exit);
    await Promise.all([...before, ...behind]);
    expect(mark.begun).toBe(10);
    await atRest(pool);
  });

  test('while idle costs nobody a call', async () => {
    await until(() => threadCount() === 0); // those of other tests
    const pool = await workerPool();
    await pool.run.exitSoon(1);
    const threads = new Set<number>();
    pool.on('create', ({ threadId }) => threads.add(threadId));
    await until(() => threadCount() === 0);
    expect(await pool.run.sum(1, 2)).toBe(3);
    expect(threads.size).toBe(1);
    expect(pool.stats().destroyedBy).toEqual({ exit: 1 });
  });

  test('while idle is noticed at once: it is gone from the pool, and min is refilled', async () => {
    const pool = await workerPool({ min: 1 });
    const destroyed: unknown[] = [];
    const gone = new Promise<void>((resolve) => {
      pool.on('destroy', ({ id }, reason, cause) => {
        destroyed.push([id, reason, String(cause)]);
        resolve();
      });
    });
    await pool.run.exitSoon(1);
    await gone;
    expect(destroyed).toEqual([[1, 'exit', 'Error: the thread exited with code 3']]);
    expect(pool.available).toBe(0);
    await pool.ready(1);
    expect(await pool.use(({ id }) => id)).toBe(2);
  });

  test('before it began the call that it was sent costs nobody that call', async () => {
    const pool = await workerPool();
    const mark = new Gate();
    for (let round = 1; round <= 12; round++) {
      await pool.run.exitSoon(round % 3);
      await new Promise((resolve) => setTimeout(resolve, round % 4));
      await pool.run.mark(mark.words);
      expect(mark.begun).toBe(round);
    }
    await atRest(pool);
  });

  test('while it is made is what creating the pool rejects with', async () => {
    for (const text of ['process.exit(4);', 'export const onCreate = () => process.exit(4);']) {
      const error = await failure(createWasmWorkerPool(guest, { module: inline(text), max: 1 }));
      expect(error).toMatchObject(exit);
      expect(error.message).toMatch(/^wasm#1: its thread ended: the thread exited with code/);
    }
  });

  test('with an instance that is unfit already is not used for the next', async () => {
    const module = inline(`
      export const bad = ({ exports }) => { setTimeout(() => process.exit(), 0); exports.trap(); };`);
    await using pool = await createWasmWorkerPool<{ bad(): void }, Guest>(guest, {
      module,
      max: 1,
    });
    for (let round = 0; round < 8; round++) {
      const calls = await Promise.allSettled([pool.run.bad(), pool.run.add(1, 2)]);
      // Either may have begun on a thread that ended under it: that is no failed creation.
      for (const { code = '' } of calls.map((call) => ('reason' in call ? call.reason : {}))) {
        expect(['', 'ERR_WASM_WORKER_EXIT']).toContain(code);
      }
    }
    expect(pool.stats().createErrors).toBe(0);
    await atRest(pool);
  });
});

describe('threads that keep ending', () => {
  test('while they are made cost a waiting call each, and the event loop turns', async () => {
    const module = inline(`
      export const onCreate = ({ id }) => { if (id > 1) process.exit(); };
      export const exit = () => process.exit();`);
    await using pool = await createWasmWorkerPool<{ exit(): void }, Guest>(guest, {
      module,
      max: 1,
    });
    await failure(pool.run.exit());
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const calls = await Promise.allSettled(Array.from({ length: 5 }, () => pool.run.add(1, 2)));
    clearInterval(timer);
    for (const call of calls) {
      expect(call).toMatchObject({ reason: { code: 'ERR_POOL_CREATE', cause: exit } });
    }
    expect(turns).toBeGreaterThan(5);
    expect(pool.stats()).toMatchObject({ size: 0, createErrors: 5, pending: 0 });
  });

  test('are made for `min` after longer and longer pauses', async () => {
    const module = inline(`
      export const onCreate = ({ id }) => { if (id > 1) process.exit(); };
      export const exit = () => process.exit();`);
    await using pool = await createWasmWorkerPool<{ exit(): void }, Guest>(guest, {
      module,
      max: 1,
      min: 1,
    });
    let failures = 0;
    pool.on('factoryCreateError', () => failures++);
    await failure(pool.run.exit());
    const start = performance.now();
    await until(() => failures === 4);
    // At once, then after 100, 200, 400 ms.
    expect(performance.now() - start).toBeGreaterThan(600);
  });

  test('in every call cost nothing but those calls', async () => {
    const pool = await workerPool({ max: 2 });
    const calls = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0 ? pool.run.exit(0) : pool.run.sum(index, 1),
    );
    const settled = await Promise.allSettled(calls);
    settled.forEach((one, index) => {
      if (index % 2 === 0) expect(one).toMatchObject({ reason: exit });
      else expect(one).toEqual({ status: 'fulfilled', value: index + 1 });
    });
    expect(pool.stats()).toMatchObject({ destroyedBy: { exit: 10 }, createErrors: 0 });
    await atRest(pool);
  });
});

describe('a worker of one’s own', () => {
  const bad = { max: 1, createTimeoutMillis: 5000 };

  test('that cannot be started is what creating the pool rejects with, and leaves nothing open', async () => {
    const ports = () => queryObjects(MessagePort, { format: 'count' });
    const refusal = new Error('no more threads');
    const worker = () => {
      throw refusal;
    };
    const create = () => failure(createWasmWorkerPool(guest, { ...bad, worker }));
    expect(await create()).toBe(refusal);
    const before = ports();
    for (let times = 0; times < 20; times++) await create();
    await until(() => ports() < before + 20);
  });
});
