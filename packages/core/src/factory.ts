import type { CreateOptions } from './creation.js';

/**
 * What a factory says about a resource: `false`, destroy it; what `unfit('memory')` gives, destroy it
 * for that reason; anything else, keep it, as in generic-pool: Redis's `ping` answers `'PONG'`.
 */
export type Verdict = unknown;

/**
 * Why a resource was destroyed.
 *
 * - `idle`, `softIdle`: idle for longer than `idleTimeoutMillis`, or `softIdleTimeoutMillis`
 * - `uses`, `age`: reached `maxUses`, or `maxAgeMillis`
 * - `invalid`: `validate` returned false, threw or timed out
 * - `unfit`: `recycle` returned false, threw or timed out
 * - `threw`: its borrower threw, and the factory has no `recycle` to say that it is still fit
 * - `borrower`: by `pool.destroy()`, or a lease's
 * - `burst`: beyond `max`, and no urgent borrower waits for it any more
 * - `leak`: its lease was dropped without being returned
 * - `evicted`: by `pool.evict()`
 * - `clear`, `close`, `replaced`, `resized`: by `pool.clear()`, `close()`, `replace()` or `resize()`
 * - `late`: its `create` finished after `createTimeoutMillis`
 *
 * An evict policy, `validate` and `recycle` can give any other reason, with `unfit`.
 */
export type DestroyReason =
  | 'idle'
  | 'softIdle'
  | 'uses'
  | 'age'
  | 'invalid'
  | 'unfit'
  | 'threw'
  | 'borrower'
  | 'burst'
  | 'leak'
  | 'evicted'
  | 'clear'
  | 'close'
  | 'replaced'
  | 'resized'
  | 'late'
  | (string & {});

/**
 * Makes and judges the resources of a pool. `T` is anything but `undefined`.
 *
 * @typeParam Context what a borrower may give along with `{ context }`
 */
export interface Factory<T, Context = unknown> {
  /**
   * Makes a resource that the pool does not hold yet. A throw, a rejection, or taking longer than
   * `createTimeoutMillis` is a failed creation: see `propagateCreateError`. The `signal` of its
   * options is aborted when the creation takes too long, and when nobody needs the resource any more;
   * a creation that then fails counts as no failure.
   */
  create(options: CreateOptions): T | PromiseLike<T>;

  /**
   * Takes a resource out of service; a promise that it returns is watched. Its slot is free once that
   * settles, or at once with `countDestroying: false`; a throw, a rejection, or taking longer than `destroyTimeoutMillis` is told by
   * `factoryDestroyError`.
   */
  destroy(resource: T, reason: DestroyReason): unknown;

  /**
   * Asked about an idle or returned resource before it is lent, when `testOnBorrow` is on. (One
   * that was made for its borrower is lent as it is.) A throw, a rejection, or taking longer than
   * `createTimeoutMillis` counts as `false`.
   */
  validate?(resource: T): Verdict;

  /**
   * Called when a loan begins, before its borrower has the resource, with the `context` of the
   * acquire's options. It is synchronous. A throw destroys the resource, for the reason `unfit`, and
   * the acquire rejects with it. The loan ends with `recycle`, or with `destroy`.
   */
  lend?(resource: T, context: Context | undefined): void;

  /**
   * Asked about each returned resource, with what its borrower threw where `use` or `useSync` saw
   * it throw. Faults count as with `validate`. It runs in the background; only the next borrower waits for it.
   */
  recycle?(resource: T, error?: unknown): Verdict;
}
