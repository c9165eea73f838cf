import type { Creation } from './creation.js';
import type { Entry } from './entry.js';
import { Evictor } from './evictor.js';
import { IdleList } from './idle-list.js';
import type { Settings } from './options.js';
import { outsideRequests } from './runtime.js';
import { Pool as Base } from './vendor/generic-pool.js';
import { WaitingQueue } from './waiting-queue.js';

/** generic-pool wants a factory; each of its methods that calls one is overridden below. */
const uncalled = Function.prototype;
const noFactory = { create: uncalled, destroy: uncalled, validate: uncalled };

/**
 * generic-pool 3.9.0 with its seams named. It counts what there is and what is on its way, refills
 * `min`, has idle resources tested and handed out, and walks the idle list when it is time to evict;
 * what happens to one resource is left to the subclass. The only file that touches its underscored
 * members: test/core/generic-pool-contract.test.ts says loudly when one of them changes.
 */
export abstract class GenericPool<T> extends Base<
  Entry<T>,
  Evictor<T>,
  IdleList<T>,
  WaitingQueue<T>
> {
  protected readonly evictor: Evictor<T>;
  protected readonly idle: IdleList<T>;
  protected readonly waiting: WaitingQueue<T>;

  /** The entry of every resource that exists. */
  protected readonly entries = new Map<unknown, Entry<T>>();
  /** Creations under way. */
  protected readonly creating = new Set<Creation>();
  /** Entries that `validate` has. */
  protected readonly validating = new Set<Entry<T>>();
  /** Entries that `recycle` has. */
  protected readonly recycling = new Set<Entry<T>>();
  /** Destructions under way; each promise resolves when its own is over, however it went. */
  protected readonly destroying = new Set<Promise<void>>();
  /** Creations that took too long, and whose factory is still at work. */
  protected abandoned = 0;
  /** Creations under way that nobody relies on. */
  protected cancelled = 0;
  protected readonly countDestroying: boolean;
  #evicting = true;

  constructor(settings: Settings<T>) {
    super(Evictor<T>, IdleList<T>, WaitingQueue<T>, noFactory, {
      max: settings.max === 0 ? Number.MAX_SAFE_INTEGER : settings.max,
      min: settings.min,
      priorityRange: settings.priorityRange,
      testOnBorrow: settings.testOnBorrow,
      autostart: false, // it would start before the subclass is there
      evictionRunIntervalMillis: settings.evictionRunIntervalMillis,
      numTestsPerEvictionRun: settings.numTestsPerEvictionRun,
    });
    this.countDestroying = settings.countDestroying;
    this.evictor = this._evictor;
    this.idle = this._availableObjects;
    this.idle.fifo = settings.fifo;
    this.waiting = this._waitingClientsQueue;
    this._allObjects = this.entries;
    this._factoryCreateOperations = this.creating;
    this._testOnBorrowResources = this.validating;
    this._testOnReturnResources = this.recycling;
  }

  /** Starts one creation, and says whether it could. */
  protected abstract create(): boolean;
  /** Destroys an entry that is neither idle nor lent any more. */
  protected abstract discard(entry: Entry<T>, reason: string): void;
  /** Validates an entry that is neither idle nor lent, then offers it. */
  protected abstract validateAndOffer(entry: Entry<T>): void;
  /** Gives a fit entry to the first waiter, or else to the idle list. */
  protected abstract offer(entry: Entry<T>): void;
  /** Whether `min` may be refilled now. */
  protected abstract get refillable(): boolean;

  protected get started(): boolean {
    return this._started;
  }

  protected get draining(): boolean {
    return this._draining;
  }

  protected stopLending(): void {
    this._draining = true;
  }

  protected stopEvicting(): void {
    this.#evicting = false;
    this._descheduleEvictorRun();
  }

  /** Resources that waiters will get without a further creation. */
  protected get incoming(): number {
    return this._potentiallyAllocableResourceCount;
  }

  /**
   * Creates or tests what the waiters need. By itself, generic-pool would try a creation for each of
   * them whenever one more waits, even after the first was put off.
   */
  protected dispense(): void {
    while (this.waiting.length > this.incoming && this.spareResourceCapacity > 0 && this.create());
    if (this.idle.length > 0) this._dispense();
  }

  /** Creates what `min` lacks. */
  protected refill(): void {
    this._ensureMinimum();
  }

  protected setLimits(max: number, min: number): void {
    Object.assign(this._config, { max: max === 0 ? Number.MAX_SAFE_INTEGER : max, min });
  }

  /** Resources that count towards `max`. */
  protected get held(): number {
    return this.size + (this.countDestroying ? this.destroying.size + this.abandoned : 0);
  }

  override get _potentiallyAllocableResourceCount(): number {
    return super._potentiallyAllocableResourceCount - this.cancelled;
  }

  override get max(): number {
    return super.max === Number.MAX_SAFE_INTEGER ? 0 : super.max;
  }

  override get spareResourceCapacity(): number {
    return this.max === 0 ? Number.POSITIVE_INFINITY : Math.max(this.max - this.held, 0);
  }

  override _createResource(): void {
    this.create();
  }

  /** Called for the entry that the evictor chose. */
  override _destroy(entry: Entry<T>): void {
    this.idle.remove(entry);
    this.discard(entry, entry.evictReason);
  }

  override _testOnBorrow(): void {
    const entry = this.idle.shift();
    if (entry !== undefined) this.validateAndOffer(entry);
  }

  /**
   * Only reached for a requeued acquire while draining; otherwise a return goes straight to the first
   * waiter.
   */
  override _dispatchResource(): void {
    this.offer(this.idle.shift() as Entry<T>);
  }

  override _ensureMinimum(): void {
    if (this.refillable) super._ensureMinimum();
  }

  /** Also called at the end of each run, which may itself have closed the pool. */
  override _scheduleEvictorRun(): void {
    if (this.#evicting) outsideRequests(() => super._scheduleEvictorRun());
  }

  override _evict(): void {
    this.evictor.beginRun(this.idle);
    super._evict();
    this.afterEviction();
  }

  /** Called after each run of the evictor. */
  protected abstract afterEviction(): void;
}
