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
export class EntryLease<T, Lent> implements Lease<Lent> {
  readonly #owner: LeaseOwner<T>;
  readonly #entry: Entry<T>;
  readonly #loan: number;
  readonly #value: Lent;

  /** @param view what `value` is; default: what the entry is lent as */
  constructor(
    owner: LeaseOwner<T>,
    entry: Entry<T>,
    view?: (resource: T, lease: Lease<Lent>) => Lent,
  ) {
    this.#owner = owner;
    this.#entry = entry;
    this.#loan = entry.loans;
    this.#value = view === undefined ? (entry.lent as Lent) : view(entry.resource, this);
  }

  get value(): Lent {
    if (!this.#owner.isOnLoan(this.#entry, this.#loan)) throw this.#owner.notBorrowed();
    return this.#value;
  }

  async release(): Promise<void> {
    this.#end('release');
  }

  async destroy(): Promise<void> {
    this.#end('destroy');
  }

  #end(how: 'release' | 'destroy'): void {
    if (!this.#owner.endLoan(this.#entry, this.#loan, how)) throw this.#owner.notBorrowed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#owner.endLoan(this.#entry, this.#loan, 'release');
  }
}
