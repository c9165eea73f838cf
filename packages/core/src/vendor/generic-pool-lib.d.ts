/** What generic-pool 3.9.0 has and its own types leave out, as far as this package uses it. */
declare module 'generic-pool/lib/Pool.js' {
  import { EventEmitter } from 'node:events';

  interface Config {
    readonly max: number;
    readonly min: number;
    readonly maxWaitingClients?: number;
    readonly acquireTimeoutMillis?: number;
    readonly testOnBorrow: boolean;
    readonly autostart: boolean;
  }

  /** A Set or a Map, as far as the pool looks at it. */
  interface Sized {
    readonly size: number;
  }

  export default class Pool<
    Entry,
    Evictor,
    Idle,
    Waiting,
    Entries extends Sized = Sized,
    Operations extends Sized = Sized,
    Tested extends Sized = Sized,
    Loans = unknown,
    Factory = unknown,
  > extends EventEmitter {
    constructor(
      Evictor: new () => Evictor,
      Deque: new () => Idle,
      PriorityQueue: new (priorityRange: number) => Waiting,
      factory: object,
      options?: object,
    );

    start(): void;
    get size(): number;
    get available(): number;
    get pending(): number;
    get max(): number;
    get min(): number;
    get spareResourceCapacity(): number;

    _config: Config;
    _Promise: PromiseConstructor;
    _factory: Factory;
    _evictor: Evictor;
    _availableObjects: Idle;
    _waitingClientsQueue: Waiting;
    _allObjects: Entries;
    _factoryCreateOperations: Operations;
    _factoryDestroyOperations: Operations;
    _validationOperations: Operations;
    _testOnBorrowResources: Tested;
    _testOnReturnResources: Tested;
    _resourceLoans: Loans;
    _draining: boolean;
    _started: boolean;

    get _potentiallyAllocableResourceCount(): number;
    _createResource(): void;
    _destroy(entry: Entry): void;
    _testOnBorrow(): void;
    _dispense(): void;
    _dispatchResource(): void;
    _dispatchPooledResourceToNextWaitingClient(entry: Entry): boolean;
    _addPooledResourceToAvailableObjects(entry: Entry): void;
    _trackOperation<R>(operation: Promise<R>, set: Operations): Promise<R>;
    __allResourceRequestsSettled(): Promise<void>;
    _ensureMinimum(): void;
    _evict(): void;
    _scheduleEvictorRun(): void;
    _descheduleEvictorRun(): void;
  }
}

declare module 'generic-pool/lib/DefaultEvictor.js' {
  export default class DefaultEvictor {
    evict(
      config: { softIdleTimeoutMillis: number; idleTimeoutMillis: number; min: number },
      pooledResource: { readonly lastIdleTime?: number | null },
      availableObjectsCount: number,
    ): boolean;
  }
}

declare module 'generic-pool/lib/Deque.js' {
  interface Node<E> {
    prev: Node<E> | null;
    next: Node<E> | null;
    data: E;
  }

  export default class Deque<E> implements Iterable<E> {
    _list: { head: Node<E> | null; remove(node: Node<E>): void };
    shift(): E | undefined;
    unshift(element: E): void;
    push(element: E): void;
    pop(): E | undefined;
    get head(): E | undefined;
    get tail(): E | undefined;
    get length(): number;
    iterator(): Iterator<E>;
    reverseIterator(): Iterator<E>;
    [Symbol.iterator](): Iterator<E>;
  }
}

declare module 'generic-pool/lib/Queue.js' {
  import Deque from 'generic-pool/lib/Deque.js';

  export default class Queue<E> extends Deque<E> {
    _createTimeoutRejectionHandler(node: Node<E>): (reason: Error) => void;
  }
  type Node<E> = NonNullable<Deque<E>['_list']['head']>;
}

declare module 'generic-pool/lib/PriorityQueue.js' {
  import Queue from 'generic-pool/lib/Queue.js';

  export default class PriorityQueue<E> {
    _slots: Queue<E>[];
    constructor(size: number);
    get length(): number;
    enqueue(element: E, priority?: number): void;
    dequeue(): E | undefined;
    get head(): E | undefined;
    get tail(): E | undefined;
  }
}

declare module 'generic-pool/lib/PooledResource.js' {
  export default class PooledResource<T> {
    readonly obj: T;
    readonly creationTime: number;
    readonly lastReturnTime?: number | null;
    readonly lastBorrowTime?: number | null;
    readonly lastIdleTime?: number | null;
    readonly state: 'ALLOCATED' | 'IDLE' | 'INVALID' | 'RETURNING' | 'VALIDATION';
    constructor(resource: T);
    allocate(): void;
    deallocate(): void;
    invalidate(): void;
    test(): void;
    idle(): void;
    returning(): void;
  }
}

declare module 'generic-pool/lib/ResourceLoan.js' {
  export default class ResourceLoan<Entry> {
    readonly pooledResource: Entry;
    readonly promise: Promise<void>;
    constructor(pooledResource: Entry, promise: PromiseConstructor);
    resolve(): void;
  }
}

declare module 'generic-pool/lib/ResourceRequest.js' {
  export default class ResourceRequest<T> {
    readonly state: 'PENDING' | 'FULFILLED' | 'REJECTED';
    readonly promise: Promise<T>;
    constructor(timeoutMillis: number | undefined, promise: PromiseConstructor);
    setTimeout(millis: number): void;
    removeTimeout(): void;
    resolve(resource: T): void;
    reject(reason: Error): void;
    _fireTimeout(): void;
  }
}

declare module 'generic-pool/lib/errors.js' {
  const errors: { TimeoutError: new (message: string) => Error };
  export default errors;
}
