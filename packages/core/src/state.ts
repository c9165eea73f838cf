import type { WaitStats } from './wait-statistics.js';

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
  readonly waits: WaitStats;
  /** `leak` events. */
  readonly leaks: number;
}
