import type { TakeOptions } from './acquire-options.js';
import type { AdapterFactory } from './adapter.js';
import { Backoff } from './backoff.js';
import { channels } from './channels.js';
import {
  aReason,
  checkOptions,
  countOrInfinity,
  MAX_TIMER_MILLIS,
  wholeNumber,
} from './check-options.js';
import { Creation } from './creation.js';
import { DestroyCounts } from './destroy-counts.js';
import { Durations } from './durations.js';
import { Entry } from './entry.js';
import {
  AcquireTimeoutError,
  CreateError,
  DestroyError,
  PoolClosedError,
  type PoolError,
  QueueFullError,
} from './errors.js';
import type { PoolEvents } from './events.js';
import { firstReason } from './evictor.js';
import type { DestroyReason, Verdict } from './factory.js';
import { CallTimers, isThenable, refusePromise, settled } from './factory-call.js';
import { GenericPool } from './generic-pool.js';
import { LeakWatch } from './leak-watch.js';
import type { Settings } from './options.js';
import { Readinesses } from './readiness.js';
import { rethrowUncaught } from './rethrow-uncaught.js';
import {
  clockMillis,
  contextOfNow,
  millisSince,
  nextTurn,
  outsideRequests,
  turnMillis,
} from './runtime.js';
import type { PoolState } from './state.js';
import { Unfit } from './unfit.js';
import type { Waiter } from './waiter.js';
import { withTimeoutAndSignal } from './waiter-limits.js';

/** Looked at for each loan. */
const { release } = channels;

/** How long an answer of an asynchronous `validate` holds for an entry that stays idle. */
const VALID_MILLIS = 500;

/** How long a creation that took too long may count towards `max`, in `createTimeoutMillis`. */
const ABANDONED_TIMEOUTS = 10;

/**
 * The states of a pool's entries and what leads from one to the next: created, borrowed, returned,
 * judged, destroyed. entry.ts has the drawing. Above it, ResourcePool has the methods that users call;
 * below it, GenericPool counts, refills `min` and evicts.
 */
export abstract class PoolMachine<T, Lent, Context> extends GenericPool<T> {
  protected abstract readonly factory: AdapterFactory<T, Lent, Context>;
  protected readonly settings: Settings<T>;

  protected readonly backoff = new Backoff(() => this.fill());
  protected readonly readinesses = new Readinesses();
  protected closed = false;

  // Totals.
  protected acquired = 0;
  protected created = 0;
  protected createErrors = 0;
  protected destroyErrors = 0;
  protected timeouts = 0;
  protected aborted = 0;
  protected refused = 0;
  protected leaks = 0;
  protected readonly destroyedBy = new DestroyCounts();
  protected readonly waits = new Durations();
  protected readonly loans = new Durations();
  protected readonly creations = new Durations();
  protected createErrorsInARow = 0;

  // The hot path reads these: own fields are cheaper than settings.
  readonly #testOnBorrow: boolean;
  readonly #maxUses: number;
  readonly #burst: number;
  readonly #leakWatch: LeakWatch<T> | undefined;
  #limit: number;
  #borrowed = 0;
  /** How often all resources were replaced, and why they were last. */
  #generation = 0;
  #replaceReason: DestroyReason = 'replaced';

  /** What the last creation failed with, unless one has worked since. */
  #lastFailure: { readonly cause: unknown } | undefined = undefined;
  /** Those whose factory asked for the signal, the newest last; some may be over, or cancelled. */
  #cancellable: Creation[] = [];
  readonly #createTimers: CallTimers;
  readonly #destroyTimers: CallTimers;
  readonly #abandonTimers: CallTimers;
  /** Calls of `clear`, `drain` and `close` that wait for the factory. */
  #endings = 0;
  #retrying = false;
  /** How the wait ended that was taken out of the queue last. */
  #waitOutcome = '';
  /** How many entries may still go by age in the evictor's run of that time. */
  readonly #agedRun = { atMillis: -1, left: 0 };

  /** Waiters that accept a hand-off. */
  readonly #acceptingHandOff = new WeakSet<Waiter<T>>();
  readonly #drainWaits: (() => void)[] = [];

  /** Whether `lend` and `recycle` have to be kept out of their borrower's AsyncLocalStorage context. */
  protected readonly isolates: boolean;

  constructor(settings: Settings<T>, isolates: boolean) {
    super(settings);
    this.settings = settings;
    this.isolates = isolates;
    this.#testOnBorrow = settings.testOnBorrow;
    this.#maxUses = settings.maxUses;
    this.#burst = settings.burst;
    this.#limit = settings.max || Number.POSITIVE_INFINITY;
    const timers = (millis: number, option: string) =>
      new CallTimers(millis, option, () => this.state());
    const { createTimeoutMillis, destroyTimeoutMillis } = settings;
    const abandonMillis = Math.min(createTimeoutMillis * ABANDONED_TIMEOUTS, MAX_TIMER_MILLIS);
    this.#createTimers = timers(createTimeoutMillis, 'createTimeoutMillis');
    this.#destroyTimers = timers(destroyTimeoutMillis, 'destroyTimeoutMillis');
    this.#abandonTimers = timers(abandonMillis, 'createTimeoutMillis');
    this.#leakWatch =
      settings.leakDetectionMillis === 0
        ? undefined
        : new LeakWatch(settings.leakDetectionMillis, (entry, acquiredAt) => {
            this.leaks++;
            this.emitSafely('leak', entry.resource, { kind: 'held', acquiredAt });
          });
    this.evictor.judge = (candidate, entry) =>
      this.#isDueByAge(entry) ? 'age' : firstReason(settings.policies, candidate, this.state());
  }

  // ---------------------------------------------------------------- What there is

  get borrowed(): number {
    return this.#borrowed;
  }

  /** The counters of now. */
  state(): PoolState {
    const { size, available, borrowed, pending, max, min } = this;
    const creating = this.creating.size;
    return { name: this.settings.name, max, min, size, available, borrowed, pending, creating };
  }

  protected closedError(): PoolClosedError {
    return new PoolClosedError(this.closed ? 'closed' : 'draining', this.state());
  }

  /** The process stays alive for the timers of the factory's calls while somebody waits for these, only. */
  protected updateAwaited(): void {
    const isWaiting = this.waiting.length > 0 || !this.readinesses.isEmpty;
    const isEnding = this.#endings > 0;
    this.#createTimers.awaited = isWaiting || isEnding;
    this.#destroyTimers.awaited = isEnding || (isWaiting && this.countDestroying);
    this.#abandonTimers.awaited = isWaiting && this.countDestroying;
    this.backoff.awaited = isWaiting;
  }

  /** Waits for what the factory is doing, on behalf of a caller. */
  protected async untilEnded<R>(work: Promise<R>): Promise<R> {
    this.#endings++;
    this.updateAwaited();
    const result = await work;
    this.#endings--;
    this.updateAwaited();
    return result;
  }

  protected emitSafely<E extends keyof PoolEvents<T>>(event: E, ...args: PoolEvents<T>[E]): void {
    try {
      this.emit(event, ...args);
    } catch (error) {
      rethrowUncaught(error);
    }
  }

  // ---------------------------------------------------------------- Creating

  protected get refillable(): boolean {
    return !this.backoff.waiting;
  }

  /** Whether resources are made that nobody waits for. */
  get #growing(): boolean {
    return this.started && !this.draining;
  }

  /**
   * Whether more acquires wait than resources are idle or on their way. At `max` only burst creations
   * are left, and only priority 0 may use them.
   */
  get #hasShortfall(): boolean {
    const full = this.held >= this.#limit;
    return (full ? this.waiting.topPriorityLength : this.waiting.length) > this.incoming;
  }

  protected override dispense(): void {
    if (this.#holdsOff()) return;
    super.dispense();
    if (this.#burst === 0) return;
    const limit = this.#limit + this.#burst;
    while (this.waiting.topPriorityLength > this.incoming && this.create(limit));
  }

  /**
   * Whether waiters are left to wait, after a creation failed, until it is tried again: an existing
   * resource may serve them meanwhile, or they are patient.
   */
  #holdsOff(): boolean {
    if (!this.backoff.waiting || !this.#waitersCanWait()) return false;
    return this.idle.length === 0; // a requeued waiter of a pool that drains may have one
  }

  /** Whether a failed creation is not the end of an acquire. */
  #waitersCanWait(): boolean {
    return this.entries.size > 0 || !this.settings.propagateCreateError;
  }

  /** Starts one creation, unless `limit` resources are held; says whether it did. */
  protected override create(limit = this.#limit): boolean {
    if (this.#isFull(limit)) return false;
    return outsideRequests(() => this.#create(limit)); // what follows from it, too
  }

  #isFull(limit: number): boolean {
    return this.held >= limit || this.closed;
  }

  #create(limit: number): boolean {
    const creation = new Creation(this.#generation, turnMillis(), this.#onSignal);
    let create = () => this.factory.create(creation);
    try {
      const may: unknown = this.factory.canCreate?.();
      if (isThenable(may)) throw refusePromise('factory.canCreate', may);
      if (may === false || this.#isFull(limit)) return false; // canCreate may have used the pool
    } catch (error) {
      create = () => {
        throw error;
      };
    }
    // The slot is taken before the factory is called, for it may call the pool in turn.
    this.creating.add(creation);
    const made = settled(create);
    this.#createTimers.within(
      made,
      'create',
      (resource) => {
        this.#endCreation(creation, undefined);
        this.#onCreated(resource, creation);
        creation.end();
      },
      (error, isLate) => {
        this.#endCreation(creation, error);
        if (isLate) this.#abandon(made, creation, error);
        if (creation.cancelled) this.#onCancelled();
        else this.#onCreateFailed(error);
        creation.end();
      },
    );
    return true;
  }

  #endCreation(creation: Creation, error: unknown): void {
    creation.hasEnded = true;
    this.creating.delete(creation);
    if (creation.cancelled) this.cancelled--;
    if (this.#cancellable.length > 2 * this.creating.size) this.#forgetUncancellable();
    const millis = millisSince(creation.startedMillis, clockMillis());
    this.creations.add(millis);
    if (!channels.create.hasSubscribers) return;
    channels.create.publish({ pool: this.settings.name, millis, error });
  }

  /** A creation took too long. What comes of it late is destroyed; it counts for a while until then. */
  #abandon(made: Promise<T>, creation: Creation, error: unknown): void {
    let isAbandoned = true;
    const end = () => {
      if (!isAbandoned) return;
      isAbandoned = false;
      this.abandoned--;
      if (this.countDestroying) this.fill();
    };
    this.abandoned++;
    made.then((late) => {
      this.#discardLate(late, creation);
      end();
    }, end);
    creation.expire(error);
    this.#abandonTimers.within(made, 'create', () => {}, end);
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
    this.createUpTo(this.readinesses.count);
  }

  grow(count = 1): number {
    checkOptions('grow', { count }, { count: wholeNumber(0) });
    let begun = 0;
    while (begun < count && this.#growing && this.create()) begun++;
    return begun;
  }

  protected createUpTo(count: number): void {
    while (this.size < count && this.#growing && this.create());
  }

  #onCreated(resource: T, creation: Creation): void {
    if (resource === undefined || this.entries.has(resource)) {
      const what = resource === undefined ? 'undefined' : 'a resource that the pool holds already';
      this.#onCreateFailed(new TypeError(`factory.create gave ${what}`));
      return;
    }
    const entry = this.#register(resource, creation);
    this.#lastFailure = undefined;
    this.createErrorsInARow = 0;
    this.emitSafely('create', resource);
    if (this.#isStale(entry)) this.discard(entry, this.#replaceReason);
    else this.offer(entry);
    this.#resolveReady();
    this.backoff.succeed(); // now that it has come to whom it was for
  }

  /** At `max` no more can be waited for: `resize` may have lowered it since. */
  #resolveReady(): void {
    if (this.readinesses.isEmpty) return;
    const { size } = this.entries;
    this.readinesses.resolve(size >= this.#limit ? Number.POSITIVE_INFINITY : size);
    this.updateAwaited();
  }

  #register(resource: T, { generation }: Creation): Entry<T> {
    const { maxAgeMillis, maxAgeJitter } = this.settings;
    const now = Date.now();
    const oldAt = now + maxAgeMillis * (1 - maxAgeJitter * Math.random());
    const entry = new Entry(resource, now, generation, oldAt);
    this.entries.set(resource, entry);
    this.created++;
    return entry;
  }

  /** A resource whose creation had failed by then. */
  #discardLate(resource: T, creation: Creation): void {
    if (resource === undefined || this.entries.has(resource)) return;
    const entry = this.#register(resource, creation);
    this.emitSafely('create', resource);
    this.discard(entry, 'late');
  }

  #onCreateFailed(cause: unknown): void {
    this.createErrors++;
    this.createErrorsInARow++;
    this.#lastFailure = { cause };
    const state = this.state();
    const makeError = () => new CreateError(cause, state);
    const awaited = this.#hasShortfall && this.#waitersCanWait();
    if (!awaited) {
      // The failed resource was meant for the first waiter, unless others on their way cover the queue.
      if (this.#hasShortfall) this.#rejectFirst('ERR_POOL_CREATE', makeError);
      this.#retryLater();
    }
    if (this.settings.propagateCreateError) this.rejectReadinesses(makeError);
    const wanted = Math.max(this.min, this.readinesses.count);
    const isBelow = !this.draining && this.size < wanted;
    if (!this.closed && (awaited || isBelow)) this.backoff.fail();
    this.emitSafely('factoryCreateError', makeError());
    this.checkDrained();
  }

  protected rejectReadinesses(makeError: () => Error): void {
    this.readinesses.reject(makeError);
    this.updateAwaited();
  }

  #onCancelled(): void {
    this.fill();
    this.checkDrained();
  }

  /**
   * Creates for the other waiters in a later turn of the event loop: a factory that always fails, at
   * once, would otherwise keep timers and I/O waiting until everybody is rejected.
   */
  #retryLater(): void {
    if (this.#retrying || this.waiting.length <= this.incoming) return;
    this.#retrying = true;
    nextTurn(() => {
      this.#retrying = false;
      this.dispense();
    });
  }

  /** Tells the factory of creations under way that nobody needs any more. */
  #cancelUnneeded(): void {
    const { entries, idle, waiting, min } = this;
    const available = idle.length + this.validating.size + this.recycling.size;
    const forWaiters = Math.max(waiting.length - available, 0);
    const wanted = this.draining ? 0 : Math.max(min, this.readinesses.count) - entries.size;
    let surplus = this.creating.size - this.cancelled - Math.max(forWaiters, wanted, 0);
    while (surplus > 0) {
      const newest = this.#cancellable.pop();
      if (newest === undefined) return;
      if (this.#cancel(newest, 'nobody needs the resource any more')) surplus--;
    }
  }

  readonly #onSignal = (creation: Creation): void => {
    this.#cancellable.push(creation);
  };

  #forgetUncancellable(): void {
    this.#cancellable = this.#cancellable.filter((creation) => creation.isCancellable);
  }

  #cancel(creation: Creation, why: string): boolean {
    if (!creation.isCancellable) return false;
    this.cancelled++;
    const reason = new DOMException(`${this.settings.name}: ${why}`, 'AbortError');
    outsideRequests(() => creation.cancel(reason));
    return true;
  }

  protected cancelAll(): void {
    for (const creation of this.creating) this.#cancel(creation, 'the pool is closed');
  }

  /** `destroy` keeps its limit: close waits for it. */
  protected stopCreateTimers(): void {
    this.#createTimers.stop();
    this.#abandonTimers.stop();
  }

  // ---------------------------------------------------------------- Lending

  /** The fast lane: lends an idle entry where nobody waits and no promise has to be awaited. */
  protected borrowIdle(): Entry<T> | undefined {
    if (this.waiting.length > 0 || this.draining) return undefined;
    const entry = this.#testOnBorrow ? this.#shiftTested() : this.#shiftIdle();
    if (entry === undefined) return undefined;
    this.#lend(entry);
    if (this.#leakWatch !== undefined) {
      this.#leakWatch.watch(entry, new Error('acquired'));
      entry.lentMillis = clockMillis();
    }
    return entry;
  }

  /** An idle entry that is not too old. */
  #shiftIdle(): Entry<T> | undefined {
    let entry = this.idle.shift();
    while (entry !== undefined && isOld(entry)) {
      this.discard(entry, 'age');
      entry = this.waiting.length > 0 || this.draining ? undefined : this.idle.shift();
    }
    return entry;
  }

  /**
   * An idle entry that `validate` passes at once, or has passed a moment ago. One that it needs time
   * for is left to it.
   */
  #shiftTested(): Entry<T> | undefined {
    for (let entry = this.#shiftIdle(); entry !== undefined; entry = this.#shiftIdle()) {
      if (entry.validUntilMillis > 0 && entry.validUntilMillis > Date.now()) return entry;
      const verdict = this.#validate(entry);
      if (isFit(verdict) && !this.closed) return entry; // validate itself may have closed the pool
      this.#applyVerdict(entry, verdict, 'validate');
      if (isThenable(verdict)) return undefined;
    }
    return undefined;
  }

  #lend(entry: Entry<T>): void {
    entry.state = 'borrowed';
    entry.lent = entry.resource;
    entry.loans++;
    entry.validUntilMillis = 0;
    this.#borrowed++;
    this.acquired++;
    if (release.hasSubscribers) entry.lentMillis = clockMillis();
  }

  /** Lends an entry to a waiter. Its loan is timed: a waiter's clock is read in any case. */
  #lendToWaiter(entry: Entry<T>): void {
    this.#lend(entry);
    if (entry.lentMillis < 0) entry.lentMillis = turnMillis();
  }

  /** The queue: the waiter gets a resource that is lent by then, or a rejection. Throws for an abort. */
  protected wait(options: TakeOptions, acceptsHandOff: boolean, waiter: Waiter<T>): void {
    this.start();
    const lowest = this.settings.priorityRange - 1;
    const { signal, requeue = false } = options;
    throwIfAborted(signal); // by now: a factory call may have aborted it
    const priority = Math.min(options.priority ?? lowest, lowest);
    const { timeoutMillis = this.settings.acquireTimeoutMillis } = options;
    const refusal = requeue ? this.#refusalOfRequeued() : this.#refusal(priority);
    if (refusal !== undefined) {
      this.refused++;
      if (channels.wait.hasSubscribers) {
        channels.wait.publish({ pool: this.settings.name, millis: 0, outcome: refusal.code });
      }
      waiter(Promise.reject(refusal));
      return;
    }
    const told = channels.wait.hasSubscribers ? this.#telling(waiter) : waiter;
    const watched = this.#watched(told);
    const since = turnMillis();
    const enqueue = (inQueue: Waiter<T>) => {
      if (acceptsHandOff) this.#acceptingHandOff.add(inQueue);
      return this.waiting.enqueue(inQueue, priority, requeue, since);
    };
    const longest = timeoutMillis === Number.POSITIVE_INFINITY ? 0 : timeoutMillis;
    if (longest === 0 && signal === undefined) enqueue(watched);
    else this.#enqueueLimited(watched, priority, longest, signal, enqueue);
    if (this.waiting.length === 1) this.updateAwaited();
    this.dispense();
  }

  #enqueueLimited(
    waiter: Waiter<T>,
    priority: number,
    timeoutMillis: number,
    signal: AbortSignal | undefined,
    enqueue: (inQueue: Waiter<T>) => number,
  ): void {
    const caller = new Error(); // for its stack: where the acquire was made
    const giveUp = (reason: unknown, outcome: string) => {
      this.waiting.remove(ticket, priority);
      this.#noteWait(outcome);
      inQueue(Promise.reject(reason));
      this.#cancelUnneeded();
      this.checkDrained();
    };
    const onTimeout = () => {
      this.timeouts++;
      const error = new AcquireTimeoutError(
        timeoutMillis,
        this.state(),
        this.#lastFailure,
        this.#retryAfterMillis(),
      );
      calledFrom(error, caller);
      giveUp(this.factory.timedOut?.(error) ?? error, 'timeout');
    };
    const onAbort = () => {
      this.aborted++;
      giveUp(abortReason(signal as AbortSignal), 'aborted');
    };
    const inQueue = withTimeoutAndSignal(waiter, timeoutMillis, signal, onTimeout, onAbort);
    const ticket = enqueue(inQueue);
  }

  /** A requeued acquire is admitted even while the pool drains. */
  #refusalOfRequeued(): PoolError | undefined {
    return this.closed ? this.closedError() : undefined;
  }

  #refusal(priority: number): PoolError | undefined {
    if (this.draining) return this.closedError();
    const { maxWaitingClients } = this.settings;
    if (this.waiting.length - this.incoming < maxWaitingClients) return undefined;
    const spare = this.#limit + (priority === 0 ? this.#burst : 0) - this.held;
    if (spare >= 1 && !this.#hasShortfall) return undefined; // one may be made for it
    return new QueueFullError(maxWaitingClients, this.state(), this.#retryAfterMillis());
  }

  /**
   * When an acquire that is made again is likely to be served: when creation is tried again, or, by the
   * mean of the loans so far, when all who wait now have been served.
   */
  #retryAfterMillis(): number | undefined {
    if (this.backoff.waiting) return this.backoff.leftMillis;
    const { meanMillis } = this.loans;
    if (meanMillis === undefined || this.entries.size === 0) return undefined;
    return Math.ceil((meanMillis * (this.waiting.length + 1)) / this.entries.size);
  }

  /** Tells of a wait when it is over, in the context of its acquire. */
  #telling(waiter: Waiter<T>): Waiter<T> {
    const run = contextOfNow();
    const since = clockMillis();
    return (given) => {
      const millis = clockMillis() - since;
      const outcome = this.#waitOutcome;
      run(() => channels.wait.publish({ pool: this.settings.name, millis, outcome }));
      waiter(given);
    };
  }

  /** The stack of an acquire that waits is the one of its call, not of the return that serves it. */
  #watched(waiter: Waiter<T>): Waiter<T> {
    if (this.#leakWatch === undefined) return waiter;
    const acquired = new Error('acquired');
    return (outcome) => {
      const entry = outcome instanceof Promise ? undefined : this.entries.get(outcome);
      if (entry !== undefined) this.#leakWatch?.watch(entry, acquired);
      waiter(outcome);
    };
  }

  /** Takes out the first waiter, for a resource or for an error. There has to be one. */
  #nextWaiter(outcome: string): Waiter<T> {
    const waiter = this.waiting.dequeue();
    this.#noteWait(outcome);
    return waiter;
  }

  /** A waiter was taken out of the queue. */
  #noteWait(outcome: string): void {
    const millis = millisSince(this.waiting.takenSinceMillis, turnMillis());
    this.waits.add(millis);
    this.#waitOutcome = outcome;
    if (this.waiting.length === 0) this.updateAwaited();
  }

  #rejectFirst(code: string, makeError: () => Error): void {
    this.#nextWaiter(code)(rejection(makeError));
  }

  protected rejectAllWaiting(): void {
    while (this.waiting.length > 0) {
      const state = this.state();
      this.#rejectFirst('ERR_POOL_CLOSED', () => new PoolClosedError('closed', state));
    }
  }

  // ---------------------------------------------------------------- Returning

  /** Takes a lent entry back; `error` is what its borrower threw, where it threw. */
  protected returnEntry(entry: Entry<T>, threw: boolean, error: unknown): void {
    this.#endLoan(entry);
    if (this.factory.recycle !== undefined) this.#recycle(entry, threw, error);
    else if (threw) this.discard(entry, 'threw', error);
    else this.#retireOrOffer(entry);
  }

  /** Lends a lent entry to the next waiter, if that is a `take`, without asking the factory. */
  protected handOffEntry(entry: Entry<T>): boolean {
    const waiter = this.waiting.first;
    if (waiter === undefined || !this.#acceptingHandOff.has(waiter)) return false;
    if (this.#reasonToRetire(entry) !== undefined || this.#isSurplus()) return false;
    this.#endLoan(entry);
    this.#nextWaiter('served');
    this.#lendToWaiter(entry);
    waiter(entry.resource);
    return true;
  }

  /** Takes a lent entry back, or away from its borrower, to destroy it. */
  protected revoke(entry: Entry<T>, reason: string, cause?: unknown): void {
    this.#endLoan(entry);
    this.discard(entry, reason, cause);
  }

  #endLoan(entry: Entry<T>): void {
    entry.state = 'checking';
    this.#borrowed--;
    if (this.#leakWatch !== undefined) this.#leakWatch.forget(entry);
    if (entry.lentMillis >= 0) this.#noteLoan(entry);
  }

  /** A loan that was timed has ended. */
  #noteLoan(entry: Entry<T>): void {
    const { hasSubscribers } = release;
    const now = hasSubscribers ? clockMillis() : turnMillis();
    const millis = Math.max(now - entry.lentMillis, 0);
    entry.lentMillis = -1;
    this.loans.add(millis);
    if (hasSubscribers) release.publish({ pool: this.settings.name, millis });
  }

  /** Where a loan that is watched was acquired. */
  protected acquiredAt(entry: Entry<T>): string | undefined {
    return this.#leakWatch?.acquiredAt(entry);
  }

  #recycle(entry: Entry<T>, threw: boolean, error: unknown): void {
    let verdict: Verdict;
    try {
      verdict = this.isolates
        ? this.#askRecycleOutside(entry.resource, threw, error)
        : this.#askRecycle(entry.resource, threw, error);
    } catch (cause) {
      this.discard(entry, 'unfit', cause);
      return;
    }
    if (isFit(verdict)) this.#retireOrOffer(entry);
    else this.#applyVerdict(entry, verdict, 'recycle');
  }

  #askRecycle(resource: T, threw: boolean, error: unknown): Verdict {
    const { factory } = this;
    return threw ? factory.recycle?.(resource, error) : factory.recycle?.(resource);
  }

  #askRecycleOutside(resource: T, threw: boolean, error: unknown): Verdict {
    return outsideRequests(() => this.#askRecycle(resource, threw, error));
  }

  /** A returned entry that `recycle` passed: destroyed if it is used up, or else lent again. */
  #retireOrOffer(entry: Entry<T>): void {
    const reason = this.#reasonToRetire(entry);
    if (reason !== undefined) this.discard(entry, reason);
    else if (this.#testOnBorrow && this.waiting.length > 0) this.validateAndOffer(entry);
    else this.offer(entry);
  }

  #reasonToRetire(entry: Entry<T>): DestroyReason | undefined {
    if (entry.loans >= this.#maxUses) return 'uses';
    if (this.#isStale(entry)) return this.#replaceReason;
    return isOld(entry) ? 'age' : undefined;
  }

  #isStale(entry: Entry<T>): boolean {
    return entry.generation !== this.#generation;
  }

  /** More exist than may: a burst is over, or `max` was lowered. */
  #isSurplus(): boolean {
    if (this.entries.size <= this.#limit) return false;
    const isUrgent = this.waiting.topPriorityLength > 0;
    return !isUrgent || this.entries.size > this.#limit + this.#burst;
  }

  protected override offer(entry: Entry<T>): void {
    if (this.closed) {
      this.discard(entry, 'close');
      return;
    }
    if (this.#isSurplus()) {
      this.discard(entry, this.#burst > 0 ? 'burst' : 'resized');
      return;
    }
    if (this.waiting.length === 0) {
      this.idle.add(entry);
      if (this.draining) this.checkDrained();
      return;
    }
    const waiter = this.#nextWaiter('served');
    this.#lendToWaiter(entry);
    waiter(entry.resource);
  }

  // ---------------------------------------------------------------- Judging

  protected override validateAndOffer(entry: Entry<T>): void {
    if (isOld(entry)) this.discard(entry, 'age');
    else this.#applyVerdict(entry, this.#validate(entry), 'validate');
  }

  #validate(entry: Entry<T>): Verdict {
    try {
      return outsideRequests(() => this.factory.validate?.(entry.resource));
    } catch (cause) {
      return Promise.reject(cause);
    }
  }

  /** Does what a verdict says, once it is there. */
  #applyVerdict(entry: Entry<T>, verdict: Verdict, call: 'validate' | 'recycle' | 'idle'): void {
    const reason = call === 'recycle' ? 'unfit' : 'invalid';
    if (!isThenable(verdict)) {
      if (verdict === false) this.discard(entry, reason);
      else if (verdict instanceof Unfit) this.discard(entry, verdict.reason, verdict.cause);
      else if (call === 'recycle') this.#retireOrOffer(entry);
      else if (this.#isStale(entry)) this.discard(entry, this.#replaceReason);
      else if (isOld(entry))
        this.discard(entry, 'age'); // by now: the answer may have taken long
      else if (call === 'idle' && this.waiting.length === 0 && !this.closed) this.#putBack(entry);
      else this.offer(entry);
      return;
    }
    outsideRequests(() => this.#whenAnswered(entry, verdict, call, reason));
  }

  #whenAnswered(
    entry: Entry<T>,
    verdict: PromiseLike<unknown>,
    call: 'validate' | 'recycle' | 'idle',
    reason: DestroyReason,
  ): void {
    const asked = call === 'recycle' ? this.recycling : this.validating;
    asked.add(entry);
    this.#createTimers.within(
      verdict,
      call === 'idle' ? 'validate' : call,
      (answer) => {
        if (!asked.delete(entry)) return; // destroyed meanwhile
        if (call === 'validate') entry.validUntilMillis = Date.now() + VALID_MILLIS;
        this.#applyVerdict(entry, answer, call);
      },
      (cause) => {
        if (asked.delete(entry)) this.discard(entry, reason, cause);
      },
    );
  }

  #putBack(entry: Entry<T>): void {
    this.idle.putBack(entry);
    if (this.draining) this.checkDrained();
  }

  /** Whether the factory's `validate` or `recycle` has the entry, and nothing else. */
  protected isAsked(entry: Entry<T>): boolean {
    return this.validating.has(entry) || this.recycling.has(entry);
  }

  // ---------------------------------------------------------------- Evicting

  /**
   * Whether an idle entry goes by its age. Those that `min` wants replaced go a quarter at a time, and where
   * `max` has room their successors are made first: they themselves go in a later run.
   */
  #isDueByAge(entry: Entry<T>): boolean {
    const { nowMillis } = this.evictor;
    if (nowMillis < entry.oldAtMillis) return false;
    if (this.entries.size > this.min) return true;
    const run = this.#agedRun;
    if (run.atMillis !== nowMillis) {
      run.atMillis = nowMillis;
      run.left = Math.ceil(this.idle.length / 4) - this.creating.size;
    }
    if (run.left-- <= 0) return false;
    if (this.spareResourceCapacity < 1) return true;
    return this.refillable && !this.create();
  }

  /** Asks `validate` about idle entries, those first that were asked about longest ago. */
  protected override afterEviction(): void {
    if (!this.settings.testWhileIdle || this.draining) return;
    const idle = this.idle.toArray();
    idle.sort((one, other) => one.checkedMillis - other.checkedMillis);
    const count = Math.min(Math.ceil(idle.length / 4), this.settings.numTestsPerEvictionRun);
    for (const entry of idle.slice(0, count)) {
      if (entry.state !== 'idle') continue; // a `validate` may have borrowed it
      entry.checkedMillis = this.evictor.nowMillis;
      this.idle.remove(entry);
      this.#applyVerdict(entry, this.#validate(entry), 'idle');
    }
  }

  evict(count = 1, reason: DestroyReason = 'evicted'): number {
    checkOptions('evict', { count, reason }, { count: countOrInfinity, reason: aReason });
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

  /** Retires all resources: idle ones now, for `reason`, and the others as soon as they are returned or made. */
  protected retireAll(reason: DestroyReason): void {
    this.#generation++;
    this.#replaceReason = reason;
    for (const creation of this.creating) this.#cancel(creation, 'the pool was replaced');
    const idle = this.idle.toArray();
    for (const entry of idle) this.idle.remove(entry); // all, before a listener can borrow one
    for (const entry of idle) this.discard(entry, reason);
  }

  protected setMaxAndMin(max: number, min: number): void {
    this.setLimits(max, min);
    this.#limit = max || Number.POSITIVE_INFINITY;
    const surplus = this.size - this.#limit;
    if (surplus > 0) this.evict(Math.min(surplus, this.idle.length), 'resized');
    this.#resolveReady();
    this.fill();
  }

  // ---------------------------------------------------------------- Destroying

  /** Destroys an entry that is neither idle nor lent any more. */
  protected override discard(entry: Entry<T>, reason: DestroyReason, cause?: unknown): void {
    const { resource } = entry;
    entry.state = 'destroyed';
    this.entries.delete(resource);
    this.validating.delete(entry);
    this.recycling.delete(entry);
    this.destroyedBy.add(reason);
    if (channels.destroy.hasSubscribers) this.#publishDestroy(entry, reason);
    outsideRequests(() => this.#destroy(resource, reason));
    this.emitSafely('destroy', resource, reason, cause);
    this.fill();
    this.checkDrained();
  }

  #publishDestroy({ resource, createdMillis, loans }: Entry<T>, reason: DestroyReason): void {
    const ageMillis = millisSince(createdMillis);
    const bytes = this.factory.bytes?.(resource);
    channels.destroy.publish({ pool: this.settings.name, reason, ageMillis, uses: loans, bytes });
  }

  #destroy(resource: T, reason: DestroyReason): void {
    let work: unknown;
    try {
      work = this.factory.destroy(resource, reason);
    } catch (error) {
      this.#destroyFailed(error);
    }
    if (!isThenable(work)) return;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    this.destroying.add(over);
    const end = () => {
      this.destroying.delete(over);
      if (this.countDestroying) this.fill();
      resolve();
    };
    this.#destroyTimers.within(work, 'destroy', end, (error) => {
      this.#destroyFailed(error);
      end();
    });
  }

  #destroyFailed(cause: unknown): void {
    this.destroyErrors++;
    this.emitSafely('factoryDestroyError', new DestroyError(cause, this.state()));
  }

  /** Resolves once no destruction is under way. */
  protected async whenDestroyed(): Promise<void> {
    while (this.destroying.size > 0) await Promise.all(this.destroying);
    this.#destroyTimers.rest();
  }

  // ---------------------------------------------------------------- Ending

  /** Resolves once every resource is idle, and nobody waits. */
  protected whenDrained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drainWaits.push(resolve);
      this.checkDrained();
    });
  }

  /** Called whenever a resource or an acquire may have been the last that a shutdown waits for. */
  protected checkDrained(): void {
    if (this.#drainWaits.length === 0) return;
    const { entries, idle, creating, waiting } = this;
    const busy = entries.size - idle.length + creating.size + waiting.length;
    if (busy === 0) this.resolveDrained();
  }

  /** Ends what `drain` and `close` wait for. */
  protected resolveDrained(): void {
    for (const resolve of this.#drainWaits.splice(0)) resolve();
  }
}

function isOld<T>(entry: Entry<T>): boolean {
  return entry.oldAtMillis !== Number.POSITIVE_INFINITY && Date.now() >= entry.oldAtMillis;
}

/** As its method does, which a polyfill may lack. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}

/** A polyfill may lack the reason. */
function abortReason({ reason }: AbortSignal): unknown {
  return reason === undefined
    ? new DOMException('This operation was aborted', 'AbortError')
    : reason;
}

/**
 * A rejection for a waiter. The error is made once the waiter's promise follows this one: V8 then names in its
 * stack the async functions that wait for it, at no cost to the acquires that are served.
 */
function rejection(makeError: () => Error): Promise<never> {
  return Promise.resolve()
    .then(() => {})
    .then(() => {
      throw makeError();
    });
}

/** Gives an error the stack of the acquire that it is about: a timer's says nothing. */
function calledFrom(error: Error, { stack = '' }: Error): void {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
}

/** As in generic-pool, whatever is not a clear no is a yes; a promise is neither yet. */
function isFit(verdict: Verdict): boolean {
  if (verdict === true) return true;
  return verdict !== false && !(verdict instanceof Unfit) && !isThenable(verdict);
}
