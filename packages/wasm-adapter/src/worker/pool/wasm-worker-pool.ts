import type { Pool, PoolStats, TimeStats } from '@wasm-pool/core';
import type { WorkerInfo } from '../host/pooled-worker.js';
import type { ArgumentsOf, ResultOf, WasmWorker, WorkerCallOptions } from './wasm-worker.js';

/** `WasmWorkerPool.stats()`. */
export interface WasmWorkerPoolStats extends PoolStats {
  /** The size of the memories of all instances when each answered last, together, in bytes. */
  readonly memoryBytes: number;
  /** Threads that exist, those included that are being ended and are not gone yet. */
  readonly threads: number;
  /** Threads that are being ended and are not gone yet. One that does not end keeps its place. */
  readonly threadsEnding: number;
  /** Calls that threads have begun and that are over; how long each took, until its answer was here. */
  readonly runs: TimeStats;
  /**
   * How much of their time the instances have had a call that is over by now, from 0 to 1. Near 1, calls
   * wait for threads: see `waits`. On a shared thread, a call that waits counts too.
   */
  readonly utilization: number;
}

/**
 * A pool of instances of one module on threads, by default each on one of its own: for CPU-bound
 * guests, and for guests that may never return. `destroy` ends a worker's thread, with whatever runs on it; `close`
 * also gives up the workers that are being made. A worker whose borrower threw is kept if its
 * instance is fit.
 */
export interface WasmWorkerPool<Calls = object, Context = unknown>
  extends Omit<Pool<WasmWorker<Calls>, Context, WorkerInfo>, 'useSync' | 'stats'> {
  /** The compiled module, as its author wrote it; of a component, its first core module. */
  readonly module: WebAssembly.Module;

  /** As `WasmPool.restoreBlockers`. */
  readonly restoreBlockers: readonly string[];

  /**
   * The tasks of `module` and the function exports of its instances, as methods: each call is run on
   * the first worker that is free, in order of arrival. It rejects as a call of a lent worker does, or
   * as `Pool.acquire`.
   */
  readonly run: Calls;

  /** As `Pool.stats`, with the threads. */
  stats(): WasmWorkerPoolStats;

  /** Calls one of the methods of `run`, with options. Rejects with an `OptionError` too. */
  call<Name extends keyof Calls & string>(
    name: Name,
    args: ArgumentsOf<Calls[Name]>,
    options?: WorkerCallOptions<Context>,
  ): ResultOf<Calls[Name]>;
}
