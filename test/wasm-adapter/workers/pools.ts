import type { Worker } from 'node:worker_threads';
import {
  createWasmWorkerPool,
  type WasmWorkerPoolOptions,
  type WorkerInfo,
} from '@wasm-pool/wasm-adapter';
import { onTestFinished } from 'vitest';
import { guest } from './guest.js';

export type Tasks = typeof import('./tasks/tasks.js');

/** The URL of a module of tasks beside these tests. */
export const tasks = (name = 'tasks.ts') => new URL(`./tasks/${name}`, import.meta.url);

/** The URL of a module with that text. */
export const inline = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;

/** A pool of `guest` with `tasks.ts`; one thread, unless the options say otherwise. */
export async function workerPool(options: Omit<WasmWorkerPoolOptions, 'module' | 'worker'> = {}) {
  const pool = await createWasmWorkerPool<Tasks>(guest, { module: tasks(), max: 1, ...options });
  onTestFinished(() => pool.close({ timeoutMillis: 1 }));
  return pool;
}

/** Has a worker make so many short calls that those to come travel to it in batches. */
export async function warmUp(worker: {
  readonly run: { sum(a: number, b: number): Promise<number> };
}): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 50 }, () => worker.run.sum(1, 2)));
  }
}

/** Lends a worker to which what waits when it is returned will travel at once. */
export async function lentWarm<Worker extends Parameters<typeof warmUp>[0]>(pool: {
  acquire(): Promise<Worker>;
}): Promise<Worker> {
  const worker = await pool.acquire();
  await warmUp(worker);
  return worker;
}

/** Tells a task when to go on, and the test that it has begun. */
export class Gate {
  readonly words = new Int32Array(new SharedArrayBuffer(8));

  /** How many tasks have begun. */
  get begun(): number {
    return Atomics.load(this.words, 0);
  }

  /** Resolves once that many have. */
  async until(count = 1): Promise<void> {
    for (let begun = this.begun; begun < count; begun = this.begun) {
      await Atomics.waitAsync(this.words, 0, begun).value;
    }
  }

  open(): void {
    Atomics.store(this.words, 1, 1);
    Atomics.notify(this.words, 1);
  }
}

/** Why workers were destroyed, in order. */
export function reasons(pool: {
  on(event: 'destroy', listener: (worker: WorkerInfo, reason: string) => void): unknown;
}): string[] {
  const seen: string[] = [];
  pool.on('destroy', (_, reason) => seen.push(reason));
  return seen;
}

const threads = new Set<Worker>();
process.on('worker', (worker: Worker) => {
  threads.add(worker);
  worker.on('exit', () => threads.delete(worker));
});

/** How many threads there are. */
export const threadCount = () => threads.size;

/** Waits until it is so; fails by the test's own time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Waits until nothing is lent or made, nobody waits, and what exists is idle. */
export async function atRest(pool: {
  readonly size: number;
  readonly available: number;
  readonly pending: number;
}): Promise<void> {
  await until(() => pool.pending === 0 && pool.size === pool.available);
}
