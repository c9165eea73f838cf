import type { AcquireOptions, CloseOptions, Lease, Pool, PoolEvents, Sync } from '@wasm-pool/core';
import type { WasmInstance } from './wasm-instance.js';

/** How one acquire waits, and what its loan is for. */
export interface WasmAcquireOptions<Context = unknown> extends AcquireOptions {
  /** Stands in `instance.context` for the length of the loan. */
  context?: Context | undefined;
}

/**
 * A pool of instances of one module: core's `Pool`, whose instances can be called while they are on
 * loan, and only then, and know their borrower's context.
 */
export class WasmPool<Exports = WebAssembly.Exports, Context = unknown>
  implements Pool<WasmInstance<Exports, Context>>
{
  /** The compiled module. */
  readonly module: WebAssembly.Module;

  readonly #pool: Pool<WasmInstance<Exports, Context>>;

  /** Use `createWasmPool`. */
  constructor(module: WebAssembly.Module, pool: Pool<WasmInstance<Exports, Context>>) {
    this.module = module;
    this.#pool = pool;
  }

  /** As `Pool.acquire`. */
  async acquire(
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<WasmInstance<Exports, Context>> {
    return lend(await this.#pool.acquire(options), contextOf(options));
  }

  /** As `Pool.tryAcquire`. */
  tryAcquire(
    options?: Pick<WasmAcquireOptions<Context>, 'context'>,
  ): WasmInstance<Exports, Context> | undefined {
    const instance = this.#pool.tryAcquire();
    return instance && lend(instance, options?.context);
  }

  /** As `Pool.lease`. */
  async lease(
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<Lease<WasmInstance<Exports, Context>>> {
    const lease = await this.#pool.lease(options);
    lend(lease.value, contextOf(options));
    return lease;
  }

  /** As `Pool.use`; an instance whose borrower threw, but not through wasm, is kept. */
  use<R>(
    fn: (instance: WasmInstance<Exports, Context>) => R,
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<Awaited<R>> {
    return this.#pool.use((instance) => fn(lend(instance, contextOf(options))), options);
  }

  /** As `Pool.useSync`. */
  useSync<R>(
    fn: (instance: WasmInstance<Exports, Context>) => Sync<R>,
    options?: Pick<WasmAcquireOptions<Context>, 'context'>,
  ): R {
    return this.#pool.useSync<R>((instance) => fn(lend(instance, options?.context)));
  }

  /** As `Pool.release`. */
  release(instance: WasmInstance<Exports, Context>): Promise<void> {
    return this.#pool.release(instance);
  }

  /** As `Pool.destroy`. */
  destroy(instance: WasmInstance<Exports, Context>): Promise<void> {
    return this.#pool.destroy(instance);
  }

  /** As `Pool.ready`. */
  ready(count?: number): Promise<void> {
    return this.#pool.ready(count);
  }

  /** As `Pool.start`: a pool of instances has been started by `createWasmPool`. */
  start(): void {
    this.#pool.start();
  }

  /** As `Pool.drain`. */
  drain(): Promise<void> {
    return this.#pool.drain();
  }

  /** As `Pool.clear`. */
  clear(): Promise<void> {
    return this.#pool.clear();
  }

  /** As `Pool.close`. */
  close(options?: CloseOptions): Promise<void> {
    return this.#pool.close(options);
  }

  /** Closes the pool. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.close();
  }

  /** As `Pool.stats`. */
  stats() {
    return this.#pool.stats();
  }

  /** As `Pool.isBorrowedResource`. */
  isBorrowedResource(instance: WasmInstance<Exports, Context>): boolean {
    return this.#pool.isBorrowedResource(instance);
  }

  /** As `Pool.size`. */
  get size(): number {
    return this.#pool.size;
  }

  /** As `Pool.available`. */
  get available(): number {
    return this.#pool.available;
  }

  /** As `Pool.borrowed`. */
  get borrowed(): number {
    return this.#pool.borrowed;
  }

  /** As `Pool.pending`. */
  get pending(): number {
    return this.#pool.pending;
  }

  /** As `Pool.max`. */
  get max(): number {
    return this.#pool.max;
  }

  /** As `Pool.min`. */
  get min(): number {
    return this.#pool.min;
  }

  /** As `Pool.spareResourceCapacity`. */
  get spareResourceCapacity(): number {
    return this.#pool.spareResourceCapacity;
  }

  /** As `Pool.on`. */
  on<E extends keyof PoolEvents<WasmInstance<Exports, Context>>>(
    event: E,
    listener: (...args: PoolEvents<WasmInstance<Exports, Context>>[E]) => void,
  ): this {
    this.#pool.on(event, listener);
    return this;
  }

  /** As `Pool.once`. */
  once<E extends keyof PoolEvents<WasmInstance<Exports, Context>>>(
    event: E,
    listener: (...args: PoolEvents<WasmInstance<Exports, Context>>[E]) => void,
  ): this {
    this.#pool.once(event, listener);
    return this;
  }

  /** As `Pool.off`. */
  off<E extends keyof PoolEvents<WasmInstance<Exports, Context>>>(
    event: E,
    listener: (...args: PoolEvents<WasmInstance<Exports, Context>>[E]) => void,
  ): this {
    this.#pool.off(event, listener);
    return this;
  }
}

function lend<Exports, Context>(
  instance: WasmInstance<Exports, Context>,
  context: Context | undefined,
): WasmInstance<Exports, Context> {
  instance.calls.callable = true;
  instance.context = context;
  return instance;
}

function contextOf<Context>(
  options: number | WasmAcquireOptions<Context> | undefined,
): Context | undefined {
  return typeof options === 'object' ? options.context : undefined;
}
