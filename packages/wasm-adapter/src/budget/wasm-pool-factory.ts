import type { CloseOptions } from '@wasm-pool/core';
import { checkOptions, wholeNumber } from '@wasm-pool/core/internal';
import { WasmError } from '../errors.js';
import type { WasmPoolOptions } from '../pool/options.js';
import type { WasmPool } from '../pool/wasm-pool.js';
import type { AnyProgram } from '../program.js';
import { beginLoading, type WasmSource } from '../wasm-source.js';
import { Budget, type BudgetMemberStats } from './budget.js';

/** What the pools of one factory share. */
export interface SharedLimits {
  /** The most that the memories of all instances together may take, in bytes; 0 (default): no limit. */
  maxTotalMemoryBytes?: number | undefined;
  /** The most instances of all pools together; 0 (default): no limit. */
  maxInstances?: number | undefined;
}

/** `WasmPoolFactory.stats()`. */
export interface WasmPoolFactoryStats {
  readonly memoryBytes: number;
  readonly instances: number;
  readonly maxTotalMemoryBytes: number;
  readonly maxInstances: number;
  /** Compiled modules in use; pools of the same bytes share one. */
  readonly modules: number;
  readonly pools: readonly BudgetMemberStats[];
}

/**
 * Makes pools, one for each plug-in or tenant, that share one budget, and one compiled module where
 * their bytes are the same. When a pool needs room, the least recently used idle instance of any pool
 * is destroyed. Memory that grows during a loan counts once the instance is returned. When no instance
 * is idle, acquires wait; one that times out then rejects with a `WasmError` `ERR_WASM_BUDGET` that
 * lists how much each pool holds.
 *
 * Throws core's `OptionError`.
 */
export function createWasmPoolFactory(limits: SharedLimits = {}): WasmPoolFactory {
  const anyNumber = wholeNumber(0);
  checkOptions('createWasmPoolFactory', limits, {
    maxTotalMemoryBytes: anyNumber,
    maxInstances: anyNumber,
  });
  return new WasmPoolFactory(limits.maxTotalMemoryBytes ?? 0, limits.maxInstances ?? 0);
}

/** See `createWasmPoolFactory`. */
export class WasmPoolFactory implements AsyncDisposable {
  readonly #maxTotalMemoryBytes: number;
  readonly #maxInstances: number;
  readonly #budget: Budget;
  readonly #modules = new Map<string | symbol, { program: Promise<AnyProgram>; users: number }>();
  readonly #pools = new Set<Pick<WasmPool, 'close'>>();
  #closed = false;

  /** Use `createWasmPoolFactory`. */
  constructor(maxTotalMemoryBytes: number, maxInstances: number) {
    this.#maxTotalMemoryBytes = maxTotalMemoryBytes;
    this.#maxInstances = maxInstances;
    this.#budget = new Budget(maxTotalMemoryBytes, maxInstances);
  }

  /**
   * As `createWasmPool`, within the budget. Rejects as that does, and with a `WasmError`
   * `ERR_WASM_CLOSED` once the factory is closed.
   */
  async create<Exports = WebAssembly.Exports, Context = unknown, Prepared = unknown>(
    src: WasmSource,
    options: WasmPoolOptions<Exports, Context, Prepared> = {},
  ): Promise<WasmPool<Exports, Context>> {
    const loading = beginLoading(src);
    const { checkWasmOptions, keyOf, makeProgram, minBytesOf, startPool } = await import(
      './make-member.js'
    );
    const checked = checkWasmOptions('create', options);
    this.#refuseClosed();
    const loaded = await loading;
    // A memory that cannot be counted is refused, because it would be in no budget.
    const counted = {
      ...checked,
      maxMemoryBytes: checked.maxMemoryBytes || this.#maxTotalMemoryBytes,
    };
    const key = await keyOf(loaded, counted);
    const cached = this.#modules.get(key) ?? { program: makeProgram(loaded, counted), users: 0 };
    this.#modules.set(key, cached);
    cached.users++;
    const release = () => {
      if (--cached.users === 0) this.#modules.delete(key);
    };
    let pool: WasmPool<Exports, Context>;
    try {
      const program = await cached.program;
      const memories = program.modules.flatMap((it) => it.shape?.memories ?? []);
      const minBytes = minBytesOf(memories);
      pool = await startPool(program, checked, (self, onSpaceFreed) => {
        const membership = this.#budget.join(checked.name ?? 'wasm', self, minBytes, onSpaceFreed);
        const detach = () => {
          membership.detach();
          if (this.#pools.delete(self)) release();
        };
        return { ...membership, detach };
      });
      this.#pools.add(pool);
    } catch (error) {
      release();
      throw error;
    }
    if (this.#closed) await pool.close();
    this.#refuseClosed();
    return pool;
  }

  #refuseClosed(): void {
    if (this.#closed) throw new WasmError('ERR_WASM_CLOSED', 'create: the pool factory is closed');
  }

  /** The budget, and what each pool holds of it. */
  stats(): WasmPoolFactoryStats {
    const { bytes, instances } = this.#budget.totals();
    return {
      memoryBytes: bytes,
      instances,
      maxTotalMemoryBytes: this.#maxTotalMemoryBytes,
      maxInstances: this.#maxInstances,
      modules: this.#modules.size,
      pools: this.#budget.memberStats(),
    };
  }

  /** Closes all pools, as `Pool.close`. A pool that is being made meanwhile is closed once it exists. */
  async close(options?: CloseOptions): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#pools].map((pool) => pool.close(options)));
  }

  /** Closes all pools. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
