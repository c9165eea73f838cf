import {
  type AcquireOptions,
  AcquireTimeoutError,
  type CloseOptions,
  type DestroyReason,
  type Lease,
  type Pool,
  type PoolEvents,
  type Sync,
} from '@wasm-pool/core';
import { reasonOf, WasmError } from './errors.js';
import type { PooledInstance } from './pooled-instance.js';
import type { WasmInstance } from './wasm-instance.js';
import { WasmLease } from './wasm-lease.js';

/** How one acquire waits, and what its loan is for. */
export interface WasmAcquireOptions<Context = unknown> extends AcquireOptions {
  /** Stands in `instance.context` for the length of the loan. */
  context?: Context | undefined;
}

/** What a pool that is one of many asks of the budget that they share. */
export interface Share {
  /** Says who holds what, where the pool waits for the others; undefined where it does not. */
  blockedBy(): string | undefined;
  /** The pool is closed. */
  leave(): void;
}

/** Why idle instances go: those are not to be made anew at once. */
const leaving: readonly DestroyReason[] = [
  'idle',
  'softIdle',
  'evicted',
  'clear',
  'close',
  'budget',
];

/**
 * A pool of instances of one module: core's `Pool`, whose instances can be called while they are on
 * loan, and only then, and know their borrower's context.
 */
export class WasmPool<Exports = WebAssembly.Exports, Context = unknown>
  implements Pool<WasmInstance<Exports, Context>>
{
  /** The compiled module, as its author wrote it. */
  readonly module: WebAssembly.Module;

  /**
   * With `reset: 'restore'`, why no instance of this module can be put back exactly as it was, so
   * that each is replaced instead; empty where it can.
   */
  readonly obstacles: readonly string[];

  readonly #pool: Pool<PooledInstance<Exports, Context>>;
  #share: Share | undefined;
  readonly #spares: number;
  #toppingUp = false;

  /** Use `createWasmPool`. */
  constructor(
    module: WebAssembly.Module,
    obstacles: readonly string[],
    pool: Pool<PooledInstance<Exports, Context>>,
    spares: number,
    share?: Share,
  ) {
    this.module = module;
    this.obstacles = obstacles;
    this.#pool = pool;
    this.#spares = spares;
    this.#share = share;
    if (spares > 0) {
      pool.on('destroy', (_, reason) => {
        if (!leaving.includes(reason)) this.#topUp();
      });
    }
  }

  /** As `Pool.acquire`. */
  async acquire(
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<WasmInstance<Exports, Context>> {
    return this.#lend(await this.#explained(this.#pool.acquire(options)), contextOf(options));
  }

  /** As `Pool.tryAcquire`. */
  tryAcquire(
    options?: Pick<WasmAcquireOptions<Context>, 'context'>,
  ): WasmInstance<Exports, Context> | undefined {
    const instance = this.#pool.tryAcquire();
    return instance && this.#lend(instance, options?.context);
  }

  /**
   * As `Pool.lease`. The lease's `value`, and all that was kept of its exports, throws once the lease
   * has ended, also when somebody else has the instance by then.
   */
  async lease(
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<Lease<WasmInstance<Exports, Context>>> {
    const lease = await this.#explained(this.#pool.lease(options));
    this.#lend(lease.value, contextOf(options));
    return new WasmLease(lease);
  }

  /** As `Pool.use`; an instance whose borrower threw, but not through wasm, is kept. */
  use<R>(
    fn: (instance: WasmInstance<Exports, Context>) => R,
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<Awaited<R>> {
    let lent = false; // what `fn` throws, a timeout of another pool too, is its own
    const work = this.#pool.use((instance) => {
      lent = true;
      return fn(this.#lend(instance, contextOf(options)));
    }, options);
    return this.#explained(work, () => lent);
  }

  /** As `Pool.useSync`. */
  useSync<R>(
    fn: (instance: WasmInstance<Exports, Context>) => Sync<R>,
    options?: Pick<WasmAcquireOptions<Context>, 'context'>,
  ): R {
    return this.#pool.useSync<R>((instance) => fn(this.#lend(instance, options?.context)));
  }

  #lend(
    instance: PooledInstance<Exports, Context>,
    context: Context | undefined,
  ): PooledInstance<Exports, Context> {
    instance.calls.callable = true;
    instance.context = context;
    if (this.#spares > 0) this.#topUp();
    return instance;
  }

  /** Has the spares made in a turn of the event loop of its own, off the borrower's path. */
  #topUp(): void {
    if (this.#toppingUp) return;
    this.#toppingUp = true;
    setImmediate(() => {
      this.#toppingUp = false;
      const { borrowed, size } = this.#pool;
      this.#pool.grow(borrowed + this.#spares - size);
    });
  }

  /** Rejects with `ERR_WASM_BUDGET` where what timed out was a wait for other pools' memory. */
  #explained<R>(work: Promise<R>, lent = () => false): Promise<R> {
    const share = this.#share;
    if (share === undefined) return work;
    return work.catch((error: unknown) => {
      const timedOut = error instanceof AcquireTimeoutError && !lent();
      const holders = timedOut ? share.blockedBy() : undefined;
      if (holders === undefined) throw error;
      throw spentError(reasonOf(error), holders, error);
    });
  }

  /** As `Pool.release`. */
  release(instance: WasmInstance<Exports, Context>): Promise<void> {
    return this.#pool.release(instance as PooledInstance<Exports, Context>);
  }

  /** As `Pool.destroy`. */
  destroy(instance: WasmInstance<Exports, Context>): Promise<void> {
    return this.#pool.destroy(instance as PooledInstance<Exports, Context>);
  }

  /** As `Pool.ready`. */
  ready(count?: number): Promise<void> {
    return this.#pool.ready(count);
  }

  /** As `Pool.start`: a pool of instances has been started by `createWasmPool`. */
  start(): void {
    this.#pool.start();
  }

  /** As `Pool.wake`. */
  wake(): void {
    this.#pool.wake();
  }

  /** As `Pool.grow`. */
  grow(count?: number): number {
    return this.#pool.grow(count);
  }

  /** As `Pool.evict`. */
  evict(count?: number, reason?: DestroyReason): number {
    return this.#pool.evict(count, reason);
  }

  /** As `Pool.idleLongest`. */
  get idleLongest(): WasmInstance<Exports, Context> | undefined {
    return this.#pool.idleLongest;
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
  async close(options?: CloseOptions): Promise<void> {
    await this.#pool.close(options);
    const share = this.#share;
    this.#share = undefined;
    share?.leave();
  }

  /** Closes the pool. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** As `Pool.stats`. */
  stats() {
    return this.#pool.stats();
  }

  /** As `Pool.isBorrowedResource`. */
  isBorrowedResource(instance: WasmInstance<Exports, Context>): boolean {
    return this.#pool.isBorrowedResource(instance as PooledInstance<Exports, Context>);
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

/** Says who holds the budget that a pool waited for. */
export function spentError(what: string, holders: string, cause?: unknown): WasmError {
  const message = `${what}: the budget that it shares is spent, and held by ${holders}`;
  return new WasmError('ERR_WASM_BUDGET', message, { cause });
}

function contextOf<Context>(
  options: number | WasmAcquireOptions<Context> | undefined,
): Context | undefined {
  return typeof options === 'object' ? options.context : undefined;
}
