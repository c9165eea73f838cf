import { CreateError, createPool, type Factory, type Pool } from '@wasm-pool/core';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { AnyProgram } from '../program.js';
import { coreOptions, type WasmPoolOptions } from './options.js';
import { WasmFactory } from './wasm-factory.js';
import { type BudgetMembership, budgetExceeded, WasmPool } from './wasm-pool.js';

/** A factory that keeps to a budget, and what its pool asks of that. */
export interface SharedFactory<Exports, Context> extends BudgetMembership {
  readonly factory: Factory<PooledInstance<Exports, Context>>;
  /** Destroys what is idle of all pools, when V8 has no room left. */
  reclaim(): void;
  /** Tells the budget whose factory it is. */
  attach(pool: Pool<PooledInstance<Exports, Context>>): void;
}

/** Makes the pool of a program; its first instances work once this resolves. */
export async function startPool<Exports, Context>(
  program: AnyProgram,
  options: WasmPoolOptions<Exports, Context>,
  share?: (name: string, factory: WasmFactory<Exports, Context>) => SharedFactory<Exports, Context>,
): Promise<WasmPool<Exports, Context>> {
  const given = coreOptions(options);
  const poolOptions = { ...given, maxUses: given.maxUses ?? program.defaultMaxUses };
  const { name = 'wasm', min = 0, acquireTimeoutMillis = 0 } = poolOptions;
  const factory = new WasmFactory(program, name, options);
  const shared = share?.(name, factory);
  let pool: Pool<PooledInstance<Exports, Context>> | undefined;
  try {
    pool = createPool(shared?.factory ?? factory, poolOptions);
    await firstInstances(pool, factory, shared, acquireTimeoutMillis);
    const spares = options.reset === 'fresh' ? Math.max(min, 1) : 0;
    return new WasmPool(program.mainModule(name), factory.restoreBlockers, pool, spares, shared);
  } catch (error) {
    await pool?.close();
    shared?.detach();
    throw error instanceof CreateError ? error.cause : error;
  }
}

/** Waits for `min` instances, or as many of them as the budget has room for, and for one at least. */
async function firstInstances<Exports, Context>(
  pool: Pool<PooledInstance<Exports, Context>>,
  factory: WasmFactory<Exports, Context>,
  shared: SharedFactory<Exports, Context> | undefined,
  timeoutMillis: number,
): Promise<void> {
  factory.reclaim = () => {
    if (shared === undefined) pool.evict(pool.available, 'outOfMemory');
    else shared.reclaim();
  };
  shared?.attach(pool);
  pool.start();
  const { promise: spent, reject } = Promise.withResolvers<never>();
  const onTimeout = () => {
    const holders = shared?.blockedBy();
    if (holders !== undefined) {
      reject(budgetExceeded(`no instance within ${timeoutMillis} ms`, holders));
    }
  };
  const timer = timeoutMillis > 0 ? setTimeout(onTimeout, timeoutMillis) : undefined;
  try {
    await Promise.race([pool.ready(Math.max(pool.size, 1)), spent]);
  } finally {
    clearTimeout(timer);
  }
}
