import { type AcquireOptions, acquireOptions } from './acquire-options.js';
import { checkOptions, millis } from './check-options.js';
import type { Entry } from './entry.js';
import { NotBorrowedError, PoolEmptyError } from './errors.js';
import { isThenable } from './factory-call.js';
import { EntryLease, type Lease, type LeaseOwner } from './lease.js';
import { Lending } from './lending.js';
import type { CloseOptions, Pool, Sync } from './pool.js';
import type { PoolState, PoolStats } from './state.js';

const DONE = Promise.resolve();

/** An entry, and which of its loans. */
interface Loan<T> {
  readonly entry: Entry<T>;
  readonly number: number;
}

/** The public face of a pool. What each method does is said where `Pool` declares it. */
export class ResourcePool<T> extends Lending<T> implements Pool<T>, LeaseOwner<T> {
  readonly #drained: (() => void)[] = [];
  #closing: Promise<void> | undefined = undefined;
  #leases: FinalizationRegistry<{ entry: Entry<T>; loan: number }> | undefined = undefined;

  acquire(given?: number | AcquireOptions): Promise<T> {
    if (given === undefined) {
      const entry = this.borrowIdle();
      if (entry !== undefined) return Promise.resolve(entry.resource);
    }
    try {
      const options = acquireOptions(given);
      options.signal?.throwIfAborted();
      const entry = given === undefined ? undefined : this.borrowIdle();
      if (entry !== undefined) return Promise.resolve(entry.resource);
      const { promise, resolve } = Promise.withResolvers<T>();
      this.wait(options, resolve);
      return promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  tryAcquire(): T | undefined {
    return this.borrowIdle()?.resource;
  }

  use<R>(fn: (resource: T) => R, given?: number | AcquireOptions): Promise<Awaited<R>> {
    if (given === undefined) {
      const entry = this.borrowIdle();
      if (entry !== undefined) return this.#run(entry, fn);
    }
    const took = given === undefined; // in vain
    return this.#borrow(given, took).then((loan) => this.#run(this.#stillLent(loan), fn));
  }

  useSync<R>(fn: (resource: T) => Sync<R>): R {
    const entry = this.borrowIdle();
    if (entry === undefined) {
      throw this.draining ? this.closedError() : new PoolEmptyError(this.state());
    }
    const loan = entry.loans;
    let result: R;
    try {
      result = fn(entry.resource);
    } catch (error) {
      this.#finish(entry, loan, true, error);
      throw error;
    }
    if (isThenable(result)) {
      Promise.resolve(result).catch(() => {}); // told by the error below, whatever becomes of it
      const error = new TypeError('useSync: the function returned a promise; use `use`');
      if (this.isOnLoan(entry, loan)) this.revoke(entry, 'threw');
      throw error;
    }
    this.#finish(entry, loan, false, undefined);
    return result;
  }

  async lease(given?: number | AcquireOptions): Promise<Lease<T>> {
    const entry = this.#stillLent(await this.#borrow(given));
    const lease = new EntryLease(this, entry);
    this.#leases ??= new FinalizationRegistry((lost) => this.#lose(lost.entry, lost.loan));
    this.#leases.register(lease, { entry, loan: entry.loans });
    return lease;
  }

  release(resource: T): Promise<void> {
    const entry = this.entries.get(resource);
    if (entry === undefined || entry.state !== 'lent') return this.#refuse();
    this.returnEntry(entry, false, undefined);
    return DONE;
  }

  destroy(resource: T): Promise<void> {
    const entry = this.entries.get(resource);
    if (entry === undefined || entry.state !== 'lent') return this.#refuse();
    this.revoke(entry, 'borrower');
    return DONE;
  }

  handOff(resource: T): boolean {
    const entry = this.entries.get(resource);
    if (entry === undefined || entry.state !== 'lent') throw this.notBorrowed();
    return this.handOffEntry(entry);
  }

  isBorrowedResource(resource: T): boolean {
    return this.entries.get(resource)?.state === 'lent';
  }

  /** As `acquire`, but tells which loan it is, which is known for certain only while it is made. */
  #borrow(given: number | AcquireOptions | undefined, took = false): Promise<Loan<T>> {
    return new Promise((resolve) => {
      const options = acquireOptions(given); // what is thrown here rejects the promise
      options.signal?.throwIfAborted();
      const entry = took ? undefined : this.borrowIdle();
      if (entry !== undefined) resolve({ entry, number: entry.loans });
      else this.wait(options, (outcome) => resolve(this.#loanOf(outcome)));
    });
  }

  #loanOf(outcome: T | Promise<never>): Loan<T> | Promise<never> {
    if (outcome instanceof Promise) return outcome;
    const entry = this.entries.get(outcome) as Entry<T>; // lent just now
    return { entry, number: entry.loans };
  }

  /** The entry of a loan just made. On its way here close, or a stray `release`, may have ended it. */
  #stillLent({ entry, number }: Loan<T>): Entry<T> {
    if (this.isOnLoan(entry, number)) return entry;
    throw this.notBorrowed();
  }

  #run<R>(entry: Entry<T>, fn: (resource: T) => R): Promise<Awaited<R>> {
    const loan = entry.loans;
    let result: R;
    try {
      result = fn(entry.resource);
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
    return entry.state === 'lent' && entry.loans === loan;
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

  async drain(): Promise<void> {
    this.stopLending();
    this.rejectReady(this.closedError());
    await (this.#closing ?? this.#whenDrained());
    this.stopEvicting();
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkOptions('close', options, { timeoutMillis: millis });
    this.#closing ??= this.#close();
    const { timeoutMillis = 0 } = options;
    const timer =
      timeoutMillis > 0 ? setTimeout(() => this.#resolveDrained(), timeoutMillis) : undefined;
    await this.#closing;
    clearTimeout(timer);
  }

  async #close(): Promise<void> {
    this.stopLending();
    this.stopEvicting();
    this.backoff.stop();
    this.closed = true;
    this.rejectAllWaiting(this.closedError());
    this.rejectReady(this.closedError());
    this.evict(this.idle.length, 'close');
    await this.#whenDrained();
    this.stopCreateTimers();
    for (const entry of this.entries.values()) {
      if (entry.state === 'lent') this.revoke(entry, 'close');
      else this.discard(entry, 'close');
    }
    // A creation that was given up may be over only now, and its resource be destroyed meanwhile.
    while (this.destroying.size > 0) await Promise.all(this.destroying);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #whenDrained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.checkDrained();
    });
  }

  protected override checkDrained(): void {
    const { entries, idle, creating, waiting } = this;
    const busy = entries.size - idle.length + creating.size + waiting.length;
    if (busy === 0) this.#resolveDrained();
  }

  /** Ends what `drain` and `close` wait for. */
  #resolveDrained(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  override state(): PoolState {
    const { size, available, borrowed, pending, max, min } = this;
    const creating = this.creating.size;
    return { name: this.settings.name, max, min, size, available, borrowed, pending, creating };
  }

  stats(): PoolStats {
    const { acquired, created, createErrors, destroyErrors, timeouts, leaks } = this;
    return {
      ...this.state(),
      acquired,
      created,
      destroyed: created - this.entries.size,
      destroyedBy: Object.fromEntries(this.destroyedBy),
      createErrors,
      destroyErrors,
      timeouts,
      leaks,
    };
  }
}
