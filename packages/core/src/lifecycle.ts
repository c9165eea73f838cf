import type { AdapterFactory } from './adapter.js';
import { Backoff } from './backoff.js';
import { checkOptions, wholeNumber } from './check-options.js';
import { DestroyCounts } from './destroy-counts.js';
import { Entry } from './entry.js';
import { CreateError, DestroyError, PoolClosedError } from './errors.js';
import type { PoolEvents } from './events.js';
import { firstReason } from './evictor.js';
import type { DestroyReason } from './factory.js';
import { CallTimers, isThenable, settled } from './factory-call.js';
import { GenericPool } from './generic-pool.js';
import type { Settings } from './options.js';
import { rethrowUncaught } from './rethrow-uncaught.js';
import type { PoolState } from './state.js';

/** A `ready` call that waits. */
interface Readiness {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** How resources come and go: creation and its failures, destruction and its failures. */
export abstract class Lifecycle<T, Lent, Context> extends GenericPool<T> {
  protected abstract readonly factory: AdapterFactory<T, Lent, Context>;
  protected readonly settings: Settings<T>;

  /** Destructions under way; each promise resolves when its own is over, however it went. */
  protected readonly destroying = new Set<Promise<void>>();
  protected readonly backoff = new Backoff(() => this.fill());
  protected closed = false;
  protected createErrors = 0;
  protected destroyErrors = 0;
  protected created = 0;
  protected readonly destroyedBy = new DestroyCounts();

  /** What the last creation failed with, unless one has worked since. */
  protected lastFailure: { readonly cause: unknown } | undefined = undefined;

  readonly #createTimers = new CallTimers();
  readonly #destroyTimers = new CallTimers();
  #readiness: Readiness[] = [];
  #retrying = false;

  constructor(settings: Settings<T>) {
    super(settings);
    this.settings = settings;
    this.evictor.judge = (candidate) => firstReason(settings.policies, candidate, this.state());
  }

  /** The counters of now. */
  abstract state(): PoolState;

  protected closedError(): PoolClosedError {
    return new PoolClosedError(this.closed ? 'closed' : 'draining', this.state());
  }

  /** Called whenever a resource or an acquire may have been the last that a shutdown waits for. */
  protected abstract checkDrained(): void;

  protected get refillable(): boolean {
    return !this.backoff.waiting;
  }

  /** Whether resources are made that nobody waits for. */
  get #growing(): boolean {
    return this.started && !this.draining;
  }

  /**
   * Whether somebody waits for a creation that there is room for, and that is not under way. Where
   * max is in use, it would be a burst, which only those of the highest priority wait for.
   */
  protected get hasShortfall(): boolean {
    const full = this.size >= (this.max || Number.POSITIVE_INFINITY);
    return (full ? this.waiting.topPriorityLength : this.waiting.length) > this.incoming;
  }

  protected override dispense(): void {
    if (this.#holdsOff()) return;
    super.dispense();
    const { burst } = this.settings;
    if (burst === 0) return;
    while (this.waiting.topPriorityLength > this.incoming && this.create(this.max + burst));
  }

  /**
   * Whether waiters are left to wait, after a creation failed, until it is tried again: a loan that
   * is out may serve them meanwhile, or they are patient.
   */
  #holdsOff(): boolean {
    if (!this.backoff.waiting || !this.#waitersCanWait()) return false;
    if (this.idle.length > 0) return false; // a requeued waiter of a pool that drains
    if (this.waiting.length > 0) this.backoff.fail(true);
    return true;
  }

  /** Whether a failed creation is not the end of an acquire. */
  #waitersCanWait(): boolean {
    return this.entries.size > 0 || !this.settings.propagateCreateError;
  }

  /** Starts one creation, unless `limit` resources exist or are on their way; says whether it did. */
  protected override create(limit = this.max || Number.POSITIVE_INFINITY): boolean {
    const full = () => this.size >= limit || this.closed; // which canCreate may change
    if (full()) return false;
    let create = () => this.factory.create();
    try {
      if (this.factory.canCreate?.() === false || full()) return false;
    } catch (error) {
      create = () => {
        throw error;
      };
    }
    // The slot is taken before the factory is called, for it may call the pool in turn.
    const { promise, resolve: over } = Promise.withResolvers<void>();
    this.creating.add(promise);

    const made = settled(create);
    this.withinCreateTimeout(made, 'create').then(
      (resource) => {
        this.creating.delete(promise);
        this.#onCreated(resource);
        over();
      },
      (error: unknown) => {
        this.creating.delete(promise);
        made.then((late) => this.#discardLate(late), ignore); // where it only took too long
        this.#onCreateFailed(error);
        over();
      },
    );
    return true;
  }

  override start(): void {
    if (this.started) return;
    super.start();
    this.fill(); // `ready` may have waited for it
  }

  fill(): void {
    this.dispense();
    if (!this.started) return;
    this.refill();
    if (this.backoff.waiting && !this.settings.propagateCreateError) return;
    for (const { count } of this.#readiness) this.#createUpTo(count);
  }

  grow(count = 1): number {
    checkOptions('grow', { count }, { count: wholeNumber(0) });
    let begun = 0;
    while (begun < count && this.#growing && this.create()) begun++;
    return begun;
  }

  #createUpTo(count: number): void {
    while (this.size < count && this.#growing && this.create());
  }

  #onCreated(resource: T): void {
    if (resource === undefined || this.entries.has(resource)) {
      const what = resource === undefined ? 'undefined' : 'a resource that the pool holds already';
      this.#onCreateFailed(new TypeError(`factory.create gave ${what}`));
      return;
    }
    const entry = this.#register(resource);
    this.lastFailure = undefined;
    this.emitSafely('create', resource);
    this.offer(entry);
    this.#resolveReady();
    this.backoff.succeed(); // now that it has come to whom it was for
  }

  #register(resource: T): Entry<T> {
    const entry = new Entry(resource, performance.now());
    this.entries.set(resource, entry);
    this.created++;
    return entry;
  }

  /** A resource whose creation had failed by then. */
  #discardLate(resource: T): void {
    if (resource === undefined || this.entries.has(resource)) return;
    const entry = this.#register(resource);
    this.emitSafely('create', resource);
    this.discard(entry, 'late');
  }

  #onCreateFailed(cause: unknown): void {
    this.createErrors++;
    this.lastFailure = { cause };
    const error = new CreateError(cause, this.state());
    const awaited = this.hasShortfall && this.#waitersCanWait();
    if (!awaited) {
      // The failed resource was meant for the first waiter, unless others on their way cover the queue.
      if (this.hasShortfall) this.waiting.dequeue()?.(Promise.reject(error));
      this.#retryLater();
    }
    if (this.settings.propagateCreateError) this.rejectReady(error);
    const below =
      !this.draining && this.size < Math.max(this.min, ...this.#readiness.map((it) => it.count));
    if (!this.closed && (awaited || below))
      this.backoff.fail(awaited || this.#readiness.length > 0);
    this.emitSafely('factoryCreateError', error);
    this.checkDrained();
  }

  /**
   * Creates for the others that wait in a turn of the event loop of its own: a factory that always
   * fails, at once, would otherwise keep timers and I/O waiting until everybody is rejected.
   */
  #retryLater(): void {
    if (this.#retrying || this.waiting.length <= this.incoming) return;
    this.#retrying = true;
    setImmediate(() => {
      this.#retrying = false;
      this.dispense();
    });
  }

  /** Destroys an entry that is not in the idle list. Its slot is free at once. */
  protected override discard(entry: Entry<T>, reason: DestroyReason, cause?: unknown): void {
    const { resource } = entry;
    entry.state = 'gone';
    this.entries.delete(resource);
    this.destroyedBy.add(reason);
    this.#destroy(resource, reason);
    this.emitSafely('destroy', resource, reason, cause);
    this.fill();
    this.checkDrained();
  }

  #destroy(resource: T, reason: DestroyReason): void {
    let work: unknown;
    try {
      work = this.factory.destroy(resource, reason);
    } catch (error) {
      this.#destroyFailed(error);
    }
    if (!isThenable(work)) return;
    const { destroyTimeoutMillis } = this.settings;
    const over = this.#destroyTimers
      .within(work, destroyTimeoutMillis, 'destroy', 'destroyTimeoutMillis')
      .catch((error: unknown) => this.#destroyFailed(error))
      .then(() => {
        this.destroying.delete(over);
      });
    this.destroying.add(over);
  }

  #destroyFailed(cause: unknown): void {
    this.destroyErrors++;
    this.emitSafely('factoryDestroyError', new DestroyError(cause, this.state()));
  }

  async ready(count = this.min): Promise<void> {
    const limit = this.max || Number.MAX_SAFE_INTEGER;
    checkOptions('ready', { count }, { count: wholeNumber(0, limit) });
    if (this.entries.size >= count) return;
    if (this.draining) throw this.closedError();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#readiness.push({ count, resolve, reject });
    this.#createUpTo(count);
    await promise;
  }

  #resolveReady(): void {
    const isReady = ({ count }: Readiness) => this.entries.size >= count;
    const ready = this.#readiness.filter(isReady);
    this.#readiness = this.#readiness.filter((waiting) => !isReady(waiting));
    for (const waiting of ready) waiting.resolve();
  }

  protected rejectReady(error: Error): void {
    for (const waiting of this.#readiness.splice(0)) waiting.reject(error);
  }

  async clear(): Promise<void> {
    await Promise.all(this.creating);
    this.evict(this.idle.length, 'clear');
    await Promise.all(this.destroying);
  }

  evict(count = 1, reason: DestroyReason = 'evicted'): number {
    checkOptions('evict', { count }, { count: wholeNumber(0) });
    let evicted = 0;
    for (let entry = this.idle.oldest; entry !== undefined && evicted < count; evicted++) {
      this.idle.remove(entry);
      this.discard(entry, reason);
      entry = this.idle.oldest;
    }
    return evicted;
  }

  get oldestIdle(): T | undefined {
    return this.idle.oldest?.resource;
  }

  protected withinCreateTimeout<R>(work: PromiseLike<R>, call: string): Promise<R> {
    const { createTimeoutMillis } = this.settings;
    return this.#createTimers.within(work, createTimeoutMillis, call, 'createTimeoutMillis');
  }

  /** `destroy` keeps its limit: close waits for it. */
  protected stopCreateTimers(): void {
    this.#createTimers.stop();
  }

  protected emitSafely<E extends keyof PoolEvents<T>>(event: E, ...args: PoolEvents<T>[E]): void {
    try {
      this.emit(event, ...args);
    } catch (error) {
      rethrowUncaught(error);
    }
  }
}

function ignore(): void {}
