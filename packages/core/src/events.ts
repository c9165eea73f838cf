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
  /** A resource was created; it has not been lent yet. */
  create: [resource: T];
  /**
   * A resource was handed to the factory's `destroy`, which may still be at work. `cause`: what the
   * borrower, `validate` or `recycle` threw, where that is the reason.
   */
  destroy: [resource: T, reason: DestroyReason, cause?: unknown];
  /** A creation failed, whoever it was for; where somebody waited for it, they are rejected, too. */
  factoryCreateError: [error: CreateError];
  /** The factory's `destroy` threw, rejected or took too long. */
  factoryDestroyError: [error: DestroyError];
  /** A loan lasts too long, or its lease was lost. */
  leak: [resource: T, leak: Leak];
}
