import {
  type AcquireOptions,
  acquireOptions,
  type LoanOptions,
  loanContext,
  type TakeOptions,
  takeOptions,
} from './acquire-options.js';
import type { AdapterFactory, AdapterPool } from './adapter.js';
import {
  checkIsObject,
  checkOptions,
  countOrInfinity,
  inspectValue,
  millisOrInfinity,
  OptionError,
  wholeNumber,
} from './check-options.js';
import type { Entry } from './entry.js';
import { NotBorrowedError, PoolEmptyError } from './errors.js';
import type { DestroyReason } from './factory.js';
import { isThenable, refusePromise, settled } from './factory-call.js';
import { EntryLease, type Lease, type LeaseOwner } from './lease.js';
import { addLivePool } from './live-pools.js';
import type { Settings } from './options.js';
import type { CloseOptions, InspectedResource, Limits, Sync } from './pool.js';
import { PoolMachine, throwIfAborted } from './pool-machine.js';
import { clockMillis, millisSince, outsideRequests, timeout } from './runtime.js';
import type { PoolStats } from './state.js';
import type { Waiter } from './waiter.js';

const DONE = Promise.resolve();

/** An entry, and which of its loans. */
interface Loan<T> {
  readonly entry: Entry<T>;
  readonly number: number;
}

/** The public face of a pool. What each method does is said where `Pool` and `AdapterPool` declare it. */
export class ResourcePool<T, Lent, Context>
  extends PoolMachine<T, Lent, Context>
  implements AdapterPool<T, Lent, Context>, LeaseOwner<T>
{
  protected readonly factory: AdapterFactory<T, Lent, Context>;
  #closing: Promise<void> | undefined = undefined;
  #leases: FinalizationRegistry<{ entry: Entry<T>; loan: number }> | undefined = undefined;

  /** Hides it from tools that watch pools. */
  readonly #hide: () => void;
  readonly #lends: boolean;
  readonly #beginsLoans: boolean;

  /**
   * @param makeFactory ties a factory to its pool; it must not use the pool before it returns
   * @param isolates whether `lend` and `recycle` are kept out of AsyncLocalStorage contexts of borrowers
   */
  constructor(
    makeFactory: (pool: AdapterPool<T, Lent, Context>) => AdapterFactory<T, Lent, Context>,
    settings: Settings<T>,
    isolates: boolean,
  ) {
    super(settings, isolates);
    this.factory = makeFactory(this);
    this.#lends = this.factory.lend !== undefined;
    this.#beginsLoans = this.#lends || this.factory.view !== undefined;
    this.#hide = addLivePool(this, (pool) => pool);
  }

  acquire(given?: number | AcquireOptions<Context>): Promise<Lent> {
    try {
      if (given === undefined) {
        const idle = this.borrowIdle();
        if (idle !== undefined) return Promise.resolve(this.#begin(idle, undefined));
      }
      const options = acquireOptions(given, 'acquire', this.#lends);
      throwIfAborted(options.signal);
      const entry = given === undefined ? undefined : this.borrowIdle();
      if (entry !== undefined) return Promise.resolve(this.#begin(entry, options.context));
      const { promise, resolve } = Promise.withResolvers<unknown>();
      this.wait(options, false, this.#beginsLoans ? this.#beginning(options, resolve) : resolve);
      return promise as Promise<Lent>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  tryAcquire(options?: LoanOptions<Context>): Lent | undefined {
    const context = loanContext(options, 'tryAcquire', this.#lends);
    const entry = this.borrowIdle();
    return entry && this.#begin(entry, context);
  }

  use<R>(fn: (resource: Lent) => R, given?: number | AcquireOptions<Context>): Promise<Awaited<R>> {
    if (typeof fn !== 'function') return Promise.reject(notAFunction('use', fn));
    try {
      if (given === undefined) {
        const idle = this.borrowIdle();
        if (idle !== undefined) return this.#run(idle, fn, this.#begin(idle, undefined));
      }
      const idleTried = given === undefined;
      return this.#borrow(given, 'use', idleTried).then((loan) => {
        const entry = this.#stillLent(loan);
        return this.#run(entry, fn, entry.lent as Lent);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  useSync<R>(fn: (resource: Lent) => Sync<R>, options?: LoanOptions<Context>): R {
    if (typeof fn !== 'function') throw notAFunction('useSync', fn);
    const context = loanContext(options, 'useSync', this.#lends);
    const entry = this.borrowIdle();
    if (entry === undefined) throw this.#emptyError();
    const lent = this.#begin(entry, context, false);
    const loan = entry.loans;
    let result: R;
    try {
      result = fn(lent);
    } catch (error) {
      this.#finish(entry, loan, true, error);
      throw error;
    }
    if (isThenable(result)) {
      Promise.resolve(result).catch(() => {}); // the error below says it, whatever becomes of it
      const error = new TypeError('useSync: the function returned a promise; use `use`');
      if (this.isOnLoan(entry, loan)) this.revoke(entry, 'threw');
      throw error;
    }
    this.#finish(entry, loan, false, undefined);
    return result;
  }

  #emptyError(): Error {
    if (this.draining) return this.closedError();
    const state = this.state();
    if (!this.started) return new PoolEmptyError(state, 'call start() first');
    if (this.validating.size === 0) return new PoolEmptyError(state, 'raise min');
    return new PoolEmptyError(state, 'try again when `validate` has answered');
  }

  async lease(given?: number | AcquireOptions<Context>): Promise<Lease<Lent>> {
    const entry = this.#stillLent(await this.#borrow(given, 'lease', false));
    const { factory } = this;
    const view = factory.leaseView?.bind(factory);
    const lease = new EntryLease<T, Lent>(this, entry, view);
    this.#leases ??= new FinalizationRegistry((lost) => this.#lose(lost.entry, lost.loan));
    this.#leases.register(lease, { entry, loan: entry.loans });
    return lease;
  }

  /** A loan has been made: tells the factory, and gives what the borrower gets. */
  #begin(entry: Entry<T>, context: Context | undefined, viewed = true): Lent {
    if (this.#beginsLoans) this.#callLend(entry, context, viewed);
    return entry.lent as Lent;
  }

  #callLend(entry: Entry<T>, context: Context | undefined, viewed: boolean): void {
    const { factory } = this;
    const { resource } = entry;
    try {
      // Declared void, it may be async all the same, and then its rejection would be nobody's.
      const answer: unknown = this.isolates
        ? this.#lendOutside(resource, context)
        : factory.lend?.(resource, context);
      if (isThenable(answer)) {
        throw refusePromise('factory.lend', answer);
      }
      if (viewed && factory.view !== undefined) entry.lent = factory.view(resource);
    } catch (error) {
      this.revoke(entry, 'unfit', error);
      throw error;
    }
  }

  #lendOutside(resource: T, context: Context | undefined): unknown {
    return outsideRequests(() => this.factory.lend?.(resource, context));
  }

  /** A waiter that begins its loan when it is served. */
  #beginning(
    { context }: AcquireOptions<Context>,
    resolve: (outcome: Promise<never> | Lent) => void,
  ): Waiter<T> {
    return (outcome) => {
      if (outcome instanceof Promise) resolve(outcome);
      else {
        try {
          resolve(this.#begin(this.entries.get(outcome) as Entry<T>, context));
        } catch (error) {
          resolve(Promise.reject(error));
        }
      }
    };
  }

  tryTake(): T | undefined {
    return this.borrowIdle()?.resource;
  }

  take(given: TakeOptions = {}): Promise<T> {
    return new Promise((resolve) => {
      const options = takeOptions(given); // what is thrown here rejects the promise
      throwIfAborted(options.signal);
      const idle = this.tryTake();
      if (idle !== undefined) resolve(idle);
      else this.wait(options, true, resolve);
    });
  }

  giveBack(resource: T): void {
    const entry = this.entries.get(resource);
    if (entry === undefined || entry.state !== 'borrowed') throw this.notBorrowed();
    this.returnEntry(entry, false, undefined);
  }

  release(resource: Lent): Promise<void> {
    const entry = this.#lentEntry(resource);
    if (entry === undefined) return this.#refuse();
    this.returnEntry(entry, false, undefined);
    return DONE;
  }

  destroy(resource: Lent): Promise<void> {
    const borrowed = this.#lentEntry(resource);
    const entry = borrowed ?? this.#unusedEntry(resource);
    if (entry === undefined) return this.#refuse();
    if (borrowed !== undefined) this.revoke(borrowed, 'borrower');
    else {
      if (entry.state === 'idle') this.idle.remove(entry);
      this.discard(entry, 'borrower');
    }
    return DONE;
  }

  /** The entry of a resource that is idle, or that the factory is asked about. */
  #unusedEntry(resource: unknown): Entry<T> | undefined {
    const entry = this.entries.get(resource);
    return entry !== undefined && (entry.state === 'idle' || this.isAsked(entry))
      ? entry
      : undefined;
  }

  /** The entry that is lent as `lent`. */
  #lentEntry(lent: unknown): Entry<T> | undefined {
    if (this.factory.view === undefined) {
      const entry = this.entries.get(lent);
      return entry?.state === 'borrowed' ? entry : undefined;
    }
    const viewed = this.factory.viewed?.(lent as Lent);
    const entry = viewed === undefined ? undefined : this.entries.get(viewed);
    return entry?.state === 'borrowed' && entry.lent === lent ? entry : undefined;
  }

  handOff(resource: T): boolean {
    const entry = this.entries.get(resource);
    if (entry === undefined || entry.state !== 'borrowed') throw this.notBorrowed();
    return this.handOffEntry(entry);
  }

  undoHandOff(resource: T, count: number): void {
    const entry = this.entries.get(resource);
    if (entry === undefined || entry.state !== 'borrowed') throw this.notBorrowed();
    entry.loans -= count;
    this.acquired -= count;
  }

  discardIdle(resource: T, reason: DestroyReason, cause?: unknown): boolean {
    const entry = this.entries.get(resource);
    if (entry === undefined || entry.state !== 'idle') return false;
    this.idle.remove(entry);
    this.discard(entry, reason, cause);
    return true;
  }

  isBorrowedResource(resource: Lent): boolean {
    return this.#lentEntry(resource) !== undefined;
  }

  /** As `acquire`, but tells which loan it is, which is known for certain only while it is made. */
  #borrow(
    given: number | AcquireOptions<Context> | undefined,
    call: string,
    idleTried: boolean,
  ): Promise<Loan<T>> {
    return new Promise((resolve) => {
      const options = acquireOptions(given, call, this.#lends); // what is thrown here rejects
      throwIfAborted(options.signal);
      const begun = (entry: Entry<T>): Loan<T> => {
        this.#begin(entry, options.context);
        return { entry, number: entry.loans };
      };
      const idle = idleTried ? undefined : this.borrowIdle();
      if (idle !== undefined) resolve(begun(idle));
      else {
        this.wait(options, false, (outcome) => {
          if (outcome instanceof Promise) resolve(outcome);
          else resolve(settled(() => begun(this.entries.get(outcome) as Entry<T>)));
        });
      }
    });
  }

  /** The entry of a loan just made. On its way here close, or a stray `release`, may have ended it. */
  #stillLent({ entry, number }: Loan<T>): Entry<T> {
    if (this.isOnLoan(entry, number)) return entry;
    throw this.notBorrowed();
  }

  #run<R>(entry: Entry<T>, fn: (resource: Lent) => R, lent: Lent): Promise<Awaited<R>> {
    const loan = entry.loans;
    let result: R;
    try {
      result = fn(lent);
    } catch (error) {
      this.#finish(entry, loan, true, error);
      return Promise.reject(error);
    }
    if (!isThenable(result)) {
      this.#finish(entry, loan, false, undefined);
      return Promise.resolve(result);
    }
    return Promise.resolve(result).then(
      (value) => {
        this.#finish(entry, loan, false, undefined);
        return value;
      },
      (error: unknown) => {
        this.#finish(entry, loan, true, error);
        throw error;
      },
    );
  }

  /** Ends a loan, unless the borrower has returned the resource itself or close took it away. */
  #finish(entry: Entry<T>, loan: number, threw: boolean, error: unknown): void {
    if (this.isOnLoan(entry, loan)) this.returnEntry(entry, threw, error);
  }

  isOnLoan(entry: Entry<T>, loan: number): boolean {
    return entry.state === 'borrowed' && entry.loans === loan;
  }

  endLoan(entry: Entry<T>, loan: number, how: 'release' | 'destroy'): boolean {
    if (!this.isOnLoan(entry, loan)) return false;
    if (how === 'release') this.returnEntry(entry, false, undefined);
    else this.revoke(entry, 'borrower');
    return true;
  }

  /** Its lease was collected. The borrower may have kept the resource: nobody else gets it. */
  #lose(entry: Entry<T>, loan: number): void {
    if (!this.isOnLoan(entry, loan)) return;
    const acquiredAt = this.acquiredAt(entry);
    this.revoke(entry, 'leak');
    this.leaks++;
    this.emitSafely('leak', entry.resource, { kind: 'lost', acquiredAt });
  }

  #refuse(): Promise<never> {
    const refusal = Promise.reject(this.notBorrowed());
    refusal.catch(() => {}); // as with generic-pool, it is safe to ignore
    return refusal;
  }

  notBorrowed(): NotBorrowedError {
    return new NotBorrowedError(this.state());
  }

  replace(): void {
    this.retireAll('replaced');
  }

  async clear(): Promise<void> {
    this.retireAll('clear');
    await this.untilEnded(Promise.all(Array.from(this.creating, ({ over }) => over)));
    await this.untilEnded(Promise.all(this.destroying));
  }

  resize(limits: Limits): void {
    checkIsObject('resize', limits, 'an object');
    checkOptions('resize', limits, { max: countOrInfinity, min: wholeNumber(0) });
    const { max: given = this.max || Number.POSITIVE_INFINITY, min = this.min } = limits;
    const max = given === Number.POSITIVE_INFINITY ? 0 : given;
    if (max !== 0 && min > max) {
      throw new OptionError(`resize: min is ${min}; accepted: a whole number up to max (${max})`);
    }
    this.setMaxAndMin(max, min);
  }

  async ready(count = this.min): Promise<void> {
    const most = this.max || Number.MAX_SAFE_INTEGER;
    checkOptions('ready', { count }, { count: wholeNumber(0, most) });
    if (this.entries.size >= count) return;
    if (this.draining) throw this.closedError();
    const ready = this.readinesses.wait(count);
    this.updateAwaited();
    this.createUpTo(count);
    await ready;
  }

  async drain(): Promise<void> {
    this.stopLending();
    this.rejectReadinesses(() => this.closedError());
    await (this.#closing ?? this.untilEnded(this.whenDrained()));
    this.stopEvicting();
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkOptions('close', options, { timeoutMillis: millisOrInfinity });
    this.#closing ??= this.#close();
    const { timeoutMillis = 0 } = options;
    let over = false;
    const timer =
      timeoutMillis > 0 && timeoutMillis !== Number.POSITIVE_INFINITY
        ? timeout(
            () => this.resolveDrained(),
            timeoutMillis,
            () => over,
          )
        : undefined;
    await this.#closing;
    over = true;
    clearTimeout(timer);
  }

  async #close(): Promise<void> {
    this.stopLending();
    this.stopEvicting();
    this.backoff.stop();
    this.closed = true;
    this.rejectAllWaiting();
    this.rejectReadinesses(() => this.closedError());
    this.cancelAll();
    this.evict(this.idle.length, 'close');
    await this.untilEnded(this.whenDrained());
    this.stopCreateTimers();
    for (const entry of this.entries.values()) {
      if (entry.state === 'borrowed') this.revoke(entry, 'close');
      else this.discard(entry, 'close');
    }
    // A creation that was given up may be over only now, and its resource be destroyed meanwhile.
    await this.untilEnded(this.whenDestroyed());
    this.factory.closed?.();
    this.#hide();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stats(): PoolStats {
    const { acquired, created, createErrors, destroyErrors, timeouts, aborted, refused, leaks } =
      this;
    return {
      ...this.state(),
      draining: this.draining,
      destroying: this.destroying.size,
      acquired,
      created,
      destroyed: created - this.entries.size,
      destroyedBy: this.destroyedBy.toRecord(),
      createErrors,
      destroyErrors,
      timeouts,
      aborted,
      refused,
      waits: this.waits.toStats(),
      loans: this.loans.toStats(),
      creations: this.creations.toStats(),
      createErrorsInARow: this.createErrorsInARow,
      leaks,
      ...this.#memory(),
    };
  }

  #memory(): Pick<PoolStats, 'memoryBytes'> {
    const { factory } = this;
    if (factory.bytes === undefined) return {};
    let memoryBytes = 0;
    for (const { resource } of this.entries.values()) memoryBytes += factory.bytes(resource);
    return { memoryBytes };
  }

  inspect(): InspectedResource<T>[] {
    const now = Date.now();
    const clock = clockMillis();
    return Array.from(this.entries.values(), (entry) => ({
      resource: entry.resource,
      state: entry.state,
      ageMillis: millisSince(entry.createdMillis, now),
      uses: entry.loans,
      idleMillis:
        entry.state === 'idle' && entry.idleSinceMillis >= 0
          ? millisSince(entry.idleSinceMillis, now)
          : 0,
      borrowedMillis:
        entry.state === 'borrowed' && entry.lentMillis >= 0 ? clock - entry.lentMillis : undefined,
      acquiredAt: entry.state === 'borrowed' ? this.acquiredAt(entry) : undefined,
      bytes: this.factory.bytes?.(entry.resource),
    }));
  }
}

function notAFunction(call: string, given: unknown): TypeError {
  return new TypeError(`${call}: fn is ${inspectValue(given)}; accepted: a function`);
}
