import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { guest } from './guest.js';
import { atRest, Gate, inline, reasons, threadCount, until, workerPool } from './pools.js';

describe('instances that share threads', () => {
  test('are as many as max, on no more threads than that', async () => {
    await until(() => threadCount() === 0); // those of other tests
    const pool = await workerPool({ max: 6, min: 6, threads: 2 });
    expect(pool.size).toBe(6);
    expect(threadCount()).toBe(2);
    expect(pool.stats()).toMatchObject({ size: 6, threads: 2, threadsEnding: 0 });
    const gate = new Gate();
    const waiting = Array.from({ length: 6 }, () => pool.run.holdLater(gate.words));
    await gate.until(6); // each in a call of its own
    const lent = pool.tryAcquire();
    expect(lent).toBeUndefined();
    gate.open();
    await Promise.all(waiting);
    await atRest(pool);
  });

  test('work while others of their thread wait', async () => {
    const pool = await workerPool({ max: 2, threads: 1 });
    const gate = new Gate();
    const waiting = pool.run.holdLater(gate.words);
    await gate.until();
    expect(await pool.run.sum(1, 2)).toBe(3);
    gate.open();
    await waiting;
  });

  test('have a state each, and are called by one borrower at a time', async () => {
    const pool = await workerPool({ max: 3, min: 3, threads: 1 });
    const workers = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    expect(new Set(workers.map(({ id }) => id)).size).toBe(3);
    expect(new Set(workers.map(({ threadId }) => threadId)).size).toBe(1);
    for (const { run } of workers) await run.count();
    await workers[1]?.run.count();
    expect(await Promise.all(workers.map(({ run }) => run.count()))).toEqual([2, 3, 2]);
    await Promise.all(workers.map((worker) => pool.release(worker)));
    await atRest(pool);
  });

  test('are judged one by one: one that is unfit is replaced on the same thread', async () => {
    await until(() => threadCount() === 0);
    const pool = await workerPool({ max: 3, min: 3, threads: 1 });
    const before = (await pool.run.who()).threadId;
    await failure(pool.run.trap());
    await until(() => pool.size === 3 && pool.available === 3);
    const ids = (await Promise.all([1, 2, 3].map(() => pool.run.who()))).map(
      ({ threadId }) => threadId,
    );
    expect(new Set(ids)).toEqual(new Set([before]));
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('are lost with their thread: begun calls reject, the others run elsewhere', async () => {
    const pool = await workerPool({ max: 2, min: 2, threads: 1 });
    const why = reasons(pool);
    const [held, looping] = [new Gate(), new Gate()];
    const waiting = failure(pool.run.holdLater(held.words));
    await held.until();
    const controller = new AbortController();
    const loop = pool.call('loop', [looping.words], { signal: controller.signal });
    await looping.until();
    const behind = Array.from({ length: 5 }, () => pool.run.sum(1, 2));
    controller.abort(new Error('enough'));
    expect(await failure(loop)).toBe(controller.signal.reason);
    expect(await waiting).toMatchObject({
      code: 'ERR_WASM_WORKER_EXIT',
      cause: controller.signal.reason,
    });
    expect(await Promise.all(behind)).toEqual([3, 3, 3, 3, 3]);
    expect(why.sort()).toEqual(['aborted', 'exit']);
    await atRest(pool);
  });

  test('leave the thread to the others when one is destroyed', async () => {
    const pool = await workerPool({ max: 2, min: 2, threads: 1 });
    const [one, other] = [await pool.acquire(), await pool.acquire()];
    await other.run.count();
    await pool.destroy(one);
    expect(await other.run.count()).toBe(2);
    await pool.release(other);
    await until(() => pool.size === 2 && pool.available === 2);
    expect(pool.stats().destroyedBy).toEqual({ borrower: 1 });
  });

  test('may be many', async () => {
    await until(() => threadCount() === 0);
    const pool = await workerPool({ max: 200, min: 200, threads: 2 });
    const gate = new Gate();
    const waiting = Array.from({ length: 200 }, () => pool.run.holdLater(gate.words));
    await gate.until(200);
    expect(threadCount()).toBe(2);
    gate.open();
    await Promise.all(waiting);
    const sums = Array.from({ length: 2000 }, (_, index) => pool.run.sum(index, 1));
    expect(await Promise.all(sums)).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1));
    await atRest(pool);
  });
});

describe('a thread that is being ended', () => {
  test('keeps its slot until it is gone', async () => {
    await until(() => threadCount() === 0);
    let most = 0;
    const onWorker = () => {
      most = Math.max(most, threadCount());
    };
    process.on('worker', onWorker);
    const pool = await workerPool({ max: 2 });
    const calls = Array.from({ length: 12 }, () =>
      failure(pool.call('loop', [], { callTimeoutMillis: 2 })),
    );
    await calls[0];
    expect(pool.stats().threadsEnding).toBeGreaterThan(0);
    expect(pool.stats().threads).toBeLessThanOrEqual(2);
    const codes = (await Promise.all(calls)).map(({ code }) => code);
    process.off('worker', onWorker);
    expect(new Set(codes)).toEqual(new Set(['ERR_WASM_CALL_TIMEOUT']));
    expect(most).toBeLessThanOrEqual(2);
  });
});

test('an instance that was replaced tells why in the destroy event', async () => {
  const seen: unknown[] = [];
  const module = inline(`
    export const bad = () => { setTimeout(() => { throw new Error('nobody hears of this'); }, 0); };
    export const loop = () => { for (;;); };`);
  await using pool = await createWasmWorkerPool<
    {
      bad(instance: object): void;
      loop(instance: object): void;
    },
    { trap(): void; add(a: number, b: number): number }
  >(guest, { module, max: 1 });
  pool.on('destroy', (_, reason, cause) => {
    if (cause instanceof Error) seen.push([reason, cause.message]);
  });
  const before = threadCount();
  await pool.run.bad();
  await until(() => threadCount() < before);
  expect(await pool.run.add(1, 2)).toBe(3);
  await failure(pool.call('loop', [], { callTimeoutMillis: 5 }));
  await failure(pool.run.trap());
  expect(await pool.run.add(1, 2)).toBe(3);
  expect(seen).toEqual([
    ['exit', 'nobody hears of this'],
    ['timeout', expect.stringContaining('ran for longer than callTimeoutMillis (5 ms)')],
    ['trap', 'unreachable'],
  ]);
});
