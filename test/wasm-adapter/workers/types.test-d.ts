// Checked by `tsc -b`, never run: each `@ts-expect-error` fails to compile once its line compiles.

import { Worker } from 'node:worker_threads';
import {
  createWasmWorkerPool,
  type ExportCalls,
  serveTasks,
  type TaskCalls,
  type WasmInstance,
  type WasmWorker,
  type WasmWorkerPool,
  type WorkerInfo,
} from '@wasm-pool/wasm-adapter';
import type { Guest } from './guest.js';

type Equal<A, B> =
  (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
const is = <_ extends true>() => {};

type Tasks = typeof import('./tasks/tasks.js');
declare const src: Uint8Array<ArrayBuffer>;
declare const module: URL;

export async function tasks() {
  const pool = await createWasmWorkerPool<Tasks>(src, { module });
  is<Equal<typeof pool.run.sum, (a: number, b: number) => Promise<number>>>();
  is<Equal<typeof pool.run.sumLater, (a: number, b: number) => Promise<number>>>();
  is<Equal<typeof pool.run.never, () => Promise<never>>>();
  is<Equal<typeof pool.run.size, (bytes: Uint8Array) => Promise<number>>>();

  // What the tasks take their instance for has these exports.
  is<Equal<typeof pool.run.add, (a: number, b: number) => Promise<number>>>();
  is<Equal<typeof pool.run.long, () => Promise<bigint>>>();

  const sum = await pool.run.sum(1, 2);
  is<Equal<typeof sum, number>>();
  const called = pool.call('sumLater', [1, 2], { callTimeoutMillis: 5, priority: 0 });
  is<Equal<typeof called, Promise<number>>>();
  const borrowed = await pool.use((lent) => lent.call('peek', [5], {}));
  is<Equal<typeof borrowed, number>>();
  const worker = await pool.acquire({ context: 5, priority: 1 });
  is<Equal<typeof worker.run, typeof pool.run>>();
  pool.on('destroy', (it, reason) => {
    is<Equal<typeof it, WorkerInfo>>();
    reason.toUpperCase();
  });
  await pool.release(worker);
  const tried = pool.tryAcquire();
  is<Equal<typeof tried, WasmWorker<typeof pool.run> | undefined>>();
  await using lease = await pool.lease();
  is<Equal<typeof lease.value, WasmWorker<typeof pool.run>>>();
}

export async function results(
  calls: TaskCalls<{
    count(it: object): AsyncGenerator<number>;
    later(it: object): Promise<ReadableStream<string>>;
  }>,
) {
  is<Equal<ReturnType<typeof calls.count>, Promise<ReadableStream<number>>>>();
  is<Equal<ReturnType<typeof calls.later>, Promise<ReadableStream<string>>>>();
}

interface Image {
  decode(at: number): number;
}
interface Text {
  parse(at: number): number;
}
declare const several: {
  imports: object;
  onCreate(instance: WasmInstance): void;
  default: () => void;
  version: string;
  decode(instance: WasmInstance<Image>, at: string): string[];
  parseAll(instance: WasmInstance<Text>, ...at: number[]): Promise<number>;
  anything(instance: WasmInstance, optional?: number): void;
  loose(instance: object): void;
  alone(): number;
};

export async function manyTasks() {
  const pool = await createWasmWorkerPool<typeof several>(src, { module });
  is<
    Equal<keyof typeof pool.run, 'decode' | 'parseAll' | 'anything' | 'loose' | 'alone' | 'parse'>
  >();
  is<Equal<typeof pool.run.decode, (at: string) => Promise<string[]>>>(); // the task, not the export
  is<Equal<typeof pool.run.parseAll, (...at: number[]) => Promise<number>>>();
  is<Equal<typeof pool.run.anything, (optional?: number) => Promise<void>>>();
  is<Equal<typeof pool.run.parse, (at: number) => Promise<number>>>();
  is<Equal<TaskCalls<typeof several>['alone'], () => Promise<number>>>();

  const other = await createWasmWorkerPool<typeof several, Guest>(src, { module });
  is<Equal<typeof other.run.add, (a: number, b: number) => Promise<number>>>();
  // @ts-expect-error those were said to be the exports
  other.run.parse(1);
}

export async function withoutModule() {
  const pool = await createWasmWorkerPool<Guest, { user: string }>(src, { max: 2 });
  is<Equal<typeof pool, WasmWorkerPool<ExportCalls<Guest>, { user: string }>>>();
  is<Equal<typeof pool.run.peek, (at: number) => Promise<number>>>();
  await pool.call('peek', [1], { context: { user: 'Ada' } });
  // @ts-expect-error the context is another
  await pool.call('peek', [1], { context: 5 });
  // @ts-expect-error so in a loan
  await pool.use(() => {}, { context: 5 });
  // @ts-expect-error a memory cannot be called
  pool.run.memory();
}

export async function ownWorker() {
  const pool = await createWasmWorkerPool<Tasks>(src, {
    worker: (options) => new Worker('', options),
  });
  await pool.run.sum(1, 2);
  serveTasks(several);
  serveTasks(() => import('./tasks/tasks.js'));
  // @ts-expect-error a URL is for the `worker` option
  serveTasks('./tasks.js');
  // @ts-expect-error starts nothing
  await createWasmWorkerPool<Tasks>(src, { worker: () => 5 });
}

export async function wrongUses() {
  const pool = await createWasmWorkerPool<Tasks>(src, { module });
  // @ts-expect-error no such task
  pool.run.sun(1, 2);
  // @ts-expect-error not a function
  pool.run.notATask();
  // @ts-expect-error the instance is not its caller's to give
  pool.run.sum({}, 1, 2);
  // @ts-expect-error too few arguments
  pool.run.sum(1);
  // @ts-expect-error an argument of another kind
  pool.run.sum(1, '2');
  // @ts-expect-error no such task
  pool.call('sun', [1, 2]);
  // @ts-expect-error arguments are an array
  pool.call('sum', 1, 2);
  // @ts-expect-error too few of them
  pool.call('sum', [1]);
  // @ts-expect-error no such option
  pool.call('sum', [1, 2], { timeout: 5 });
  // @ts-expect-error a call is aborted by its signal, and so is the wait for it
  pool.call('sum', [1, 2], { signal: new AbortController() });
  // @ts-expect-error a loan has its context and priority already
  pool.use((worker) => worker.call('sum', [1, 2], { priority: 0 }));
  // @ts-expect-error the result is a promise
  pool.run.sum(1, 2).toFixed();
  // @ts-expect-error methods are read-only
  pool.run.sum = async () => 5;
  // @ts-expect-error a worker of no pool
  pool.release({});
  // @ts-expect-error there is nothing synchronous about another thread
  pool.useSync(() => {});
  // @ts-expect-error functions are for the module to export
  await createWasmWorkerPool<Tasks>(src, { module, imports: {} });
  // @ts-expect-error so is a function that gives wasi's options
  await createWasmWorkerPool<Tasks>(src, { module, wasi: () => true });
  // @ts-expect-error no such option
  await createWasmWorkerPool<Tasks>(src, { module, workers: 5 });
}
