import type { EventEmitter } from 'node:events';

// generic-pool's types, under the names that it and @types/generic-pool export. Written down here,
// for what a door's types name has to be in the package, and generic-pool is not.

/** Makes, destroys and judges resources. */
export interface Factory<T> {
  /** Makes a resource. A throw or a rejection is a failed creation, tried again with pauses. */
  create(): Promise<T>;
  /** Takes a resource out of service. A throw or a rejection is told by `factoryDestroyError`. */
  destroy(client: T): Promise<void>;
  /**
   * Asked before lending, with `testOnBorrow`. `false`, a throw or a rejection has the resource
   * destroyed; any other answer keeps it.
   */
  validate?(client: T): Promise<boolean>;
}

/**
 * How a pool behaves. Values are taken as generic-pool takes them: strings of digits are numbers,
 * what makes no sense is replaced, unknown options are ignored. Times are in milliseconds.
 */
export interface Options {
  /** The most resources at once, at least 1. Default 1. */
  max?: number;
  /** Resources to keep at all times, lent ones included; above `max` it counts as `max`. Default 0. */
  min?: number;
  /** The most acquires that may wait. Default: no limit. */
  maxWaitingClients?: number;
  /** Ask `validate` before lending; without one all resources pass. Default false. */
  testOnBorrow?: boolean;
  /** Is accepted, and does nothing: so it is in generic-pool 3.9.0. */
  testOnReturn?: boolean;
  /** The longest that an acquire waits. Default: no limit. */
  acquireTimeoutMillis?: number;
  /** How long to wait for `destroy` before `factoryDestroyError` tells of it. Default: no limit. */
  destroyTimeoutMillis?: number;
  /** Lend the resource that is idle longest; false: the one returned last. Default true. */
  fifo?: boolean;
  /** Number of priorities, 0 the highest. Default 1. */
  priorityRange?: number;
  /** Make `min` resources at once; false: on `start()` or the first acquire. Default true. */
  autostart?: boolean;
  /** How often the evictor runs; 0 (default): never, whatever the idle timeouts are. */
  evictionRunIntervalMillis?: number;
  /** How many idle resources a run looks at. Default 3. */
  numTestsPerEvictionRun?: number;
  /** Destroy a resource that was idle this long, while more than `min` are idle. Default: never. */
  softIdleTimeoutMillis?: number;
  /** Destroy a resource that was idle this long. Default 30,000; 0 counts as 30,000. */
  idleTimeoutMillis?: number;
  /** For those who watch pools: channels, metrics. Not of generic-pool. Default `'generic-pool'`. */
  name?: string;
  /** The class of the promises that the pool makes. Default: the language's. */
  Promise?: PromiseConstructorLike;
}

/** Where a resource is. */
export type PooledResourceStateEnum = 'ALLOCATED' | 'IDLE' | 'INVALID' | 'RETURNING' | 'VALIDATION';

/** A resource with its times (of `Date.now()`), as an evictor sees it. */
export interface PooledResource<T> {
  readonly obj: T;
  readonly state: PooledResourceStateEnum;
  readonly creationTime: number;
  readonly lastReturnTime?: number | null;
  readonly lastBorrowTime?: number | null;
  readonly lastIdleTime?: number | null;
  allocate(): void;
  deallocate(): void;
  invalidate(): void;
  test(): void;
  idle(): void;
  returning(): void;
}

/** A waiting acquire. */
export interface ResourceRequest<T> {
  readonly state: 'PENDING' | 'FULFILLED' | 'REJECTED';
  readonly promise: Promise<T>;
  setTimeout(delay: number): void;
  removeTimeout(): void;
  resolve(value: T): void;
  reject(reason: Error): void;
}

/** What the constructor of `Pool` takes for its list of idle resources. */
export interface IDeque<T> extends Iterable<T> {
  readonly head: T | undefined;
  readonly tail: T | undefined;
  readonly length: number;
  shift(): T | undefined;
  unshift(element: T): void;
  push(element: T): void;
  pop(): T | undefined;
  iterator(): Iterator<T>;
  reverseIterator(): Iterator<T>;
}

/** What the constructor of `Pool` takes for its queue of waiting acquires. */
export interface IPriorityQueue<T> {
  readonly head: T | undefined;
  readonly tail: T | undefined;
  readonly length: number;
  enqueue(element: T, priority?: number): void;
  dequeue(): T | undefined;
}

/** The options that an evictor is given. */
export interface IEvictorConfig {
  readonly softIdleTimeoutMillis: number;
  readonly idleTimeoutMillis: number;
  readonly min: number;
}

/** What the constructor of `Pool` takes for its evictor: says whether an idle resource goes. */
export interface IEvictor<T> {
  evict(
    config: IEvictorConfig,
    pooledResource: PooledResource<T>,
    availableObjectsCount: number,
  ): boolean;
}

/** The list of idle resources that `createPool` uses: a doubly linked list. */
export interface Deque<T> extends IDeque<T> {}

/** The queue of waiting acquires that `createPool` uses: priority, then arrival. */
export interface PriorityQueue<T> extends IPriorityQueue<T> {}

/** The evictor that `createPool` uses: by `softIdleTimeoutMillis` and `idleTimeoutMillis`. */
export interface DefaultEvictor<T> extends IEvictor<T> {}

/**
 * generic-pool's pool. Emits `factoryCreateError` and `factoryDestroyError` with what the factory
 * threw. Errors have generic-pool's names and texts, and a `code` besides.
 */
export interface Pool<T> extends EventEmitter {
  /** How many more resources `max` allows. */
  readonly spareResourceCapacity: number;
  /** How many resources exist or are being created. */
  readonly size: number;
  /** How many resources are idle. */
  readonly available: number;
  /** How many resources are lent. */
  readonly borrowed: number;
  /** How many acquires wait. */
  readonly pending: number;
  readonly max: number;
  readonly min: number;

  /** Makes `min` resources and starts the evictor. A pool starts itself unless `autostart` is false. */
  start(): void;
  /**
   * Lends a resource: an idle one, or else one that is returned or created. A failed creation does
   * not reject it: creation is tried again, with growing pauses, for as long as it waits.
   *
   * Rejects with a `TimeoutError` `'ResourceRequest timed out'` (`ERR_POOL_ACQUIRE_TIMEOUT`; its
   * `cause` is the last failure of `create`), or an error `'max waitingClients count exceeded'`
   * (`ERR_POOL_QUEUE_FULL`) or `'pool is draining and cannot accept work'` (`ERR_POOL_CLOSED`).
   *
   * @param priority 0 (default, the highest) to `priorityRange - 1`
   */
  acquire(priority?: number): Promise<T>;
  /**
   * Takes a resource back. Rejects with `'Resource not currently part of this pool'`
   * (`ERR_POOL_NOT_BORROWED`), which may be ignored, where it is not on loan.
   */
  release(resource: T): Promise<void>;
  /** Takes a resource back to destroy it. Rejects as `release` does. */
  destroy(resource: T): Promise<void>;
  /** Lends nothing more; resolves when the acquires that wait were served, and all is returned. */
  drain(): Promise<void>;
  /** Destroys what is idle, after waiting for creations under way; resolves when that is done. */
  clear(): Promise<void>;
  /** Lends a resource to `cb`. It is returned afterwards, or destroyed where `cb` failed. */
  use<U>(cb: (resource: T) => U | Promise<U>, priority?: number): Promise<U>;
  isBorrowedResource(resource: T): boolean;
  /** Resolves when `min` resources are idle; it looks every 100 ms. */
  ready(): Promise<void>;
}

/** The class behind `Pool`. */
export interface PoolConstructor {
  new <T>(
    Evictor: new () => IEvictor<T>,
    Deque: new () => IDeque<PooledResource<T>>,
    PriorityQueue: new (priorityRange: number) => IPriorityQueue<ResourceRequest<T>>,
    factory: Factory<T>,
    options?: Options,
  ): Pool<T>;
}

/** The class behind `Deque`. */
export interface DequeConstructor {
  new <T>(): Deque<T>;
}

/** The class behind `PriorityQueue`. */
export interface PriorityQueueConstructor {
  new <T extends { readonly promise: Promise<unknown> }>(priorityRange: number): PriorityQueue<T>;
}

/** The class behind `DefaultEvictor`. */
export interface DefaultEvictorConstructor {
  new <T>(): DefaultEvictor<T>;
}
