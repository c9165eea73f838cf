import type { AcquireOptions, Pool, PoolStats } from '@wasm-pool/core';
import type { WasmInstance } from '../instance/wasm-instance.js';

/** How one acquire waits, and what its loan is for: its `context` stands in `instance.context`. */
export type WasmAcquireOptions<Context = unknown> = AcquireOptions<Context>;

/** `WasmPool.stats()`: what core's pool counts, and what only instances have. */
export interface WasmPoolStats extends PoolStats {
  /** The size of the memories of all instances together, in bytes. */
  readonly memoryBytes: number;
  /** How often an instance was restored between two loans. */
  readonly restores: number;
  /**
   * Calls from code that goes on outside of its loan, and finalizers of an earlier life: a loader's
   * timers, its late promises. None of them was made.
   */
  readonly strayCalls: number;
  /** Why instances could not be restored, and how many each time: `{ 'memory 0 grew': 3 }`. */
  readonly unrestorableBy: Readonly<Record<string, number>>;
}

/**
 * A pool of instances of one module: core's `Pool`. An instance can be called while it is on loan,
 * and only then, and `instance.context` is what its borrower gave as `context`.
 *
 * An instance whose borrower threw is kept, unless the error passed through wasm. The `value` of a
 * lease, and everything kept of its exports, throws once the lease has ended, even after the instance
 * was lent to someone else.
 */
export interface WasmPool<Exports = WebAssembly.Exports, Context = unknown>
  extends Pool<WasmInstance<Exports, Context>, Context> {
  /** The compiled module, as its author wrote it; of a component, its first core module. */
  readonly module: WebAssembly.Module;

  /**
   * With `reset: 'restore'`, why no instance of this module can be put back exactly as it was, so
   * that each is replaced instead; empty where it can.
   */
  readonly restoreBlockers: readonly string[];

  /** As `Pool.stats`, and what only instances have. */
  stats(): WasmPoolStats;

  /** @deprecated The former name of `restoreBlockers`, for code that was written for it. */
  readonly obstacles: readonly string[];
}
