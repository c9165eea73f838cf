import type { CloseOptions, DestroyReason, Pool, PoolEvents, PoolStats } from '@wasm-pool/core';

/** All of core's `Pool` that is not lending. Of a `Resource`, `Seen` is what users see. */
export abstract class PoolFacade<Seen, Resource extends Seen> implements AsyncDisposable {
  protected readonly pool: Pool<Resource>;

  constructor(pool: Pool<Resource>) {
    this.pool = pool;
  }

  /** As `Pool.ready`. */
  ready(count?: number): Promise<void> {
    return this.pool.ready(count);
  }

  /** As `Pool.start`: a pool of instances has been started by `createWasmPool`. */
  start(): void {
    this.pool.start();
  }

  /** As `Pool.fill`. */
  fill(): void {
    this.pool.fill();
  }

  /** As `Pool.grow`. */
  grow(count?: number): number {
    return this.pool.grow(count);
  }

  /** As `Pool.evict`. */
  evict(count?: number, reason?: DestroyReason): number {
    return this.pool.evict(count, reason);
  }

  /** As `Pool.oldestIdle`. */
  get oldestIdle(): Seen | undefined {
    return this.pool.oldestIdle;
  }

  /** As `Pool.drain`. */
  drain(): Promise<void> {
    return this.pool.drain();
  }

  /** As `Pool.clear`. */
  clear(): Promise<void> {
    return this.pool.clear();
  }

  /** As `Pool.close`. */
  close(options?: CloseOptions): Promise<void> {
    return this.pool.close(options);
  }

  /** Closes the pool. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** As `Pool.stats`. */
  stats(): PoolStats {
    return this.pool.stats();
  }

  /** As `Pool.size`. */
  get size(): number {
    return this.pool.size;
  }

  /** As `Pool.available`. */
  get available(): number {
    return this.pool.available;
  }

  /** As `Pool.borrowed`. */
  get borrowed(): number {
    return this.pool.borrowed;
  }

  /** As `Pool.pending`. */
  get pending(): number {
    return this.pool.pending;
  }

  /** As `Pool.max`. */
  get max(): number {
    return this.pool.max;
  }

  /** As `Pool.min`. */
  get min(): number {
    return this.pool.min;
  }

  /** As `Pool.spareResourceCapacity`. */
  get spareResourceCapacity(): number {
    return this.pool.spareResourceCapacity;
  }

  /** As `Pool.on`. */
  on<E extends keyof PoolEvents<Seen>>(
    event: E,
    listener: (...args: PoolEvents<Seen>[E]) => void,
  ): this {
    this.pool.on(event, listener);
    return this;
  }

  /** As `Pool.once`. */
  once<E extends keyof PoolEvents<Seen>>(
    event: E,
    listener: (...args: PoolEvents<Seen>[E]) => void,
  ): this {
    this.pool.once(event, listener);
    return this;
  }

  /** As `Pool.off`. */
  off<E extends keyof PoolEvents<Seen>>(
    event: E,
    listener: (...args: PoolEvents<Seen>[E]) => void,
  ): this {
    this.pool.off(event, listener);
    return this;
  }
}
