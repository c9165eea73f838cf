import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { guest } from './guest.js';
import { atRest, Gate, inline, lentWarm, until, workerPool } from './pools.js';

describe('calls that wait for a worker', () => {
  test('are served by priority, then in order of arrival', async () => {
    const pool = await workerPool({ priorityRange: 3 });
    const lent = await lentWarm(pool);
    const served: string[] = [];
    const calls = ['low', 'low', 'high', 'middle', 'high', 'low', 'middle'].map(
      async (priority, index) => {
        await pool.call('sum', [1, 2], { priority: ['high', 'middle', 'low'].indexOf(priority) });
        served.push(`${priority} ${index}`);
      },
    );
    await pool.release(lent);
    await Promise.all(calls);
    expect(served).toEqual(['high 2', 'high 4', 'middle 3', 'middle 6', 'low 0', 'low 1', 'low 5']);
    await atRest(pool);
  });

  test('leave the event loop its turns, however short they are and however many', async () => {
    const pool = await workerPool();
    let answered = 0;
    let atLastTurn = 0;
    let most = 0;
    const turn = () => {
      most = Math.max(most, answered - atLastTurn);
      atLastTurn = answered;
      if (answered < 32_000) setImmediate(turn);
    };
    turn();
    const caller = async () => {
      for (let calls = 0; calls < 500; calls++, answered++) await pool.run.sum(1, 2);
    };
    await Promise.all(Array.from({ length: 64 }, caller));
    expect(most).toBeLessThanOrEqual(100); // 64 calls are sent in a turn at most
    await atRest(pool);
  });

  test('are no more than maxWaitingClients', async () => {
    const pool = await workerPool({ maxWaitingClients: 2 });
    const gate = new Gate();
    const held = pool.run.hold(gate.words);
    const waiting = [pool.run.sum(1, 2), pool.run.sum(3, 4)];
    expect(await failure(pool.run.sum(5, 6))).toMatchObject({ code: 'ERR_POOL_QUEUE_FULL' });
    gate.open();
    expect(await Promise.all([held, ...waiting])).toEqual([undefined, 3, 7]);
    await atRest(pool);
  });

  test('wait no longer than acquireTimeoutMillis, or the timeoutMillis of their own', async () => {
    const pool = await workerPool({ acquireTimeoutMillis: 40 });
    const gate = new Gate();
    const held = pool.run.hold(gate.words);
    const timeout = { code: 'ERR_POOL_ACQUIRE_TIMEOUT' };
    const long = pool.call('sum', [1, 2], { timeoutMillis: 0 });
    const error = await failure(pool.run.sum(1, 2));
    expect(error).toMatchObject(timeout);
    expect(error.message).toMatch(/^no resource within 40 ms/);
    const own = await failure(pool.call('sum', [1, 2], { timeoutMillis: 5 }));
    expect(own.message).toMatch(/^no resource within 5 ms/);
    gate.open();
    expect(await Promise.all([held, long])).toEqual([undefined, 3]);
    await atRest(pool);
  });

  test('wait no longer than that behind one that takes longer than thought', async () => {
    const pool = await workerPool({ acquireTimeoutMillis: 200 });
    const gate = new Gate();
    const lent = await lentWarm(pool);
    const held = pool.run.hold(gate.words);
    const behind = [pool.run.sum(1, 2), pool.call('sum', [1, 2], { timeoutMillis: 100 })];
    await pool.release(lent);
    const errors = await Promise.all(behind.map((call) => failure(call)));
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    gate.open();
    await held;
    await atRest(pool);
  });

  test('are sent along with one that runs only if they are next', async () => {
    const pool = await workerPool();
    const order: string[] = [];
    const lent = await lentWarm(pool);
    const all = [
      pool.run.sum(1, 2).then(() => order.push('call')),
      pool.use(async ({ run }) => {
        await run.sum(1, 2);
        order.push('loan');
      }),
      pool.run.sum(1, 2).then(() => order.push('next call')),
    ];
    await pool.release(lent);
    await Promise.all(all);
    expect(order).toEqual(['call', 'loan', 'next call']);
  });

  test('run in the order in which they came, also those that are sent back', async () => {
    const pool = await workerPool();
    const lent = await lentWarm(pool);
    const loop = pool.call('loop', [], { callTimeoutMillis: 100 });
    const calls = Array.from({ length: 90 }, () => pool.run.count());
    await pool.release(lent);
    expect(await failure(loop)).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 90 }, (_, index) => index + 1));
  });

  test('run in their order when they were sent back', async () => {
    const pool = await workerPool({ max: 2 });
    await pool.ready(2);
    const [first, second] = [await lentWarm(pool), await pool.acquire()];
    const [gate, next] = [new Gate(), new Gate()];
    const order: number[] = [];
    const held = pool.run.hold(gate.words);
    const behind = Array.from({ length: 8 }, (_, index) =>
      pool.run.mark(next.words).then(() => order.push(index)),
    );
    await pool.release(first);
    await until(() => pool.pending === behind.length); // sent behind the one that is held, and back
    await pool.release(second);
    await Promise.all(behind);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    gate.open();
    await held;
    await atRest(pool);
  });

  test('are told of bad options, whether or not they would have waited', async () => {
    const pool = await workerPool();
    for (const [options, message] of [
      [{ priority: -1 }, 'sum: priority is -1; accepted: a whole number of at least 0'],
      [{ timeoutMillis: 0.5 }, 'sum: timeoutMillis is 0.5; accepted: a whole number from 0 to'],
      [
        { callTimeoutMillis: '5' },
        'sum: callTimeoutMillis is "5"; accepted: a whole number from 0',
      ],
      [{ callTimeoutMillis: -1 }, 'sum: callTimeoutMillis is -1; accepted: a whole number from 0'],
      [{ signal: {} }, 'sum: signal is an object ([object Object]); accepted: an AbortSignal'],
    ] as const) {
      const error = await failure(pool.call('sum', [1, 2], options as never));
      expect(error).toMatchObject({ name: 'OptionError' });
      expect(error.message.slice(0, message.length)).toBe(message);
    }
    expect(await failure(pool.call('sum', 5 as never))).toMatchObject({
      message: 'sum: args is 5; accepted: an array',
    });
    await atRest(pool);
  });

  test('may be urgent: those have workers beyond max', async () => {
    const pool = await workerPool({ burst: 1 });
    const gate = new Gate();
    const held = pool.run.hold(gate.words);
    expect(await pool.call('sum', [1, 2], { priority: 0 })).toBe(3);
    gate.open();
    await held;
    expect(pool.stats().created).toBe(2);
  });

  test('are all served where each makes the next', async () => {
    const pool = await workerPool({ max: 2 });
    let left = 2000;
    const chain = async () => {
      while (left-- > 0) await pool.run.sum(1, 2);
    };
    await Promise.all(Array.from({ length: 64 }, chain));
    expect(pool.stats().acquired).toBeGreaterThanOrEqual(2000); // more, where some were taken back
    await atRest(pool);
  });

  test('are not kept from their turn by calls without end', async () => {
    const pool = await workerPool();
    let over = false;
    const flood = Array.from({ length: 40 }, async () => {
      while (!over) await pool.run.sum(1, 2);
    });
    await pool.use(({ run }) => run.sum(1, 2));
    await pool.call('sum', [1, 2], { timeoutMillis: 5000 });
    over = true;
    await Promise.all(flood);
  });
});

describe('workers', () => {
  test('are as many as there is parallelism, unless max says otherwise', async () => {
    await using pool = await createWasmWorkerPool(guest);
    expect(pool.max).toBeGreaterThan(0);
    expect(Number.isFinite(pool.max)).toBe(true);
    expect(pool.size).toBe(1);
    await using boundless = await createWasmWorkerPool(guest, { max: 0 });
    expect(boundless.max).toBe(0);
  });

  test('are made when there is more to do, and `min` at the start', async () => {
    const pool = await workerPool({ max: 3, min: 2 });
    expect(pool.size).toBe(2);
    const gates = [new Gate(), new Gate(), new Gate()];
    const held = gates.map((gate) => pool.run.hold(gate.words));
    for (const gate of gates) await gate.until();
    expect(pool.size).toBe(3);
    for (const gate of gates) gate.open();
    await Promise.all(held);
  });

  test('are evicted when they are idle', async () => {
    const pool = await workerPool({ max: 2, idleTimeoutMillis: 30 });
    await pool.run.sum(1, 2);
    await until(() => pool.size === 0);
    expect(pool.stats().destroyedBy).toEqual({ idle: 1 });
    expect(await pool.run.sum(1, 2)).toBe(3);
  });

  test('are told of by events, and counted', async () => {
    const module = inline('export const five = () => 5;');
    await using pool = await createWasmWorkerPool<{ five(): number }>(guest, { module, max: 1 });
    expect(await pool.run.five()).toBe(5);
    expect(pool.stats()).toMatchObject({ size: 1, available: 1, acquired: 1, created: 1 });
    const gone: unknown[] = [];
    pool.on('destroy', (worker) => gone.push(worker));
    expect(pool.evict()).toBe(1);
    expect(gone).toMatchObject([{ id: 1, name: 'wasm#1' }]);
  });
});

describe('a loan', () => {
  test('is of one call that has run: what another thread takes over counts once', async () => {
    const pool = await workerPool({ max: 2, min: 2 });
    const lent = [await lentWarm(pool), await lentWarm(pool)];
    const gate = new Gate();
    const before = pool.stats().acquired;
    const held = pool.run.hold(gate.words);
    const behind = Array.from({ length: 40 }, () => pool.run.sum(1, 2));
    for (const worker of lent) await pool.release(worker);
    await Promise.all(behind); // those too that had been sent behind the one that is held
    gate.open();
    await held;
    await atRest(pool);
    expect(pool.stats().acquired - before).toBe(41);
  });

  test('that its signal ends before its call begins is none', async () => {
    const pool = await workerPool({ maxUses: 1005 });
    const lent = await lentWarm(pool); // one loan
    const gate = new Gate();
    const controller = new AbortController();
    const held = pool.run.hold(gate.words);
    const { signal } = controller;
    const aborted = Array.from({ length: 10 }, () => failure(pool.call('sum', [1, 2], { signal })));
    await pool.release(lent);
    await gate.until(1);
    controller.abort(new Error('enough'));
    await Promise.all(aborted);
    gate.open();
    await held;
    await pool.run.sum(1, 2);
    await atRest(pool);
    expect(pool.stats()).toMatchObject({ acquired: 3, destroyed: 0 });
  });
});
