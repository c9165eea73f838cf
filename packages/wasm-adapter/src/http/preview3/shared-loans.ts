import type { WasmInstance } from '../../instance/wasm-instance.js';
import type { WasmPool } from '../../pool/wasm-pool.js';

/** One instance that is on loan, and the requests that it serves. */
interface Loan<Exports> {
  readonly instance: WasmInstance<Exports, unknown>;
  requests: number;
  /** How many it has served, those that are under way too. */
  served: number;
  /** What one of its requests failed with: no other is given to it. */
  failure: { readonly error: unknown } | undefined;
  readonly end: (failure: { readonly error: unknown } | undefined) => void;
}

/** After so many requests an instance is given back between two of them, however many come. */
const REQUESTS_PER_LOAN = 100;

/** Lends each instance to several requests at once. */
export class SharedLoans<Exports> {
  readonly #pool: WasmPool<Exports, unknown>;
  readonly #most: number;
  readonly #loans = new Set<Loan<Exports>>();

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
    const loan = this.#open() ?? (await this.#begin(options.signal));
    loan.requests++;
    loan.served++;
    try {
      return await serve(loan.instance);
    } catch (error) {
      loan.failure ??= { error };
      throw error;
    } finally {
      loan.requests--;
      if (loan.failure !== undefined || loan.served >= REQUESTS_PER_LOAN) this.#loans.delete(loan);
      if (loan.requests === 0) {
        this.#loans.delete(loan);
        loan.end(loan.failure);
      }
    }
  }

  /** The loan with the most requests that has room: the others can end. */
  #open(): Loan<Exports> | undefined {
    let best: Loan<Exports> | undefined;
    for (const loan of this.#loans) {
      const hasRoom = loan.requests < this.#most && loan.failure === undefined;
      if (hasRoom && loan.requests > (best?.requests ?? 0)) best = loan;
    }
    return this.#pool.available > 0 && best !== undefined && best.requests > 0 ? undefined : best;
  }

  #begin(signal: AbortSignal): Promise<Loan<Exports>> {
    return new Promise((resolve, reject) => {
      const work = this.#pool.use(
        (instance) =>
          new Promise<void>((end, fail) => {
            const loan: Loan<Exports> = {
              instance,
              requests: 0,
              served: 0,
              failure: undefined,
              end: (failure) => (failure === undefined ? end() : fail(failure.error)),
            };
            this.#loans.add(loan);
            resolve(loan);
          }),
        { signal },
      );
      work.catch(reject); // once it has begun, its request has been told
    });
  }
}
