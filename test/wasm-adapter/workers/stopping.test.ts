import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWasmWorkerPool, move } from '@wasm-pool/wasm-adapter';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { type Guest, guest } from './guest.js';
import { atRest, Gate, inline, lentWarm, reasons, until, workerPool } from './pools.js';

const timeout = { code: 'ERR_WASM_CALL_TIMEOUT', name: 'WasmError' };

describe('a call past callTimeoutMillis', () => {
  test('is stopped in a task, sync or async, and in the guest, and the slot is refilled', async () => {
    const pool = await workerPool();
    for (const name of ['loop', 'never', 'spin'] as const) {
      const error = await failure(pool.call(name, [], { callTimeoutMillis: 50 }));
      expect(error).toMatchObject(timeout);
      expect(error.message).toMatch(
        new RegExp(
          `^wasm#\\d: ${name} ran for longer than callTimeoutMillis \\(50 ms\\), and its thread was ended$`,
        ),
      );
      expect(await pool.run.sum(1, 2)).toBe(3);
    }
    expect(pool.stats()).toMatchObject({ created: 4, destroyedBy: { timeout: 3 } });
    await atRest(pool);
  });

  test('has the limit of its own, or none', async () => {
    const pool = await workerPool({ callTimeoutMillis: 60_000 });
    expect(await failure(pool.call('loop', [], { callTimeoutMillis: 30 }))).toMatchObject(timeout);
    const short = await workerPool({ callTimeoutMillis: 30 });
    expect(await short.call('sleepFor', [150], { callTimeoutMillis: 0 })).toBeUndefined();
    expect(short.stats().destroyed).toBe(0);
  });

  test('has the limit of the pool where its own is undefined', async () => {
    const pool = await workerPool({ callTimeoutMillis: 30 });
    const options = { callTimeoutMillis: undefined };
    expect(await failure(pool.call('loop', [], options))).toMatchObject(timeout);
    await pool.use(async (worker) => {
      expect(await failure(worker.call('loop', [], options))).toMatchObject(timeout);
    });
  });

  test('takes nothing from those behind it: they run elsewhere, each once', async () => {
    const pool = await workerPool({ max: 2 });
    const [looping, mark] = [new Gate(), new Gate()];
    const lent = [await lentWarm(pool), await lentWarm(pool)];
    const loops = [0, 1].map(() => pool.call('loop', [looping.words], { callTimeoutMillis: 300 }));
    const behind = Array.from({ length: 50 }, () => pool.run.mark(mark.words));
    for (const one of lent) await pool.release(one);
    for (const error of await Promise.all(loops.map(failure))) expect(error).toMatchObject(timeout);
    await Promise.all(behind);
    expect(mark.begun).toBe(50);
    expect(pool.stats().destroyedBy).toEqual({ timeout: 2 });
    await atRest(pool);
  });

  test('is what a call waits for no longer than 5 ms where another worker is free', async () => {
    const pool = await workerPool({ max: 2 });
    await pool.ready(2);
    const [first, second] = [await lentWarm(pool), await pool.acquire()];
    const [gate, mark] = [new Gate(), new Gate()];
    const held = pool.run.hold(gate.words);
    const behind = Array.from({ length: 20 }, () => pool.run.mark(mark.words));
    await pool.release(first); // takes all of them
    await gate.until();
    await pool.release(second);
    await Promise.all(behind);
    expect(mark.begun).toBe(20);
    gate.open();
    await held;
    await atRest(pool);
  });

  test('counts from when it runs, and not from when it was queued', async () => {
    const pool = await workerPool();
    const gate = new Gate();
    const held = pool.run.hold(gate.words);
    const waiting = pool.call('sum', [1, 2], { callTimeoutMillis: 1000 });
    await new Promise((resolve) => setTimeout(resolve, 1200)); // longer than that
    gate.open();
    expect(await Promise.all([held, waiting])).toEqual([undefined, 3]);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('is not given more time by others that are given up', async () => {
    const pool = await workerPool();
    await pool.use(async (worker) => {
      const gate = new Gate();
      const looping = worker.call('loop', [gate.words], { callTimeoutMillis: 300 });
      let over = false;
      looping.catch(() => {
        over = true;
      });
      let given = 0;
      while (!over && given < 1000) {
        const controller = new AbortController();
        const call = worker.call('sum', [1, 2], { signal: controller.signal });
        controller.abort(new Error('given up'));
        await failure(call);
        given++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(given).toBeLessThan(1000);
      expect(await failure(looping)).toMatchObject(timeout);
    });
  });
});

describe('the start of an instance past createTimeoutMillis', () => {
  const spins = wat('(module (func $spin (loop $again (br $again))) (start $spin))');
  const started = wat('(module (func (export "_initialize") (loop $again (br $again))))');
  const late = { code: 'ERR_POOL_FACTORY_TIMEOUT' };

  test.for([
    ['in its start function', spins, ''],
    ['in _initialize', started, ''],
    ['in onCreate', guest, 'export const onCreate = ({ exports }) => exports.spin();'],
    ['in an async onCreate', guest, 'export const onCreate = () => new Promise(() => {});'],
    ['while the module loads', guest, 'for (;;);'],
    ['while the module waits', guest, 'await new Promise(() => setInterval(() => {}, 1000));'],
  ] as const)('is stopped %s', async ([, src, text]) => {
    const creation = createWasmWorkerPool(src, {
      module: inline(text),
      max: 1,
      createTimeoutMillis: 400,
    });
    expect(await failure(creation)).toMatchObject(late);
  });

  test('is an error of the one call that waits for it', async () => {
    const module = inline(`
      import { workerData as words } from 'node:worker_threads';
      export const onCreate = ({ id }) => {
        if (id !== 2) return;
        Atomics.add(words, 0, 1);
        Atomics.notify(words, 0);
        for (;;);
      };
      export const exit = () => process.exit();`);
    const gate = new Gate();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await using pool = await createWasmWorkerPool<{ exit(): void }, Guest>(guest, {
      module,
      max: 1,
      createTimeoutMillis: 1000,
      workerData: gate.words,
    });
    await failure(pool.run.exit());
    const calls = [pool.run.add(1, 2), pool.run.add(3, 4)];
    await gate.until();
    vi.advanceTimersByTime(1000);
    const settled = await Promise.allSettled(calls);
    vi.useRealTimers();
    expect(settled[0]).toMatchObject({ reason: { code: 'ERR_POOL_CREATE', cause: late } });
    expect(settled[1]).toEqual({ status: 'fulfilled', value: 7 });
    await atRest(pool);
  });
});

describe('an aborted signal', () => {
  const reason = new Error('no longer');

  test('before the call is its end', async () => {
    const pool = await workerPool();
    const call = pool.call('sum', [1, 2], { signal: AbortSignal.abort(reason) });
    expect(await failure(call)).toBe(reason);
    expect(pool.stats().acquired).toBe(0);
  });

  test('ends a call that waits for a worker, and only that', async () => {
    const pool = await workerPool();
    const [gate, mark, controller] = [new Gate(), new Gate(), new AbortController()];
    const held = pool.run.hold(gate.words);
    await gate.until();
    const waiting = pool.call('mark', [mark.words], { signal: controller.signal });
    const other = pool.run.mark(mark.words);
    controller.abort(reason);
    expect(await failure(waiting)).toBe(reason);
    gate.open();
    await Promise.all([held, other]);
    expect(mark.begun).toBe(1);
    expect(pool.stats().destroyed).toBe(0);
    await atRest(pool);
  });

  test('ends a call that was sent and has not begun: the thread lives', async () => {
    const pool = await workerPool();
    const [gate, mark, controller] = [new Gate(), new Gate(), new AbortController()];
    const { signal } = controller;
    await pool.use(async (worker) => {
      const held = worker.run.hold(gate.words);
      const sent = worker.call('mark', [mark.words], { signal });
      const behind = worker.run.sum(1, 2);
      await gate.until();
      controller.abort(reason);
      expect(await failure(sent)).toBe(reason);
      gate.open();
      await held;
      expect(await behind).toBe(3);
    });
    expect(mark.begun).toBe(0);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('ends the thread of a call that runs, and the others run elsewhere', async () => {
    const pool = await workerPool();
    const [looping, mark, controller] = [new Gate(), new Gate(), new AbortController()];
    const lent = await lentWarm(pool);
    const loop = pool.call('loop', [looping.words], { signal: controller.signal });
    const behind = Array.from({ length: 10 }, () => pool.run.mark(mark.words));
    await pool.release(lent); // takes all of them
    await looping.until();
    controller.abort(reason);
    expect(await failure(loop)).toBe(reason);
    await Promise.all(behind);
    expect(mark.begun).toBe(10);
    expect(pool.stats().destroyedBy).toEqual({ aborted: 1 });
    await atRest(pool);
  });

  test('after the answer changes nothing, and is listened to no more', async () => {
    const pool = await workerPool();
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    await Promise.all(Array.from({ length: 100 }, () => pool.call('sum', [1, 2], { signal })));
    expect(listeners).toBe(0);
    controller.abort(reason);
    expect(await pool.run.sum(1, 2)).toBe(3);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('at the last moment either ends the call or comes too late, and nobody else notices', async () => {
    const pool = await workerPool({ max: 2 });
    const mark = new Gate();
    let [ended, late] = [0, 0];
    for (let round = 0; round < 150; round++) {
      const controller = new AbortController();
      const calls = Array.from({ length: 8 }, (_, index) =>
        pool.call('mark', [mark.words], index === 3 ? { signal: controller.signal } : {}),
      );
      if (round % 3 === 0) await calls[2];
      else if (round % 3 === 1) await Promise.race(calls);
      else await new Promise((resolve) => setImmediate(resolve));
      controller.abort(reason);
      const settled = await Promise.allSettled(calls);
      settled.forEach((one, index) => {
        if (one.status === 'rejected') {
          expect([index, one.reason]).toEqual([3, reason]);
          ended++;
        } else if (index === 3) late++;
      });
    }
    expect(ended + late).toBe(150);
    expect(mark.begun).toBeGreaterThanOrEqual(150 * 7 + late);
    expect(mark.begun).toBeLessThanOrEqual(150 * 8);
    await atRest(pool);
  });

  test('of a call that runs again elsewhere is still listened to', async () => {
    const pool = await workerPool();
    const [gate, mark, controller] = [new Gate(), new Gate(), new AbortController()];
    const lent = await lentWarm(pool);
    const held = pool.run.hold(gate.words);
    const again = pool.call('mark', [mark.words], { signal: controller.signal });
    await pool.release(lent); // takes both
    await gate.until();
    await until(() => pool.pending === 1); // taken back from behind it
    controller.abort(reason);
    expect(await failure(again)).toBe(reason);
    expect(pool.pending).toBe(0);
    gate.open();
    await held;
    expect(mark.begun).toBe(0);
    await atRest(pool);
  });
});

describe('within one loan', () => {
  test('a call that is killed takes the others with it, and the slot is refilled', async () => {
    const pool = await workerPool();
    const why = reasons(pool);
    await pool.use(async (worker) => {
      const calls = [
        worker.call('loop', [], { callTimeoutMillis: 50 }),
        worker.run.sum(1, 2),
        worker.run.size(move(new Uint8Array(8))),
      ];
      const errors = await Promise.all(calls.map((call) => failure(call)));
      expect(errors.map(({ code }) => code)).toEqual([
        'ERR_WASM_CALL_TIMEOUT',
        'ERR_WASM_WORKER_EXIT',
        'ERR_WASM_WORKER_EXIT',
      ]);
      expect(errors[1]?.message).toBe('wasm#1: its thread ended: timeout of another call');
      expect(errors[1]?.cause).toBe(errors[0]);
      expect(await failure(worker.run.sum(1, 2))).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
    });
    expect(why).toEqual(['timeout']);
    expect(await pool.run.sum(1, 2)).toBe(3);
    await atRest(pool);
  });

  test('calls given up by the hundred leave those behind a long one as they are', async () => {
    const pool = await workerPool();
    const [gate, mark] = [new Gate(), new Gate()];
    await pool.use(async (worker) => {
      const held = worker.run.hold(gate.words);
      const before = worker.run.mark(mark.words);
      await gate.until();
      for (let index = 0; index < 300; index++) {
        const controller = new AbortController();
        const call = worker.call('mark', [mark.words], { signal: controller.signal });
        controller.abort(reasonOfAll);
        expect(await failure(call)).toBe(reasonOfAll);
      }
      const after = worker.run.sum(20, 22);
      gate.open();
      expect(await Promise.all([held, before, after])).toEqual([undefined, undefined, 42]);
    });
    expect(mark.begun).toBe(1);
    expect(pool.stats().destroyed).toBe(0);
  });
});

const reasonOfAll = new Error('given up');

interface Blocking {
  block(instance: unknown, path: string): void;
  add(instance: unknown): number;
}

test('a thread that does not end, for it is in native code, keeps its place until it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-stopping-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const pool = await createWasmWorkerPool<Blocking>(guest, {
    max: 1,
    module: inline(`
      import { readFileSync } from 'node:fs';
      export const block = (_, path) => void readFileSync(path); // until somebody writes to it
      export const add = () => 3;`),
    callTimeoutMillis: 50,
    destroyTimeoutMillis: 20, // the pool does not wait longer for a thread that is being ended
  });
  onTestFinished(() => pool.close({ timeoutMillis: 1 }));
  expect(await failure(pool.run.block(pipe))).toMatchObject(timeout);
  const behind = pool.call('add', [], { callTimeoutMillis: 0 });
  const hurried = failure(pool.call('add', [], { timeoutMillis: 100 }));
  expect(await hurried).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
  expect(pool.stats()).toMatchObject({ threads: 1, threadsEnding: 1, pending: 1, size: 0 });
  closeSync(openSync(pipe, 'w'));
  expect(await behind).toBe(3);
  await until(() => pool.stats().threadsEnding === 0);
  expect(pool.stats()).toMatchObject({ threads: 1, destroyedBy: { timeout: 1 } });
});
