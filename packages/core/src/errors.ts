import type { PoolState } from './state.js';

/**
 * Any error of a pool. `code` is stable; `message` names the pool and its counters at that time. A bad option is
 * an `OptionError`, which is a TypeError instead: there may be no pool yet.
 */
export class PoolError extends Error {
  /** `ERR_POOL_…`, the same in every version. */
  readonly code: string;

  /** The pool's counters when this happened. */
  readonly state: PoolState;

  constructor(code: string, message: string, state: PoolState, options?: ErrorOptions) {
    super(`${message} (${describe(state)})`, options);
    this.name = new.target.name;
    this.code = code;
    this.state = state;
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
  constructor(millis: number, state: PoolState, failure?: { readonly cause: unknown }) {
    const why =
      failure === undefined ? '' : `; the last creation failed: ${messageOf(failure.cause)}`;
    super('ERR_POOL_ACQUIRE_TIMEOUT', `no resource within ${millis} ms${why}`, state, failure);
  }
}

/** `ERR_POOL_QUEUE_FULL`: `maxWaitingClients` others are waiting already. */
export class QueueFullError extends PoolError {
  constructor(maxWaitingClients: number, state: PoolState) {
    super('ERR_POOL_QUEUE_FULL', `maxWaitingClients ${maxWaitingClients} reached`, state);
  }
}

/** `ERR_POOL_CREATE`: the factory's `create` failed; `cause` is what it threw. */
export class CreateError extends PoolError {
  constructor(cause: unknown, state: PoolState) {
    super('ERR_POOL_CREATE', `could not create a resource: ${messageOf(cause)}`, state, { cause });
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
    super('ERR_POOL_CLOSED', `the pool is ${how}`, state);
  }
}

/** `ERR_POOL_EMPTY`: `useSync` found nothing that could be lent at once. */
export class PoolEmptyError extends PoolError {
  constructor(state: PoolState, remedy: string) {
    const message = `nothing is idle, and useSync cannot wait: use \`use\`, or ${remedy}`;
    super('ERR_POOL_EMPTY', message, state);
  }
}

/** `ERR_POOL_FACTORY_TIMEOUT`: the cause of a `CreateError` or `DestroyError` whose factory call took too long. */
export class FactoryTimeoutError extends PoolError {
  constructor(call: string, option: string, millis: number, state: PoolState) {
    const message = `factory.${call} did not settle within ${millis} ms (${option})`;
    super('ERR_POOL_FACTORY_TIMEOUT', message, state);
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
