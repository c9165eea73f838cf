import type { CloseOptions } from '@wasm-pool/core';
import { checkOptions, wholeNumber } from '@wasm-pool/core/internal';
import type { TranspilingOptions } from '../component/transpile-options.js';
import { WasmError } from '../errors.js';
import type { ModuleOptions } from '../module/limits.js';
import type { BudgetMembership } from '../pool/budget-membership.js';
import type { WasmPoolOptions } from '../pool/options.js';
import type { WasmPool } from '../pool/wasm-pool.js';
import type { AnyProgram } from '../program.js';
import { beginLoading, type Loaded, type WasmSource } from '../wasm-source.js';
import type { WithoutTasks, WithTasks } from '../worker/pool/create-wasm-worker-pool.js';
import type { Joining } from '../worker/pool/lent-worker-factory.js';
import type { Calls as CallsOf, ExportCalls, ExportsOf } from '../worker/pool/task-types.js';
import type { WasmWorkerPool } from '../worker/pool/wasm-worker-pool.js';
import type { WasmWorkerPoolOptions } from '../worker/pool/worker-options.js';
import { Budget, type BudgetMemberStats } from './budget.js';
import { ThreadBudget, type ThreadPool } from './thread-budget.js';

/** What the pools of one factory share. */
export interface SharedLimits {
  /** The most that the memories of all instances together may take, in bytes; 0 (default): no limit. */
  maxTotalMemoryBytes?: number | undefined;
  /** The most instances of all pools together; 0 (default): no limit. */
  maxInstances?: number | undefined;
  /**
   * The most threads of all pools on threads together, those included that are being ended; 0 (default):
   * no limit. Where a pool needs one, the least recently used idle thread of another pool ends.
   */
  maxThreads?: number | undefined;
}

/** `WasmPoolFactory.stats()`. */
export interface WasmPoolFactoryStats {
  readonly memoryBytes: number;
  readonly instances: number;
  readonly maxTotalMemoryBytes: number;
  readonly maxInstances: number;
  /** Threads that exist, those included that are being ended. */
  readonly threads: number;
  readonly maxThreads: number;
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
    maxThreads: anyNumber,
  });
  return new WasmPoolFactory(limits);
}

/** See `createWasmPoolFactory`. */
export class WasmPoolFactory implements AsyncDisposable {
  readonly #maxTotalMemoryBytes: number;
  readonly #maxInstances: number;
  readonly #maxThreads: number;
  readonly #budget: Budget;
  readonly #threads: ThreadBudget;
  readonly #modules = new Map<string | symbol, { program: Promise<AnyProgram>; users: number }>();
  readonly #pools = new Set<Pick<WasmPool, 'close'>>();
  #closed = false;

  /** Use `createWasmPoolFactory`. */
  constructor({ maxTotalMemoryBytes = 0, maxInstances = 0, maxThreads = 0 }: SharedLimits) {
    this.#maxTotalMemoryBytes = maxTotalMemoryBytes;
    this.#maxInstances = maxInstances;
    this.#maxThreads = maxThreads;
    this.#budget = new Budget(maxTotalMemoryBytes, maxInstances);
    this.#threads = new ThreadBudget(maxThreads);
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
    const { checkWasmOptions, startPool } = await import('./make-member.js');
    const checked = checkWasmOptions('create', options);
    this.#refuseClosed();
    return this.#add(await loading, checked, (program, minBytes, leave) =>
      startPool(program, checked, (self, onSpaceFreed) => {
        const membership = this.#budget.join(checked.name ?? 'wasm', self, minBytes, onSpaceFreed);
        return { ...membership, detach: () => leave(self, membership) };
      }),
    );
  }

  /**
   * As `createWasmWorkerPool`, within the budget: with its instances, their memory, and its threads. The
   * pool is there once one instance works; it has more, up to `min`, as the budget has room. Rejects as
   * that does, and as `create`.
   */
  createWorkerPool<Tasks extends object, Exports = ExportsOf<Tasks>, Context = unknown>(
    src: WasmSource,
    options: WithTasks,
  ): Promise<WasmWorkerPool<CallsOf<Tasks, Exports>, Context>>;
  /** The same, where there is nothing to call but the exports. */
  createWorkerPool<Exports, Context = unknown>(
    src: WasmSource,
    options?: WithoutTasks,
  ): Promise<WasmWorkerPool<ExportCalls<Exports>, Context>>;
  async createWorkerPool(
    src: WasmSource,
    options: WasmWorkerPoolOptions = {},
  ): Promise<WasmWorkerPool> {
    const loading = beginLoading(src);
    const { startWorkerPool, workerSettings } = await import('./make-worker-member.js');
    const settings = workerSettings(options);
    this.#refuseClosed();
    const interruptible = { ...options, interruptible: true };
    return this.#add(await loading, interruptible, (program, minBytes, leave) =>
      startWorkerPool(program, options, settings, (joining) => {
        const { pool, onSpaceFreed } = joining;
        const { name } = settings;
        const instances = this.#budget.join(name, pool, minBytes, onSpaceFreed);
        const threads = this.#threads.join(name, threadPoolOf(joining));
        pool.on('create', threads.rested); // it may be idle now
        return { instances: { ...instances, detach: () => leave(pool, instances) }, threads };
      }),
    );
  }

  /** Starts a pool of a program, which those of the same bytes share. */
  async #add<Pool extends Pick<WasmPool, 'close'>>(
    loaded: Loaded,
    options: ModuleOptions & TranspilingOptions,
    start: (
      program: AnyProgram,
      minBytes: number,
      leave: (pool: Pick<WasmPool, 'close'>, membership: BudgetMembership) => void,
    ) => Promise<Pool>,
  ): Promise<Pool> {
    const { keyOf, makeProgram, minBytesOf } = await import('./make-member.js');
    // A memory that cannot be counted is refused, because it would be in no budget.
    const counted = {
      ...options,
      maxMemoryBytes: options.maxMemoryBytes || this.#maxTotalMemoryBytes,
    };
    const key = await keyOf(loaded, counted);
    const cached = this.#modules.get(key) ?? { program: makeProgram(loaded, counted), users: 0 };
    this.#modules.set(key, cached);
    cached.users++;
    const release = () => {
      if (--cached.users === 0) this.#modules.delete(key);
    };
    let pool: Pool;
    try {
      const program = await cached.program;
      const memories = program.modules.flatMap((it) => it.shape?.memories ?? []);
      pool = await start(program, minBytesOf(memories), (self, membership) => {
        membership.detach();
        if (this.#pools.delete(self)) release();
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
      threads: this.#threads.size,
      maxThreads: this.#maxThreads,
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

/** A pool as the budget of threads sees it. */
function threadPoolOf({ pool, idleSince, endIdle }: Joining): ThreadPool {
  return {
    get pending() {
      return pool.pending;
    },
    get borrowed() {
      return pool.borrowed;
    },
    get idleSince() {
      return idleSince();
    },
    state: () => pool.state(),
    fill: () => pool.fill(),
    endIdle,
  };
}
