import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { long } from '../../helpers/long.js';
import { guest } from './guest.js';
import { Gate, inline, lentWarm, threadCount, until, workerPool } from './pools.js';

const closed = { code: 'ERR_POOL_CLOSED' };
describe('closing a pool of workers', () => {
  test('ends idle workers, and lends no more', async () => {
    const pool = await workerPool({ max: 2, min: 2 });
    await pool.close();
    expect(pool.size).toBe(0);
    expect(pool.stats().destroyedBy).toEqual({ close: 2 });
    expect(await failure(pool.run.sum(1, 2))).toMatchObject(closed);
    expect(await failure(pool.acquire())).toMatchObject(closed);
    expect(await failure(pool.use(() => 5))).toMatchObject(closed);
    expect(await failure(pool.lease())).toMatchObject(closed);
  });

  test('waits for the calls that run, and those that wait are told', async () => {
    const pool = await workerPool();
    const gate = new Gate();
    const running = pool.run.hold(gate.words).then(() => 'done');
    const waiting = pool.run.sum(1, 2);
    let over = false;
    const close = pool.close().then(() => {
      over = true;
    });
    expect(await failure(waiting)).toMatchObject(closed);
    await gate.until();
    expect(over).toBe(false);
    gate.open();
    expect(await running).toBe('done');
    await close;
  });

  test('ends what does not end by itself after timeoutMillis', async () => {
    const pool = await workerPool();
    const gate = new Gate();
    const lent = await lentWarm(pool);
    const calls = [pool.run.loop(gate.words), pool.run.sum(1, 2)];
    const failures = Promise.all(calls.map((call) => failure(call)));
    await pool.release(lent);
    await gate.until();
    await pool.close({ timeoutMillis: 1 });
    const errors = await failures;
    expect(errors[0]).toMatchObject({
      code: 'ERR_WASM_WORKER_EXIT',
      message: 'wasm#1: its thread ended: its pool was closed',
    });
    expect(['ERR_WASM_WORKER_EXIT', 'ERR_POOL_CLOSED']).toContain(errors[1]?.code);
    expect(pool.size).toBe(0);
  });

  test('twice is the same end, and may be brought forward', async () => {
    const pool = await workerPool();
    const gate = new Gate();
    const running = failure(pool.run.loop(gate.words));
    await gate.until();
    const patient = pool.close();
    await Promise.all([pool.close({ timeoutMillis: 1 }), running, patient]);
    await pool.close();
    await pool[Symbol.asyncDispose]();
  });

  test('ends a loan, and what its borrower still calls is told', async () => {
    const pool = await workerPool();
    const worker = await pool.acquire();
    const call = failure(worker.run.never());
    await pool.close({ timeoutMillis: 1 });
    expect(await call).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
    expect(await failure(worker.run.sum(1, 2))).toMatchObject({ code: 'ERR_WASM_NOT_LENT' });
    expect(await failure(pool.release(worker))).toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
  });

  test('ends workers that are being made, even those that never will be', async () => {
    const before = threadCount();
    const words = new Int32Array(new SharedArrayBuffer(8));
    const module = inline(`
      export const onCreate = ({ id }) => { while (id > 1); };
      export const hold = (_, words) => void Atomics.wait(words, 1, 0);`);
    const pool = await createWasmWorkerPool<{ hold(instance: object, words: Int32Array): void }>(
      guest,
      {
        module,
        max: 2,
        createTimeoutMillis: 0,
      },
    );
    const calls = [pool.run.hold(words), pool.run.hold(words)];
    await until(() => pool.size === 2);
    const outcomes = Promise.allSettled(calls);
    await pool.close({ timeoutMillis: 50 });
    expect(await outcomes).toMatchObject([
      { reason: { code: 'ERR_WASM_WORKER_EXIT' } },
      { reason: closed },
    ]);
    await until(() => threadCount() <= before);
  });

  test('ends threads that have no instance at the moment', async () => {
    const before = threadCount();
    const pool = await workerPool();
    await failure(pool.run.trap());
    await pool.close();
    await until(() => threadCount() <= before);
  });

  test('with bad options is an error, and closes nothing', async () => {
    const pool = await workerPool();
    expect(await failure(pool.close({ timeoutMillis: -1 }))).toMatchObject({ name: 'OptionError' });
    expect(await pool.run.sum(1, 2)).toBe(3);
  });

  test('by draining serves those who wait, those sent back included', async () => {
    const pool = await workerPool();
    const lent = await lentWarm(pool);
    const loop = pool.call('loop', [], { callTimeoutMillis: 50 });
    const calls = Array.from({ length: 20 }, () => pool.run.sum(1, 2));
    await pool.release(lent);
    const drained = pool.drain();
    expect(await failure(pool.run.sum(1, 2))).toMatchObject(closed);
    expect(await failure(loop)).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    expect(await Promise.all(calls)).toEqual(new Array(20).fill(3));
    await drained;
    expect(pool.size).toBe(1);
  });

  test('in the middle of everything settles every call', async () => {
    for (let round = 0; round < (long ? 10 : 4); round++) {
      const pool = await workerPool({ max: 2 });
      const calls = Array.from({ length: 100 }, (_, index) =>
        index % 10 === 3 ? pool.run.trap() : index % 10 === 6 ? pool.run.exit(0) : pool.run.count(),
      );
      const settled = Promise.allSettled(calls);
      for (let turn = 0; turn < round; turn++) await new Promise((go) => setImmediate(go));
      const [outcomes] = await Promise.all([settled, pool.close()]);
      expect(outcomes).toHaveLength(100);
      expect(pool.size).toBe(0);
    }
  });
});
