import type { CloseOptions, Lease, Pool } from '@wasm-pool/core';
import { PoolFacade } from '../../pool/pool-facade.js';
import { Spares } from '../../pool/spares.js';
import { type Call, makeCall } from '../host/call.js';
import type { PooledWorker, WorkerInfo } from '../host/pooled-worker.js';
import { LentWorker, methods } from './lent-worker.js';
import type {
  ArgumentsOf,
  ResultOf,
  WasmWorker,
  WorkerAcquireOptions,
  WorkerCallOptions,
} from './wasm-worker.js';
import type { WorkerSettings } from './worker-options.js';

/** What a pool of workers is made from. */
export interface WorkerPoolParts {
  readonly module: WebAssembly.Module;
  readonly restoreBlockers: readonly string[];
  readonly names: readonly string[];
  readonly settings: WorkerSettings;
  readonly spares: number;
  /** Ends those that are not the pool's, or not yet. */
  readonly endThreads: () => void;
}

const noOptions: WorkerCallOptions<never> = {};

/**
 * A pool of instances of one module, each on a thread of its own: for guests that compute for long,
 * and for those that nobody trusts to end.
 */
export class WasmWorkerPool<Calls = object, Context = unknown> extends PoolFacade<
  WorkerInfo,
  PooledWorker
> {
  /** The compiled module, as its author wrote it; of a component, its first core module. */
  readonly module: WebAssembly.Module;

  /** As `WasmPool.restoreBlockers`. */
  readonly restoreBlockers: readonly string[];

  /**
   * The tasks of `module` and the function exports of its instances, as methods: each call is run on
   * the first worker that is free, in order of arrival. It rejects as a call of a lent worker does, or
   * as `Pool.acquire`.
   */
  readonly run: Calls;

  readonly #names: ReadonlySet<string>;
  readonly #callTimeoutMillis: number;
  readonly #timeoutMillis: number;
  readonly #endThreads: () => void;
  readonly #spares: Spares<PooledWorker> | undefined;

  /** Use `createWasmWorkerPool`. */
  constructor(pool: Pool<PooledWorker>, parts: WorkerPoolParts) {
    super(pool);
    this.module = parts.module;
    this.restoreBlockers = parts.restoreBlockers;
    this.#names = new Set(parts.names);
    this.#callTimeoutMillis = parts.settings.callTimeoutMillis;
    this.#timeoutMillis = parts.settings.core.acquireTimeoutMillis ?? 0;
    this.#endThreads = parts.endThreads;
    this.#spares = parts.spares > 0 ? new Spares(pool, parts.spares) : undefined;
    this.run = methods(this.#names, (name, args) => this.#call(name, args, noOptions));
  }

  /** Calls one of the methods of `run`, with options. Rejects with an `OptionError` too. */
  call<Name extends keyof Calls & string>(
    name: Name,
    args: ArgumentsOf<Calls[Name]>,
    options: WorkerCallOptions<Context> = {},
  ): ResultOf<Calls[Name]> {
    return this.#call(name, args, options) as ResultOf<Calls[Name]>;
  }

  #call(
    name: string,
    args: readonly unknown[],
    options: WorkerCallOptions<Context>,
  ): Promise<unknown> {
    let call: Call;
    try {
      const { callTimeoutMillis = this.#callTimeoutMillis } = options;
      const { timeoutMillis = this.#timeoutMillis, priority, signal, context } = options;
      const settings = { priority, signal, context, callTimeoutMillis, timeoutMillis };
      call = makeCall(this.#names, name, args, settings);
    } catch (error) {
      return Promise.reject(error);
    }
    const worker = options === noOptions ? this.pool.tryAcquire() : undefined;
    if (worker !== undefined) this.#serve(worker, call);
    else {
      const { priority, timeoutMillis, signal } = call;
      this.pool
        .acquire({ priority, timeoutMillis, signal, acceptsHandOff: true })
        .then((next) => this.#serve(next, call), call.rejectUnserved);
    }
    return call.promise;
  }

  #serve(worker: PooledWorker, call: Call): void {
    this.#spares?.topUp();
    worker.serveQueued(call);
  }

  /** As `Pool.acquire`. */
  async acquire(options: number | WorkerAcquireOptions<Context> = {}): Promise<WasmWorker<Calls>> {
    return this.#lend(await this.pool.acquire(options), options);
  }

  /** As `Pool.tryAcquire`. */
  tryAcquire(
    options: Pick<WorkerAcquireOptions<Context>, 'context'> = {},
  ): WasmWorker<Calls> | undefined {
    const worker = this.pool.tryAcquire();
    return worker && this.#lend(worker, options);
  }

  /** As `Pool.lease`. */
  async lease(
    options: number | WorkerAcquireOptions<Context> = {},
  ): Promise<Lease<WasmWorker<Calls>>> {
    const lease = await this.pool.lease(options);
    return new WorkerLease(lease, this.#lend(lease.value, options));
  }

  /** As `Pool.use`; a worker whose borrower threw is kept where its instance is fit. */
  use<R>(
    fn: (worker: WasmWorker<Calls>) => R,
    options: number | WorkerAcquireOptions<Context> = {},
  ): Promise<Awaited<R>> {
    return this.pool.use(async (worker) => {
      const lent = this.#lend(worker, options);
      try {
        return await fn(lent);
      } finally {
        lent.ended = true;
      }
    }, options) as Promise<Awaited<R>>;
  }

  #lend(worker: PooledWorker, options: number | WorkerAcquireOptions<Context>): LentWorker<Calls> {
    this.#spares?.topUp();
    const context = typeof options === 'object' ? options.context : undefined;
    return new LentWorker(worker, this.#names, this.#callTimeoutMillis, context);
  }

  /** As `Pool.release`. */
  release(worker: WasmWorker<Calls>): Promise<void> {
    return this.pool.release(this.#end(worker));
  }

  /** As `Pool.destroy`: its thread is ended, with what runs on it. */
  destroy(worker: WasmWorker<Calls>): Promise<void> {
    return this.pool.destroy(this.#end(worker));
  }

  /** Ends a loan of this pool. Anything else is nobody's resource. */
  #end(worker: WasmWorker<Calls>): PooledWorker {
    if (!this.isBorrowedResource(worker)) return NOT_OURS;
    worker.ended = true;
    return worker.worker;
  }

  /** Whether the loan that `worker` stands for is on. */
  isBorrowedResource(worker: WasmWorker<Calls>): worker is LentWorker<Calls> {
    return (
      worker instanceof LentWorker && !worker.ended && this.pool.isBorrowedResource(worker.worker)
    );
  }

  /** As `Pool.close`. Workers that are being made are given up once it is over. */
  override async close(options?: CloseOptions): Promise<void> {
    await super.close(options);
    this.#endThreads();
  }
}

const NOT_OURS = undefined as never;

/** A lease whose value calls nothing once it has ended. */
class WorkerLease<Calls> implements Lease<WasmWorker<Calls>> {
  readonly #lease: Lease<PooledWorker>;
  readonly #worker: LentWorker<Calls>;

  constructor(lease: Lease<PooledWorker>, worker: LentWorker<Calls>) {
    this.#lease = lease;
    this.#worker = worker;
  }

  get value(): WasmWorker<Calls> {
    void this.#lease.value;
    return this.#worker;
  }

  release(): Promise<void> {
    this.#worker.ended = true;
    return this.#lease.release();
  }

  destroy(): Promise<void> {
    this.#worker.ended = true;
    return this.#lease.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#worker.ended = true;
    return this.#lease[Symbol.asyncDispose]();
  }
}
