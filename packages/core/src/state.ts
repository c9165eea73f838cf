import type { TimeStats } from './durations.js';

/** A pool's counters. Plain data: it can be logged, posted or turned into JSON. */
export interface PoolState {
  /** The pool's `name` option. */
  readonly name: string;
  /** The `max` option; 0: no limit. */
  readonly max: number;
  /** The `min` option. */
  readonly min: number;
  /** Resources that exist, plus those being created. */
  readonly size: number;
  /** Idle resources. */
  readonly available: number;
  /** Resources on loan. */
  readonly borrowed: number;
  /** Acquires that wait. */
  readonly pending: number;
  /** Creations under way. */
  readonly creating: number;
}

/** `pool.stats()`: the counters of now, and totals since the pool was made. */
export interface PoolStats extends PoolState {
  /** Whether it lends nothing any more: it is draining, or closed. */
  readonly draining: boolean;
  /** Destructions under way. */
  readonly destroying: number;
  /** Loans made. */
  readonly acquired: number;
  /** Resources created. Those that still exist are `created - destroyed`. */
  readonly created: number;
  /** Resources destroyed. */
  readonly destroyed: number;
  /** How many of them for which reason. */
  readonly destroyedBy: Readonly<Record<string, number>>;
  /** Creations that failed. */
  readonly createErrors: number;
  /** Destructions that failed. */
  readonly destroyErrors: number;
  /** Acquires that timed out. */
  readonly timeouts: number;
  /** Acquires that their signal ended while they waited. */
  readonly aborted: number;
  /** Acquires that were rejected at once: the queue was full, or the pool draining or closed. */
  readonly refused: number;
  /** Acquires that had to wait, however that ended. Times are as of the turn of the event loop. */
  readonly waits: TimeStats;
  /**
   * Loans that were timed and are over: those that had to be waited for; and all of them while
   * `leakDetectionMillis` is set, or somebody listens to the channel `wasm-pool:release`. Lending an idle
   * resource reads no clock otherwise.
   */
  readonly loans: TimeStats;
  /** Creations that are over, failed ones included. */
  readonly creations: TimeStats;
  /** Creations that have failed since one worked. Above 0, creation keeps failing. */
  readonly createErrorsInARow: number;
  /** `leak` events. */
  readonly leaks: number;
  /** What the resources take together, in bytes, where the factory can tell: WebAssembly memory. */
  readonly memoryBytes?: number;
}
