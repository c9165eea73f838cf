import { errors } from '../vendor/generic-pool.js';

/** generic-pool's text, with the `code` that the same error of `@wasm-pool/core` has. */
export function errorWithCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** generic-pool's error of an acquire that waited too long. */
export class TimeoutError extends errors.TimeoutError {
  /** `ERR_POOL_ACQUIRE_TIMEOUT`, as that of `@wasm-pool/core`. */
  readonly code = 'ERR_POOL_ACQUIRE_TIMEOUT';

  /** @param cause what the last creation failed with, if the last one did */
  constructor(message: string, cause: unknown) {
    super(message);
    if (cause !== undefined) {
      Object.defineProperty(this, 'cause', { value: cause, configurable: true, writable: true });
    }
  }
}
