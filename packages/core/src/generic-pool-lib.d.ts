/** What generic-pool 3.9.0 has and its own types leave out. Only generic-pool.ts uses it. */
declare module 'generic-pool/lib/Pool.js' {
  import { EventEmitter } from 'node:events';

  interface Options {
    max: number;
    min: number;
    priorityRange: number;
    testOnBorrow: boolean;
    autostart: boolean;
    evictionRunIntervalMillis: number;
    numTestsPerEvictionRun: number;
  }

  export default class Pool<Entry, Evictor, Idle, Waiting> extends EventEmitter {
    constructor(
      Evictor: new () => Evictor,
      Deque: new () => Idle,
      PriorityQueue: new (priorityRange: number) => Waiting,
      factory: object,
      options: Options,
    );

    start(): void;
    get size(): number;
    get available(): number;
    get pending(): number;
    get max(): number;
    get min(): number;
    get spareResourceCapacity(): number;

    _evictor: Evictor;
    _availableObjects: Idle;
    _waitingClientsQueue: Waiting;
    _allObjects: { size: number };
    _factoryCreateOperations: { size: number };
    _testOnBorrowResources: { size: number };
    _testOnReturnResources: { size: number };
    _draining: boolean;
    _started: boolean;

    get _potentiallyAllocableResourceCount(): number;
    _createResource(): void;
    _destroy(entry: Entry): void;
    _testOnBorrow(): void;
    _dispense(): void;
    _dispatchResource(): void;
    _ensureMinimum(): void;
    _evict(): void;
    _scheduleEvictorRun(): void;
    _descheduleEvictorRun(): void;
  }
}
