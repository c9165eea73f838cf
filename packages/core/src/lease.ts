import type { Entry } from './entry.js';
import type { NotBorrowedError } from './errors.js';

/** What a lease asks of the pool that made it. */
export interface LeaseOwner<T> {
  /** Whether an entry's nth loan is on still. */
  isOnLoan(entry: Entry<T>, loan: number): boolean;
  /** Ends it if so, and says whether it was. */
  endLoan(entry: Entry<T>, loan: number, how: 'release' | 'destroy'): boolean;
  notBorrowed(): NotBorrowedError;
}

/**
 * One loan of a resource, which ends when the lease is released, destroyed or disposed of:
 * `await using lease = await pool.lease()`. Unlike the resource itself, a lease that has ended can
 * not be mistaken for the next borrower's. One that is dropped gives its slot back once it is
 * garbage collected: its resource is destroyed, and a `leak` event tells.
 */
export interface Lease<T> extends AsyncDisposable {
  /** The resource. Throws a `NotBorrowedError` once the lease has ended. */
  readonly value: T;

  /** Gives the resource back. Rejects with a `NotBorrowedError` when the lease has ended before. */
  release(): Promise<void>;

  /** Gives the resource back to be destroyed. Rejects as `release` does. */
  destroy(): Promise<void>;

  /** Gives the resource back, unless that was done before. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A lease of a pool's entry. */
export class EntryLease<T> implements Lease<T> {
  readonly #lessor: LeaseOwner<T>;
  readonly #entry: Entry<T>;
  readonly #loan: number;

  constructor(lessor: LeaseOwner<T>, entry: Entry<T>) {
    this.#lessor = lessor;
    this.#entry = entry;
    this.#loan = entry.loans;
  }

  get value(): T {
    if (!this.#lessor.isOnLoan(this.#entry, this.#loan)) throw this.#lessor.notBorrowed();
    return this.#entry.resource;
  }

  async release(): Promise<void> {
    this.#end('release');
  }

  async destroy(): Promise<void> {
    this.#end('destroy');
  }

  #end(how: 'release' | 'destroy'): void {
    if (!this.#lessor.endLoan(this.#entry, this.#loan, how)) throw this.#lessor.notBorrowed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lessor.endLoan(this.#entry, this.#loan, 'release');
  }
}
