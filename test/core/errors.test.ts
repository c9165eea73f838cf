import {
  AcquireTimeoutError,
  CreateError,
  createPool,
  DestroyError,
  FactoryTimeoutError,
  NotBorrowedError,
  PoolClosedError,
  PoolEmptyError,
  PoolError,
  type PoolState,
  QueueFullError,
} from '@wasm-pool/core';
import { expect, test } from 'vitest';
import { recordingFactory, rejection } from '../helpers/core.js';

const state: PoolState = {
  name: 'db',
  max: 4,
  min: 1,
  size: 3,
  available: 1,
  borrowed: 2,
  pending: 5,
  creating: 0,
};
const counters = '(db: size 3 of 4, available 1, borrowed 2, pending 5)';
const cause = new Error('underneath');

const errors: [new (...args: never) => PoolError, () => PoolError, string, string][] = [
  [
    AcquireTimeoutError,
    () => new AcquireTimeoutError(50, state),
    'ERR_POOL_ACQUIRE_TIMEOUT',
    'no resource within 50 ms',
  ],
  [
    QueueFullError,
    () => new QueueFullError(9, state),
    'ERR_POOL_QUEUE_FULL',
    'maxWaitingClients 9 reached',
  ],
  [
    CreateError,
    () => new CreateError(cause, state),
    'ERR_POOL_CREATE',
    'could not create a resource: underneath',
  ],
  [
    DestroyError,
    () => new DestroyError(cause, state),
    'ERR_POOL_DESTROY',
    'could not destroy a resource: underneath',
  ],
  [
    NotBorrowedError,
    () => new NotBorrowedError(state),
    'ERR_POOL_NOT_BORROWED',
    'the resource is not on loan from this pool',
  ],
  [
    PoolClosedError,
    () => new PoolClosedError('closed', state),
    'ERR_POOL_CLOSED',
    'the pool is closed',
  ],
  [
    PoolClosedError,
    () => new PoolClosedError('draining', state),
    'ERR_POOL_CLOSED',
    'the pool is draining',
  ],
  [
    PoolEmptyError,
    () => new PoolEmptyError(state, 'raise min'),
    'ERR_POOL_EMPTY',
    'nothing is idle, and useSync cannot wait: use `use`, or raise min',
  ],
];

test.each(errors)(
  '%s says what happened, in which pool, and what its counters were',
  (kind, make, code, message) => {
    const error = make();
    expect(error).toBeInstanceOf(kind);
    expect(error).toBeInstanceOf(PoolError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(kind.name);
    expect(error.code).toBe(code);
    expect(error.message).toBe(`${message} ${counters}`);
    expect(error.state).toBe(state);
    expect(error.stack).toContain(`${kind.name}: ${message}`);
  },
);

test('those with a cause have it, the others have none', () => {
  expect(new CreateError(cause, state).cause).toBe(cause);
  expect(new DestroyError(cause, state).cause).toBe(cause);
  expect('cause' in new NotBorrowedError(state)).toBe(false);
});

test('a cause that is no Error is told, too', () => {
  expect(new CreateError('just a string', state).message).toContain(': just a string (');
  expect(new DestroyError(undefined, state).message).toContain(': undefined (');
});

test.each([
  Object.create(null),
  Object.assign(new Error(), { message: { toString: null, valueOf: null } }),
])('a cause that has no text is told all the same', (thrown) => {
  const error = new CreateError(thrown, state);
  expect(error.cause).toBe(thrown);
  expect(error.message).toMatch(/^could not create a resource: what was thrown has no text \(/);
});

test('a pool without a limit says so', () => {
  const error = new NotBorrowedError({ ...state, max: 0 });
  expect(error.message).toContain('size 3 of no limit');
});

test('FactoryTimeoutError names the call and the option; the error that it causes has the counters', () => {
  const error = new FactoryTimeoutError('create', 'createTimeoutMillis', 5, state);
  expect(error).toBeInstanceOf(PoolError);
  expect(error).toMatchObject({
    name: 'FactoryTimeoutError',
    code: 'ERR_POOL_FACTORY_TIMEOUT',
    message: 'factory.create did not settle within 5 ms (createTimeoutMillis)',
    state,
  });
  expect(new CreateError(error, state).message).toBe(
    `could not create a resource: ${error.message} ${counters}`,
  );
});

test('the state of an error is that of its time', async () => {
  const pool = createPool(recordingFactory(), { name: 'small', maxWaitingClients: 0 });
  const thing = await pool.acquire();
  const error = await rejection(pool.acquire());
  await pool.destroy(thing);
  expect(error).toMatchObject({ state: { name: 'small', size: 1, borrowed: 1, pending: 0 } });
});
