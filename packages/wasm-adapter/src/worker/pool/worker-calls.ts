import { type Call, makeCall } from '../host/call.js';
import type { PooledWorker } from '../host/pooled-worker.js';
import { methods } from './lent-worker.js';
import type { WorkerPool } from './lent-worker-factory.js';
import type { ArgumentsOf, ResultOf, WorkerCallOptions } from './wasm-worker.js';

/** What calls of a pool are made with where their options do not say otherwise. */
export interface CallDefaults {
  readonly callTimeoutMillis: number;
  readonly timeoutMillis: number;
}

const noOptions: WorkerCallOptions<never> = {};

/** The calls that a pool of workers makes itself, each on the first worker that is free. */
export class WorkerCalls<Calls, Context> {
  readonly run: Calls;
  readonly #pool: WorkerPool<Calls, Context>;
  readonly #names: ReadonlySet<string>;
  readonly #defaults: CallDefaults;
  readonly #onLoan: () => void;

  /** @param onLoan called whenever a worker is lent for a call */
  constructor(
    pool: WorkerPool<Calls, Context>,
    names: ReadonlySet<string>,
    defaults: CallDefaults,
    onLoan: () => void,
  ) {
    this.#pool = pool;
    this.#names = names;
    this.#defaults = defaults;
    this.#onLoan = onLoan;
    this.run = methods(names, (name, args) => this.#call(name, args, noOptions));
  }

  /** As `WasmWorkerPool.call`. */
  readonly call = <Name extends keyof Calls & string>(
    name: Name,
    args: ArgumentsOf<Calls[Name]>,
    options: WorkerCallOptions<Context> = {},
  ): ResultOf<Calls[Name]> => this.#call(name, args, options) as ResultOf<Calls[Name]>;

  #call(
    name: string,
    args: readonly unknown[],
    options: WorkerCallOptions<Context>,
  ): Promise<unknown> {
    let call: Call;
    try {
      const { callTimeoutMillis = this.#defaults.callTimeoutMillis } = options;
      const { timeoutMillis = this.#defaults.timeoutMillis, priority, signal, context } = options;
      const settings = { priority, signal, context, callTimeoutMillis, timeoutMillis };
      call = makeCall(this.#names, name, args, settings);
    } catch (error) {
      return Promise.reject(error);
    }
    const worker = options === noOptions ? this.#pool.tryTake() : undefined;
    if (worker !== undefined) this.#serve(worker, call);
    else {
      const { timeoutMillis } = call;
      const { priority, signal } = call.settings;
      this.#pool
        .take({ priority, timeoutMillis, signal })
        .then((next) => this.#serve(next, call), call.rejectUnserved);
    }
    return call.promise;
  }

  #serve(worker: PooledWorker, call: Call): void {
    this.#onLoan();
    worker.serveQueued(call);
  }
}
