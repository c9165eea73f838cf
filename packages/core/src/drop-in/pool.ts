import { channels } from '../channels.js';
import { addLivePool, type WatchedPool } from '../live-pools.js';
import { clockMillis, contextOfNow, outsideRequests } from '../runtime.js';
import {
  Pool as Base,
  ResourceRequest as LibraryRequest,
  PooledResource as LibraryResource,
  ResourceLoan,
} from '../vendor/generic-pool.js';
import { errorWithCode, TimeoutError } from './errors.js';
import { RetryPauses } from './retry-pauses.js';
import type {
  Factory,
  IDeque,
  IEvictor,
  IPriorityQueue,
  Options,
  PooledResource,
  ResourceRequest,
} from './types.js';

/**
 * generic-pool's pool, with what hung, crashed the process or lent a destroyed resource mended:
 *
 * - A creation that fails is tried again with growing pauses. generic-pool tries again at once, for
 *   ever, and no timer fires meanwhile. The same holds for a new resource that `validate` refuses.
 * - A factory function that throws counts as one whose promise rejects. A `validate` that fails says
 *   no. `testOnBorrow` without a `validate` passes all.
 * - `min` is created also after a failure, so that `ready()` resolves.
 * - A `create` that uses the pool exceeds no limit and does not recurse for ever.
 * - An acquire that timed out takes nothing from those behind it.
 * - `use` takes back the resource of a function that is not asynchronous.
 * - A rejection of `release` or `destroy` that nobody handles does not end the process.
 * - What `clear` destroyed is not lent again.
 * - `drain` waits for all acquires; in generic-pool those that outwait the last of the queue are left
 *   behind, and what they are lent after `clear` is never destroyed.
 *
 * All else, generic-pool's own members included, is as it is there.
 */
export class Pool<T> extends Base<
  PooledResource<T>,
  IEvictor<T>,
  IDeque<PooledResource<T>>,
  IPriorityQueue<ResourceRequest<T>>,
  Set<PooledResource<T>>,
  Set<Promise<unknown>>,
  Set<PooledResource<T>>,
  Map<T, ResourceLoan<PooledResource<T>>>,
  Factory<T>
> {
  declare readonly borrowed: number;
  declare readonly drain: () => Promise<void>;
  declare readonly isBorrowedResource: (resource: T) => boolean;

  readonly #pauses = new RetryPauses(() => this.#retry());
  /** What the last creation failed with; undefined when the last one worked. */
  #createError: unknown;
  /** For those who watch it. An option of ours: generic-pool ignores it. */
  readonly #name: string;

  constructor(
    Evictor: new () => IEvictor<T>,
    Deque: new () => IDeque<PooledResource<T>>,
    PriorityQueue: new (priorityRange: number) => IPriorityQueue<ResourceRequest<T>>,
    factory: Factory<T>,
    options?: Options,
  ) {
    super(Evictor, Deque, PriorityQueue, factory, options);
    this.#name = typeof options?.name === 'string' ? options.name : 'generic-pool';
    addLivePool(this, (pool) => pool.#whileAlive());
    if (this._config.autostart) this.start();
  }

  /** Also called by generic-pool's constructor, before there is anything to start. */
  override start(): void {
    if (#pauses in this) super.start();
  }

  readonly #watched: WatchedPool = {
    stats: () => {
      const { max, min, size, available, borrowed, pending } = this;
      const creating = this._factoryCreateOperations.size;
      return { name: this.#name, max, min, size, available, borrowed, pending, creating };
    },
  };

  /** A pool that is drained and cleared has nothing to show. */
  #whileAlive(): WatchedPool | undefined {
    return this._draining && this.size === 0 ? undefined : this.#watched;
  }

  acquire(priority?: number): Promise<T> {
    if (!this._started && !this._config.autostart) this.start();
    if (this._draining) {
      this.#tellWait(0, 'ERR_POOL_CLOSED');
      return this._Promise.reject(
        errorWithCode('ERR_POOL_CLOSED', 'pool is draining and cannot accept work', {
          statusCode: 503,
        }),
      );
    }
    const { maxWaitingClients, acquireTimeoutMillis } = this._config;
    if (
      this.spareResourceCapacity < 1 &&
      this.available < 1 &&
      maxWaitingClients !== undefined &&
      this.pending >= maxWaitingClients
    ) {
      this.#tellWait(0, 'ERR_POOL_QUEUE_FULL');
      return this._Promise.reject(
        errorWithCode('ERR_POOL_QUEUE_FULL', 'max waitingClients count exceeded', {
          statusCode: 503,
          retryable: true,
        }),
      );
    }
    const lastCreateError = () => this.#createError;
    const request = new Request<T>(acquireTimeoutMillis, this._Promise, lastCreateError);
    this._waitingClientsQueue.enqueue(request, priority);
    this._dispense();
    // During a pause, each acquire still has one attempt: what failed may be back.
    if (this.#pauses.pausing && this.pending > this._potentiallyAllocableResourceCount) {
      this.#create();
    }
    if (channels.wait.hasSubscribers && request.state === 'PENDING') {
      const [run, since] = [contextOfNow(), clockMillis()];
      request.tell = (outcome) => run(() => this.#tellWait(clockMillis() - since, outcome));
    }
    return request.promise;
  }

  #tellWait(millis: number, outcome: string): void {
    const { wait } = channels;
    if (wait.hasSubscribers) wait.publish({ pool: this.#name, millis, outcome });
  }

  use<R>(fn: (resource: T) => R | PromiseLike<R>, priority?: number): Promise<R> {
    return this.acquire(priority).then((resource) =>
      this.#attempt(() => fn(resource)).then(
        (result) => {
          void this.release(resource);
          return result;
        },
        (error) => {
          void this.destroy(resource);
          throw error;
        },
      ),
    );
  }

  release(resource: T): Promise<void> {
    return this.#takeBack(resource, (entry) => this._addPooledResourceToAvailableObjects(entry));
  }

  destroy(resource: T): Promise<void> {
    return this.#takeBack(resource, (entry) => this._destroy(entry, 'borrower'));
  }

  #takeBack(resource: T, next: (entry: PooledResource<T>) => void): Promise<void> {
    const loan = this._resourceLoans.get(resource);
    if (loan === undefined) {
      const rejection = this._Promise.reject(
        errorWithCode('ERR_POOL_NOT_BORROWED', 'Resource not currently part of this pool'),
      );
      rejection.catch(ignore);
      return rejection;
    }
    this._resourceLoans.delete(resource);
    loan.resolve();
    if (channels.release.hasSubscribers) {
      const millis = Date.now() - Number(loan.pooledResource.lastBorrowTime);
      channels.release.publish({ pool: this.#name, millis });
    }
    loan.pooledResource.deallocate();
    next(loan.pooledResource);
    this._dispense();
    return this._Promise.resolve();
  }

  /** Called by generic-pool's `drain`. */
  override __allResourceRequestsSettled(): Promise<void> {
    const last = this._waitingClientsQueue.tail;
    if (last?.state !== 'PENDING') return this._Promise.resolve();
    const next = () => this.__allResourceRequestsSettled();
    return last.promise.then(next, next);
  }

  clear(): Promise<void> {
    const over = (operations: Set<Promise<unknown>>) =>
      this._Promise.all([...operations].map((operation) => operation.then(ignore, ignore)));
    return over(this._factoryCreateOperations)
      .then(() => {
        const idle: PooledResource<T>[] = [];
        while (this.available > 0) idle.push(this._availableObjects.shift() as PooledResource<T>);
        for (const entry of idle) this._destroy(entry, 'clear');
        return over(this._factoryDestroyOperations);
      })
      .then(ignore);
  }

  ready(): Promise<void> {
    return new this._Promise((resolve) => {
      const look = () => {
        if (this.available >= this.min) {
          resolve();
          return;
        }
        const timer = setTimeout(look, 100);
        if (this._draining) timer.unref(); // it may never be so, and would keep the process alive
      };
      look();
    });
  }

  /** Called by generic-pool for `min` and for the acquires that wait. */
  override _createResource(): void {
    if (this.#pauses.pausing) this.#pauses.keepAlive(this.pending > 0);
    else this.#create();
  }

  #create(): void {
    if (this.spareResourceCapacity < 1) return;
    // The slot is taken before the factory is called, for `create` may use the pool.
    const since = clockMillis();
    const slot = this._Promise.resolve();
    this._factoryCreateOperations.add(slot);
    const operation = this.#attempt(() => this._factory.create()).then((resource) => {
      const entry = new LibraryResource(resource);
      this._allObjects.add(entry);
      this._addPooledResourceToAvailableObjects(entry);
    });
    this._factoryCreateOperations.delete(slot);
    this._trackOperation(operation, this._factoryCreateOperations).then(
      () => {
        this.#tellCreate(since, undefined);
        this.#onCreated();
      },
      (error: unknown) => {
        this.#tellCreate(since, error);
        this.#createError = error;
        this.#pause();
        this.emit('factoryCreateError', error);
      },
    );
  }

  #tellCreate(since: number, error: unknown): void {
    const { create } = channels;
    if (create.hasSubscribers) {
      create.publish({ pool: this.#name, millis: clockMillis() - since, error });
    }
  }

  #onCreated(): void {
    this.#createError = undefined;
    // With testOnBorrow, only a new resource that passes it says that creation works again.
    if (!this._config.testOnBorrow) this.#endPause();
    this._dispense();
  }

  #endPause(): void {
    const { pausing } = this.#pauses;
    this.#pauses.succeed();
    if (pausing) this.#retry();
  }

  #pause(): void {
    this.#pauses.fail();
    this.#pauses.keepAlive(this.pending > 0);
  }

  #retry(): void {
    this._dispense();
    this._ensureMinimum();
  }

  /** The evictor's timer keeps no request's AsyncLocalStorage store. */
  override _scheduleEvictorRun(): void {
    outsideRequests(() => super._scheduleEvictorRun());
  }

  /** @param reason default: the one for which generic-pool calls it, of an entry that was idle too long */
  override _destroy(entry: PooledResource<T>, reason = 'idle'): void {
    if (channels.destroy.hasSubscribers) {
      const ageMillis = Date.now() - entry.creationTime;
      const unknown = { uses: undefined, bytes: undefined };
      channels.destroy.publish({ pool: this.#name, reason, ageMillis, ...unknown });
    }
    try {
      super._destroy(entry);
    } catch (error) {
      this._Promise.reject(error).catch((thrown) => this.emit('factoryDestroyError', thrown));
      this._ensureMinimum();
    }
  }

  override _testOnBorrow(): boolean {
    const entry = this._availableObjects.shift();
    if (entry === undefined) return false;
    const isNew = entry.lastBorrowTime === null;
    entry.test();
    this._testOnBorrowResources.add(entry);
    const operation = this.#attempt(() => this._factory.validate?.(entry.obj));
    const passed = (verdict: unknown) => {
      this._testOnBorrowResources.delete(entry);
      if (verdict !== false) {
        this._dispatchPooledResourceToNextWaitingClient(entry);
        if (isNew) this.#endPause();
        return;
      }
      entry.invalidate();
      // Another new one would be refused as well, and so on, without end.
      if (isNew) this.#pause();
      this._destroy(entry, 'invalid');
      this._dispense();
    };
    this._trackOperation(operation, this._validationOperations).then(passed, () => passed(false));
    return true;
  }

  override _dispatchPooledResourceToNextWaitingClient(entry: PooledResource<T>): boolean {
    for (;;) {
      const request = this._waitingClientsQueue.dequeue();
      if (request === undefined) {
        this._addPooledResourceToAvailableObjects(entry);
        return false;
      }
      if (request.state !== 'PENDING') continue; // it timed out in this very tick
      this._resourceLoans.set(entry.obj, new ResourceLoan(entry, this._Promise));
      entry.allocate();
      request.resolve(entry.obj);
      return true;
    }
  }

  /** What `call` gives, as one of the pool's promises; a throw rejects it. */
  #attempt<R>(call: () => R | PromiseLike<R>): Promise<R> {
    try {
      return this._Promise.resolve(call()) as Promise<R>;
    } catch (error) {
      return this._Promise.reject(error);
    }
  }
}

/** A waiting acquire whose timeout says what creation failed with. */
class Request<T> extends LibraryRequest<T> {
  readonly #lastCreateError: () => unknown;
  /** Tells how it has ended. */
  tell: ((outcome: string) => void) | undefined = undefined;

  constructor(
    timeoutMillis: number | undefined,
    promise: PromiseConstructor,
    lastCreateError: () => unknown,
  ) {
    super(timeoutMillis, promise);
    this.#lastCreateError = lastCreateError;
  }

  override resolve(value: T): void {
    super.resolve(value);
    this.tell?.('served');
  }

  override _fireTimeout(): void {
    this.tell?.('timeout');
    this.reject(new TimeoutError('ResourceRequest timed out', this.#lastCreateError()));
  }
}

function ignore(): void {}
