import type { AcquireOptions, LoanOptions } from './acquire-options.js';
import type { EntryState } from './entry.js';
import type { PoolEvents } from './events.js';
import type { DestroyReason } from './factory.js';
import type { Lease } from './lease.js';
import type { PoolStats } from './state.js';

/** What a function given to `useSync` may return: anything but a promise. */
export type Sync<R> = R extends PromiseLike<unknown> ? never : R;

/** Options of `close`. */
export interface CloseOptions {
  /**
   * How long to wait for resources on loan, or in the factory's hands, before they are destroyed
   * all the same; absent, 0 or Infinity: as long as it takes.
   */
  timeoutMillis?: number | undefined;
}

/** What `resize` takes. */
export interface Limits {
  /** The most resources at once; 0 or Infinity: no limit. Absent: as it is. */
  max?: number | undefined;
  /** Resources to keep at all times. Absent: as it is. */
  min?: number | undefined;
}

/** A resource, as `inspect` sees it. */
export interface InspectedResource<T> {
  readonly resource: T;
  /** `checking`: `validate` or `recycle` has it. */
  readonly state: EntryState;
  /** Time since it was created. */
  readonly ageMillis: number;
  /** How often it was lent. */
  readonly uses: number;
  /** Time for which the evictor has seen it idle; 0 while it is not. */
  readonly idleMillis: number;
  /** Time on loan so far; undefined where it is not borrowed, or the loan not timed: see `PoolStats.loans`. */
  readonly borrowedMillis: number | undefined;
  /** Stack of the acquire, while it is borrowed and `leakDetectionMillis` is set. */
  readonly acquiredAt: string | undefined;
  /** The memory that it takes, where the factory can tell. */
  readonly bytes: number | undefined;
}

/**
 * Lends resources that a factory makes, each to one borrower at a time.
 *
 * @typeParam T what is lent
 * @typeParam Context what a borrower may give along with `{ context }`
 * @typeParam Seen what events show of a resource
 */
export interface Pool<T, Context = unknown, Seen = T> extends AsyncDisposable {
  /**
   * Lends a resource: at once when one is idle, or else when one is returned or created. The
   * borrower has to give it back with `release` or `destroy`.
   *
   * Rejects with the signal's reason, `AcquireTimeoutError`, `QueueFullError`, `PoolClosedError`,
   * `CreateError` when the creation for it failed, or an `OptionError`.
   */
  acquire(options?: number | AcquireOptions<Context>): Promise<T>;

  /**
   * Lends an idle resource, or gives undefined when nothing can be lent this instant: none is idle,
   * somebody waits, `validate` needs time, or the pool is draining or closed.
   */
  tryAcquire(options?: LoanOptions<Context>): T | undefined;

  /**
   * Takes a resource back. Resolves once it is the pool's again (`recycle` may still be at work);
   * rejects with a `NotBorrowedError`, which it is safe to ignore, when it is not on loan.
   */
  release(resource: T): Promise<void>;

  /**
   * Destroys a resource: one that is on loan, and also one that is idle or that `validate` or `recycle`
   * has, for resources that say themselves that they died. Resolves and rejects as `release` does.
   */
  destroy(resource: T): Promise<void>;

  /** Lends as `acquire` does, as a lease: `await using lease = await pool.lease()`. */
  lease(options?: number | AcquireOptions<Context>): Promise<Lease<T>>;

  /**
   * Lends a resource to `fn` until it returns or its promise settles, and gives on its result. After
   * a throw the resource is destroyed, unless the factory's `recycle` finds it fit.
   *
   * Rejects with what `fn` threw, or as `acquire` does.
   */
  use<R>(fn: (resource: T) => R, options?: number | AcquireOptions<Context>): Promise<Awaited<R>>;

  /**
   * Lends an idle resource to `fn` for the length of its call, without a promise. Throws what `fn`
   * throws; `PoolEmptyError` where `tryAcquire` would give undefined; `PoolClosedError`; and a
   * TypeError, with the resource destroyed, when `fn` returned a promise, which is then ignored.
   */
  useSync<R>(fn: (resource: T) => Sync<R>, options?: LoanOptions<Context>): R;

  /** Makes `min` resources and starts evicting; nothing when that is done. See `autostart`. */
  start(): void;

  /**
   * Resolves once `count` resources exist, creating what lacks; default: `min`. Rejects with the
   * `CreateError` of a creation that failed before, `PoolClosedError`, or an `OptionError`. Where `resize` lowers
   * `max` below `count` meanwhile, `max` resources are enough. Of a
   * pool that is not started it waits for that.
   */
  ready(count?: number): Promise<void>;

  /**
   * Destroys up to `count` idle resources (default 1), those first that are idle longest, and returns
   * how many; `reason` defaults to `evicted`. Throws an `OptionError` when `count` is not a whole
   * number of at least 0, or Infinity.
   */
  evict(count?: number, reason?: DestroyReason): number;

  /** Stops lending, but serves those who wait. Resolves when all is returned; the idle ones stay. */
  drain(): Promise<void>;

  /**
   * Retires every resource that there is: idle ones are destroyed now, those on loan when they are
   * returned, those being created when they are made. For a failover, or new certificates: what is lent
   * from now on was made from now on.
   */
  replace(): void;

  /**
   * As `replace`, and resolves once the creations under way are over and the idle resources are
   * destroyed. `min` is then made anew.
   */
  clear(): Promise<void>;

  /**
   * Changes `max` and `min`. Where there are more resources than the new `max`, idle ones are destroyed
   * now and others when they are returned, for the reason `resized`. Throws an `OptionError`.
   */
  resize(limits: Limits): void;

  /**
   * Stops lending; who waits gets a `PoolClosedError`. Resolves once all is returned and destroyed,
   * or destroyed after `timeoutMillis`; then no timer of the pool is left. A further call gives the
   * same end, and can bring it forward. Rejects only with an `OptionError`.
   */
  close(options?: CloseOptions): Promise<void>;

  /** `close()`, without a timeout: the end of `await using pool` waits for every loan to end. */
  [Symbol.asyncDispose](): Promise<void>;

  /** The counters of now and totals, as plain data. */
  stats(): PoolStats;

  /** The resources that there are, with what the pool knows of each. */
  inspect(): InspectedResource<Seen>[];

  /** Whether `resource` is on loan. */
  isBorrowedResource(resource: T): boolean;

  /** Resources that exist, plus those being created. */
  readonly size: number;
  /** Idle resources. */
  readonly available: number;
  /** Resources on loan. */
  readonly borrowed: number;
  /** Acquires that wait. */
  readonly pending: number;
  /** The `max` option; 0: no limit. */
  readonly max: number;
  /** The `min` option. */
  readonly min: number;
  /** How many more resources could be created; Infinity where there is no limit. */
  readonly spareResourceCapacity: number;

  /** Calls `listener` on each `event`. What it throws becomes an uncaught exception. */
  on<E extends keyof PoolEvents<Seen>>(
    event: E,
    listener: (...args: PoolEvents<Seen>[E]) => void,
  ): this;
  /** The same for the next one only. */
  once<E extends keyof PoolEvents<Seen>>(
    event: E,
    listener: (...args: PoolEvents<Seen>[E]) => void,
  ): this;
  /** Stops calling `listener`. */
  off<E extends keyof PoolEvents<Seen>>(
    event: E,
    listener: (...args: PoolEvents<Seen>[E]) => void,
  ): this;
}
