import type { WasmInstance } from '../../instance/wasm-instance.js';
import type { WasmPool } from '../../pool/wasm-pool.js';

/** One instance that is on loan, and the requests that it serves. */
interface Loan<Exports> {
  readonly instance: WasmInstance<Exports, unknown>;
  requests: number;
  /** How many requests it has served, with those under way. */
  served: number;
  /** What one of its requests failed with: no other is given to it. */
  failure: { readonly error: unknown } | undefined;
  readonly end: (failure: { readonly error: unknown } | undefined) => void;
}

/** After so many requests an instance is given back between two of them, however many come. */
const REQUESTS_PER_LOAN = 100;

/** A request that waits for a loan with room, or for one of its own. */
interface Waiter<Exports> {
  readonly join: (loan: Loan<Exports>) => void;
}

/** Lends each instance to several requests at once. */
export class SharedLoans<Exports> {
  readonly #pool: WasmPool<Exports, unknown>;
  readonly #most: number;
  readonly #loans = new Set<Loan<Exports>>();
  readonly #waiting = new Set<Waiter<Exports>>();

  constructor(pool: WasmPool<Exports, unknown>, most: number) {
    this.#pool = pool;
    this.#most = most;
  }

  /** Runs a function with an instance. What it throws ends the loan once the others are through. */
  async use<R>(
    serve: (instance: WasmInstance<Exports, unknown>) => Promise<R>,
    options: { readonly signal: AbortSignal; readonly context: unknown },
  ): Promise<R> {
    if (this.#most === 1) return this.#pool.use(serve, options);
    const loan = this.#join() ?? (await this.#wait(options.signal));
    try {
      return await serve(loan.instance);
    } catch (error) {
      loan.failure ??= { error };
      throw error;
    } finally {
      this.#leave(loan);
    }
  }

  #hasRoom(loan: Loan<Exports>): boolean {
    const isOpen = loan.failure === undefined && loan.served < REQUESTS_PER_LOAN;
    return isOpen && loan.requests < this.#most;
  }

  #enter(loan: Loan<Exports>): Loan<Exports> {
    loan.requests++;
    loan.served++;
    return loan;
  }

  #join(): Loan<Exports> | undefined {
    for (const loan of this.#loans) if (this.#hasRoom(loan)) return this.#enter(loan);
    return undefined;
  }

  #leave(loan: Loan<Exports>): void {
    loan.requests--;
    if (loan.requests === 0) {
      this.#loans.delete(loan);
      loan.end(loan.failure);
    } else this.#admit(loan);
  }

  /** Gives the room of a loan to the waiters, in their order. */
  #admit(loan: Loan<Exports>): void {
    for (const waiter of this.#waiting) {
      if (!this.#hasRoom(loan)) return;
      waiter.join(this.#enter(loan));
    }
  }

  /** Waits for a loan of its own, and for room in another. Rejects as the pool's `use` does. */
  #wait(signal: AbortSignal): Promise<Loan<Exports>> {
    const { promise, resolve, reject } = Promise.withResolvers<Loan<Exports>>();
    const joined = new AbortController();
    const waiter: Waiter<Exports> = {
      join: (loan) => {
        this.#waiting.delete(waiter);
        resolve(loan);
        joined.abort();
      },
    };
    this.#waiting.add(waiter);
    const begin = (instance: WasmInstance<Exports, unknown>) => {
      if (!this.#waiting.delete(waiter)) return undefined; // it has joined another meanwhile
      const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>();
      const loan: Loan<Exports> = {
        instance,
        requests: 0,
        served: 0,
        failure: undefined,
        end: (failure) => (failure === undefined ? end() : fail(failure.error)),
      };
      this.#loans.add(loan);
      resolve(this.#enter(loan));
      this.#admit(loan);
      return ended;
    };
    this.#pool.use(begin, { signal: AbortSignal.any([signal, joined.signal]) }).catch((error) => {
      this.#waiting.delete(waiter);
      reject(error); // once it has a loan, that is nothing new
    });
    return promise;
  }
}
