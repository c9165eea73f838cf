import { type AnswerOptions, answerOf, type HttpAnswer, setAnswer } from './http-answer.js';
import type { PoolState } from './state.js';

/** The codes of a pool's errors: the same in every version. */
export type PoolErrorCode =
  | 'ERR_POOL_ACQUIRE_TIMEOUT'
  | 'ERR_POOL_CLOSED'
  | 'ERR_POOL_CREATE'
  | 'ERR_POOL_DESTROY'
  | 'ERR_POOL_EMPTY'
  | 'ERR_POOL_FACTORY_TIMEOUT'
  | 'ERR_POOL_NOT_BORROWED'
  | 'ERR_POOL_QUEUE_FULL';

/** What the classes are called: bundlers rename the classes themselves. */
const names: Readonly<Record<PoolErrorCode, string>> = {
  ERR_POOL_ACQUIRE_TIMEOUT: 'AcquireTimeoutError',
  ERR_POOL_CLOSED: 'PoolClosedError',
  ERR_POOL_CREATE: 'CreateError',
  ERR_POOL_DESTROY: 'DestroyError',
  ERR_POOL_EMPTY: 'PoolEmptyError',
  ERR_POOL_FACTORY_TIMEOUT: 'FactoryTimeoutError',
  ERR_POOL_NOT_BORROWED: 'NotBorrowedError',
  ERR_POOL_QUEUE_FULL: 'QueueFullError',
};

/**
 * Any error of a pool. `code` is stable; `message` names the pool and its counters at that time. A web
 * framework reads what to answer of it: see `HttpAnswer`. A bad option is an `OptionError`, which is a
 * TypeError instead: there may be no pool yet.
 */
export class PoolError extends Error implements HttpAnswer {
  declare readonly statusCode: number;
  declare readonly retryable: boolean;
  declare readonly retryAfterMillis?: number;
  declare readonly headers: Readonly<Record<string, string>>;
  declare readonly expose: false;

  /** `ERR_POOL_…`, the same in every version. */
  readonly code: PoolErrorCode;

  /** The pool's counters when this happened. */
  readonly state: PoolState;

  constructor(
    code: PoolErrorCode,
    message: string,
    state: PoolState,
    options: ErrorOptions & AnswerOptions = {},
  ) {
    super(`${message} (${describe(state)})`, 'cause' in options ? options : undefined);
    this.name = names[code];
    this.code = code;
    this.state = state;
    setAnswer(this, options);
  }
}

function describe(state: PoolState): string {
  const { name, size, available, borrowed, pending } = state;
  const max = state.max === 0 ? 'no limit' : state.max;
  return `${name}: size ${size} of ${max}, available ${available}, borrowed ${borrowed}, pending ${pending}`;
}

/**
 * `ERR_POOL_ACQUIRE_TIMEOUT`: no resource came within the acquire's timeout. Where creations failed
 * meanwhile, `cause` is what the last one threw.
 */
export class AcquireTimeoutError extends PoolError {
  constructor(
    millis: number,
    state: PoolState,
    failure?: { readonly cause: unknown },
    retryAfterMillis?: number,
  ) {
    const why =
      failure === undefined ? '' : `; the last creation failed: ${messageOf(failure.cause)}`;
    const answer = { statusCode: 503, retryable: true, retryAfterMillis };
    const message = `no resource within ${millis} ms${why}`;
    super('ERR_POOL_ACQUIRE_TIMEOUT', message, state, { ...failure, ...answer });
  }
}

/** `ERR_POOL_QUEUE_FULL`: `maxWaitingClients` others are waiting already. */
export class QueueFullError extends PoolError {
  constructor(maxWaitingClients: number, state: PoolState, retryAfterMillis?: number) {
    super('ERR_POOL_QUEUE_FULL', `maxWaitingClients ${maxWaitingClients} reached`, state, {
      statusCode: 503,
      retryable: true,
      retryAfterMillis,
    });
  }
}

/**
 * `ERR_POOL_CREATE`: the factory's `create` failed; `cause` is what it threw. It answers as its cause
 * does, where that says how; or else 500, and it is retryable: the next acquire tries again.
 */
export class CreateError extends PoolError {
  constructor(cause: unknown, state: PoolState) {
    super('ERR_POOL_CREATE', `could not create a resource: ${messageOf(cause)}`, state, {
      cause,
      retryable: true,
      ...answerOf(cause),
    });
  }
}

/** `ERR_POOL_DESTROY`: the factory's `destroy` failed; `cause` is what it threw. */
export class DestroyError extends PoolError {
  constructor(cause: unknown, state: PoolState) {
    super('ERR_POOL_DESTROY', `could not destroy a resource: ${messageOf(cause)}`, state, {
      cause,
    });
  }
}

/** `ERR_POOL_NOT_BORROWED`: what was returned is not on loan from this pool, or not any more. */
export class NotBorrowedError extends PoolError {
  constructor(state: PoolState) {
    super('ERR_POOL_NOT_BORROWED', 'the resource is not on loan from this pool', state);
  }
}

/** `ERR_POOL_CLOSED`: the pool is draining or closed and lends nothing more. */
export class PoolClosedError extends PoolError {
  constructor(how: 'draining' | 'closed', state: PoolState) {
    super('ERR_POOL_CLOSED', `the pool is ${how}`, state, { statusCode: 503 });
  }
}

/** `ERR_POOL_EMPTY`: `useSync` found nothing that could be lent at once. */
export class PoolEmptyError extends PoolError {
  constructor(state: PoolState, remedy: string) {
    const message = `nothing is idle, and useSync cannot wait: use \`use\`, or ${remedy}`;
    super('ERR_POOL_EMPTY', message, state, { statusCode: 503, retryable: true });
  }
}

/** `ERR_POOL_FACTORY_TIMEOUT`: the cause of a `CreateError` or `DestroyError` whose factory call took too long. */
export class FactoryTimeoutError extends PoolError {
  constructor(call: string, option: string, millis: number, state: PoolState) {
    const message = `factory.${call} did not settle within ${millis} ms (${option})`;
    super('ERR_POOL_FACTORY_TIMEOUT', message, state, { statusCode: 503, retryable: true });
    this.message = message; // the error that has it as its cause shows the counters
  }
}

function messageOf(cause: unknown): string {
  try {
    return String(cause instanceof Error ? cause.message : cause);
  } catch {
    return 'what was thrown has no text';
  }
}
