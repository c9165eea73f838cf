import { type AnswerOptions, setAnswer } from '../http-answer.js';
import { errors } from '../vendor/generic-pool.js';

/** generic-pool's text, with the `code` and answer that the same error of `@wasm-pool/core` has. */
export function errorWithCode(code: string, message: string, answer: AnswerOptions = {}): Error {
  const error = Object.assign(new Error(message), { code });
  setAnswer(error, answer);
  return error;
}

/** generic-pool's error of an acquire that waited too long. */
export class TimeoutError extends errors.TimeoutError {
  /** `ERR_POOL_ACQUIRE_TIMEOUT`, as that of `@wasm-pool/core`. */
  readonly code = 'ERR_POOL_ACQUIRE_TIMEOUT';

  /** @param cause what the last creation failed with, if the last one did */
  constructor(message: string, cause: unknown) {
    super(message);
    setAnswer(this, { statusCode: 503, retryable: true });
    if (cause !== undefined) {
      Object.defineProperty(this, 'cause', { value: cause, configurable: true, writable: true });
    }
  }
}
