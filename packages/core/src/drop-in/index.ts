/**
 * generic-pool for a program that changes its import: the whole surface of generic-pool 3.9.0, its
 * leniency, errors, default priority and patience. What it mends is what hung or crashed. For a
 * stricter and faster pool with more to it, import `@wasm-pool/core`.
 *
 * @module
 */
import { Deque as LibraryDeque, DefaultEvictor as LibraryEvictor } from '../vendor/generic-pool.js';
import { Pool as PatientPool } from './pool.js';
import { SafePriorityQueue } from './priority-queue.js';
import type * as types from './types.js';

export type {
  Factory,
  IDeque,
  IEvictor,
  IEvictorConfig,
  IPriorityQueue,
  Options,
  PooledResource,
  PooledResourceStateEnum,
  ResourceRequest,
} from './types.js';

/** The pool. `createPool` is the usual way to make one. */
export const Pool: types.PoolConstructor = PatientPool;
export type Pool<T> = types.Pool<T>;

/** The list of idle resources: a doubly linked list. */
export const Deque: types.DequeConstructor = LibraryDeque;
export type Deque<T> = types.Deque<T>;

/** The queue of waiting acquires: priority, then arrival. */
export const PriorityQueue: types.PriorityQueueConstructor = SafePriorityQueue;
export type PriorityQueue<T> = types.PriorityQueue<T>;

/** The evictor: by `softIdleTimeoutMillis` and `idleTimeoutMillis`. */
export const DefaultEvictor: types.DefaultEvictorConstructor = LibraryEvictor;
export type DefaultEvictor<T> = types.DefaultEvictor<T>;

/**
 * Makes a pool over `factory`. Options are as generic-pool's, and as lenient.
 *
 * Throws a TypeError where `create` or `destroy` is no function, or `validate` is something else.
 */
export function createPool<T>(factory: types.Factory<T>, opts?: types.Options): types.Pool<T> {
  return new Pool(
    DefaultEvictor<T>,
    Deque<types.PooledResource<T>>,
    PriorityQueue<types.ResourceRequest<T>>,
    factory,
    opts,
  );
}

/** The whole as one object, as `require('generic-pool')` gives it. */
const genericPool = { Pool, Deque, PriorityQueue, DefaultEvictor, createPool };

/** Its types, for those who write `genericPool.Pool<T>`. */
declare namespace genericPool {
  export type DefaultEvictor<T> = types.DefaultEvictor<T>;
  export type Deque<T> = types.Deque<T>;
  export type Factory<T> = types.Factory<T>;
  export type IDeque<T> = types.IDeque<T>;
  export type IEvictor<T> = types.IEvictor<T>;
  export type IEvictorConfig = types.IEvictorConfig;
  export type IPriorityQueue<T> = types.IPriorityQueue<T>;
  export type Options = types.Options;
  export type Pool<T> = types.Pool<T>;
  export type PooledResource<T> = types.PooledResource<T>;
  export type PooledResourceStateEnum = types.PooledResourceStateEnum;
  export type PriorityQueue<T> = types.PriorityQueue<T>;
  export type ResourceRequest<T> = types.ResourceRequest<T>;
}

export default genericPool;
