import { aReason, inspectValue } from './check-options.js';

/** Registered, so that an answer is known in both forms of the package: `import` and `require`. */
const brand = Symbol.for('wasm-pool.unfit');

/** An answer of `validate`, `recycle` or an evict policy: destroy the resource, for that reason. */
export class Unfit {
  readonly reason: string;
  readonly cause: unknown;
  readonly [brand] = true;

  static [Symbol.hasInstance](value: unknown): value is Unfit {
    return typeof value === 'object' && value !== null && brand in value;
  }

  /** Use `unfit`. */
  constructor(reason: string, cause: unknown) {
    this.reason = reason;
    this.cause = cause;
  }
}

/**
 * The answer of a factory's `validate` or `recycle`, or of an evict policy, that has a resource
 * destroyed for a reason: `return unfit('memory')`. The reason is given to the factory's `destroy`
 * and to the `destroy` event, and `stats().destroyedBy` counts by it: it should be one of a few words,
 * without numbers. The event has the `cause` too, if one is given: an error, say. Throws a TypeError when `reason` is not a string, or empty.
 */
export function unfit(reason: string, cause?: unknown): Unfit {
  if (!aReason.test(reason)) {
    throw new TypeError(`unfit: reason is ${inspectValue(reason)}; accepted: ${aReason.accepts}`);
  }
  return new Unfit(reason, cause);
}
