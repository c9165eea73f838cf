/**
 * A pool of any resource, over generic-pool.
 *
 * @module
 */
export type { AcquireOptions, LoanOptions } from './acquire-options.js';
export { OptionError } from './check-options.js';
export { createPool } from './create-pool.js';
export type { CreateOptions } from './creation.js';
export type { TimeStats } from './durations.js';
export type { EntryState } from './entry.js';
export {
  AcquireTimeoutError,
  CreateError,
  DestroyError,
  FactoryTimeoutError,
  NotBorrowedError,
  PoolClosedError,
  PoolEmptyError,
  PoolError,
  type PoolErrorCode,
  QueueFullError,
} from './errors.js';
export type { Leak, PoolEvents } from './events.js';
export type { EvictCandidate, EvictPolicy } from './evictor.js';
export type { DestroyReason, Factory, Verdict } from './factory.js';
export type { HttpAnswer } from './http-answer.js';
export type { Lease } from './lease.js';
export type { PoolOptions } from './options.js';
export type { CloseOptions, InspectedResource, Limits, Pool, Sync } from './pool.js';
export type { PoolState, PoolStats } from './state.js';
export { type Unfit, unfit } from './unfit.js';
