import type { TakeOptions } from './acquire-options.js';
import type { AcquireTimeoutError } from './errors.js';
import type { DestroyReason, Factory } from './factory.js';
import type { Pool } from './pool.js';
import type { PoolState } from './state.js';

/**
 * What a package that builds on core can have its factory do, beyond a `Factory`.
 *
 * @typeParam Lent what a borrower gets in a resource's place; default: the resource
 */
export interface AdapterFactory<T, Lent = T, Context = unknown> extends Factory<T, Context> {
  /**
   * Asked before each creation, also those for `min`; false puts it off. The acquire that needs it
   * goes on waiting, for a return or for `fill`. A throw is a failed creation.
   */
  canCreate?(): boolean;

  /**
   * What the borrower gets in the resource's place, for one loan. Called after `lend`. The factory
   * ends it in `recycle` and `destroy`. The function given to `useSync` gets the resource itself.
   */
  view?(resource: T): Lent;

  /** The resource behind what `view` gave; undefined for anything else. A factory with `view` has it. */
  viewed?(lent: Lent): T | undefined;

  /** What a lease's `value` is, in place of what `view` gave. It should hold on to the lease. */
  leaseView?(resource: T, lease: { readonly value: Lent }): Lent;

  /** The error that an acquire which timed out rejects with, in place of `error`. */
  timedOut?(error: AcquireTimeoutError): Error;

  /** How much memory a resource takes, in bytes. */
  bytes?(resource: T): number;

  /** The pool is closed: nothing more is asked of the factory. */
  closed?(): void;
}

/** A pool as the package sees whose factory made it: `Pool`, and what serves that package alone. */
export interface AdapterPool<T, Lent = T, Context = unknown> extends Pool<Lent, Context, T> {
  /** The idle resource that `evict` would take first. */
  readonly oldestIdle: T | undefined;

  /** As `tryAcquire`, but lends the resource itself, to the adapter: neither `lend` nor `view` is called. */
  tryTake(): T | undefined;

  /** As `acquire`, but lends the resource itself, also from `handOff`. It is returned with `giveBack`. */
  take(options?: TakeOptions): Promise<T>;

  /** Ends a loan that `take` or `tryTake` began. Throws a `NotBorrowedError` when there is none. */
  giveBack(resource: T): void;

  /**
   * Ends a loan by lending the resource to the next waiter, if that is a `take`: at once, and without
   * asking the factory whether it is fit. It returns false, and the loan goes on, if no `take` is
   * next or the resource is used up (`maxUses`, `maxAgeMillis`). Throws a `NotBorrowedError` when it
   * is not on loan.
   */
  handOff(resource: T): boolean;

  /**
   * Takes back the last `count` loans that `handOff` began of a resource on loan, and whose borrowers
   * have not used it: they count neither for `maxUses` nor in `stats().acquired`.
   */
  undoHandOff(resource: T, count: number): void;

  /**
   * Destroys a resource that is idle, of which the factory knows that it is not fit any more. Returns
   * false, and leaves it as it is, where it is not idle.
   */
  discardIdle(resource: T, reason: DestroyReason, cause?: unknown): boolean;

  /** The counters of now. */
  state(): PoolState;

  /** Tries again the creations that the factory's `canCreate` put off. */
  fill(): void;

  /**
   * Starts creating up to `count` more resources (default 1), within `max`, and returns how many it
   * started, without waiting for them: fewer where `canCreate` puts them off, none before `start` or
   * while the pool drains. A creation that fails emits `factoryCreateError`. Throws an `OptionError`
   * when `count` is not a whole number of at least 0.
   */
  grow(count?: number): number;
}
