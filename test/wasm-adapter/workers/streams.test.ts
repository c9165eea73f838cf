// Results that come bit by bit: what a task yields is read on the main thread as a ReadableStream.
import { createWasmWorkerPool, type WasmWorkerPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { guest } from './guest.js';
import { atRest, inline, reasons, until } from './pools.js';

interface Tasks {
  count(instance: unknown, to: number): AsyncIterable<number>;
  bytes(instance: unknown): ReadableStream<Uint8Array>;
  failAt(instance: unknown, at: number): AsyncIterable<number>;
  trapAt(instance: unknown, at: number): AsyncIterable<number>;
  endless(instance: unknown): AsyncIterable<number>;
  stuckAt(instance: unknown, at: number): AsyncIterable<number>;
  unposted(instance: unknown): AsyncIterable<unknown>;
  crashAt(instance: unknown, at: number): AsyncIterable<number>;
  leftCount(instance: unknown): number;
}

const module = inline(`
  let left = 0;
  export async function* count({ exports }, to) {
    try {
      for (let n = 1; n <= to; n++) yield n;
    } finally { left++; }
  }
  export const bytes = ({ memory }) => new ReadableStream({
    start(controller) {
      const view = new Uint8Array(memory.buffer, 0, 2);
      view.set([1, 2]);
      controller.enqueue(view);
      view.set([3, 4]);
      controller.enqueue(view);
      controller.close();
    },
  });
  export async function* failAt(_, at) {
    for (let n = 1; n < at; n++) yield n;
    throw new RangeError('no further');
  }
  export async function* trapAt({ exports }, at) {
    for (let n = 1; n < at; n++) yield n;
    exports.trap();
  }
  export async function* endless({ signal }) {
    try {
      for (let n = 1; ; n++) { signal.aborted; yield n; await new Promise((done) => setTimeout(done)); }
    } finally { left++; }
  }
  export async function* stuckAt(_, at) {
    for (let n = 1; n < at; n++) yield n;
    for (;;);
  }
  export async function* unposted() { yield 1; yield () => {}; }
  export async function* crashAt(_, at) {
    for (let n = 1; n < at; n++) yield n;
    process.exit(3);
  }
  export const leftCount = () => left;
`);

async function streams(options: Omit<WasmWorkerPoolOptions, 'module' | 'worker'> = {}) {
  const pool = await createWasmWorkerPool<Tasks>(guest, {
    module,
    max: 1,
    ...options,
  });
  onTestFinished(() => pool.close({ timeoutMillis: 1 }));
  return pool;
}

/** What a stream gives, and the error that it ends with. */
async function readAll(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  try {
    for await (const value of stream) seen.push(value);
  } catch (error) {
    seen.push(error);
  }
  return seen;
}

describe.each(['reuse', 'restore', 'fresh'] as const)('with reset %s', (reset) => {
  test('what a task yields is read one by one, and then others have the instance', async () => {
    const pool = await streams({ reset });
    const stream = await pool.run.count(3);
    expect(stream).toBeInstanceOf(ReadableStream);
    const next = pool.run.count(1);
    expect(pool.stats()).toMatchObject({ borrowed: 1, pending: 1 });
    expect(await readAll(stream)).toEqual([1, 2, 3]);
    expect(await readAll(await next)).toEqual([1]);
    await atRest(pool);
  });

  test('a reader that leaves has the task leave too', async () => {
    const pool = await streams({ reset });
    const seen: unknown[] = [];
    for await (const value of await pool.run.count(10)) {
      seen.push(value);
      if (value === 2) break;
    }
    expect(seen).toEqual([1, 2]);
    expect(await pool.run.leftCount()).toBe(1);
    await atRest(pool);
  });
});

test('a ReadableStream is read on the main thread, and of a guest’s memory only what it gave', async () => {
  const pool = await streams();
  const [first, second] = (await readAll(await pool.run.bytes())) as Uint8Array[];
  // Both are views of the same bytes, which the second has changed before either was read.
  expect([first, second]).toEqual([Uint8Array.of(3, 4), Uint8Array.of(3, 4)]);
  expect(first?.buffer.byteLength).toBe(2);
  await atRest(pool);
});

test('what the task throws comes behind what it had given, and a trap costs the instance', async () => {
  const pool = await streams();
  const [one, error] = await readAll(await pool.run.failAt(2));
  expect(one).toBe(1);
  expect(error).toBeInstanceOf(RangeError);
  expect(error).toMatchObject({ message: 'no further' });
  expect(pool.stats().destroyed).toBe(0);
  expect((await readAll(await pool.run.trapAt(3)))[2]).toBeInstanceOf(WebAssembly.RuntimeError);
  await until(() => pool.stats().destroyed === 1);
  expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  expect(await readAll(await pool.run.count(1))).toEqual([1]);
});

test('a value that cannot be posted is an error that says so', async () => {
  const pool = await streams();
  const [one, error] = await readAll(await pool.run.unposted());
  expect(one).toBe(1);
  expect(error).toMatchObject({ code: 'ERR_WASM_CLONE' });
  await atRest(pool);
});

test('each value may take as long as a call may, and not longer', async () => {
  const pool = await streams({ callTimeoutMillis: 100 });
  const why = reasons(pool);
  const [one, two, error] = await readAll(await pool.run.stuckAt(3));
  expect([one, two]).toEqual([1, 2]);
  expect(error).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
  expect(await readAll(await pool.run.count(2))).toEqual([1, 2]);
  expect(why).toEqual(['timeout']);
});

test('a reader that takes its time is not the task’s fault', async () => {
  const pool = await streams({ callTimeoutMillis: 50 });
  const reader = (await pool.run.count(2)).getReader();
  for (const value of [1, 2]) {
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(await reader.read()).toEqual({ done: false, value });
  }
  expect((await reader.read()).done).toBe(true);
  await atRest(pool);
  expect(pool.stats().destroyed).toBe(0);
});

test('the call’s signal ends it while it is read, and keeps the thread of a task that stops', async () => {
  const pool = await streams({ abortGraceMillis: 60_000 });
  const controller = new AbortController();
  const stream = await pool.call('endless', [], { signal: controller.signal });
  const reader = stream.getReader();
  expect(await reader.read()).toEqual({ done: false, value: 1 });
  controller.abort(new Error('enough'));
  expect(await failure(reader.read())).toBe(controller.signal.reason);
  expect(await pool.run.leftCount()).toBe(1);
  expect(pool.stats().destroyed).toBe(0);
});

test('the signal ends the thread of a task that does not stop', async () => {
  const pool = await streams({ abortGraceMillis: 20 });
  const why = reasons(pool);
  const controller = new AbortController();
  const stream = await pool.call('stuckAt', [1], { signal: controller.signal });
  const read = failure(stream.getReader().read());
  controller.abort(new Error('enough'));
  expect(await read).toBe(controller.signal.reason);
  expect(await readAll(await pool.run.count(1))).toEqual([1]);
  expect(why).toEqual(['aborted']);
});

test('a thread that dies, and a pool that is closed, end the stream with the reason', async () => {
  const pool = await streams();
  const [one, error] = await readAll(await pool.run.crashAt(2));
  expect(one).toBe(1);
  expect(error).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
  const reader = (await pool.run.count(3)).getReader();
  expect(await reader.read()).toEqual({ done: false, value: 1 });
  await pool.close({ timeoutMillis: 1 });
  expect(await failure(reader.read())).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
});

test('in a loan, further calls of the borrower wait for the end of the stream', async () => {
  const pool = await streams();
  const seen = await pool.use(async (worker) => {
    const stream = await worker.run.count(2);
    const after = worker.run.leftCount();
    return [await readAll(stream), await after];
  });
  expect(seen).toEqual([[1, 2], 1]);
  await atRest(pool);
});

test('on a shared thread, instances give their streams beside each other', async () => {
  const pool = await streams({ max: 3, threads: 1 });
  const all = await Promise.all([3, 2, 4].map((to) => pool.run.count(to)));
  expect(await Promise.all(all.map(readAll))).toEqual([
    [1, 2, 3],
    [1, 2],
    [1, 2, 3, 4],
  ]);
  await atRest(pool);
});
