import type { CreateError, DestroyError } from './errors.js';
import type { DestroyReason } from './factory.js';

/** What a `leak` event tells of a loan. */
export interface Leak {
  /** `held`: longer on loan than `leakDetectionMillis`; `lost`: its lease was garbage collected. */
  readonly kind: 'held' | 'lost';
  /** Stack of the acquire; undefined while `leakDetectionMillis` is 0. */
  readonly acquiredAt: string | undefined;
}

/** A pool's events and their listeners' arguments. */
export interface PoolEvents<T> {
  create: [resource: T];
  /** `cause`: what the borrower, `validate` or `recycle` threw, where that is the reason. */
  destroy: [resource: T, reason: DestroyReason, cause?: unknown];
  factoryCreateError: [error: CreateError];
  factoryDestroyError: [error: DestroyError];
  leak: [resource: T, leak: Leak];
}
