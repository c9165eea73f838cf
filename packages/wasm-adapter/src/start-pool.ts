import { CreateError, createPool, type Factory, type Pool } from '@wasm-pool/core';
import type { Compiled } from './compile.js';
import { coreOptions, type WasmPoolOptions } from './options.js';
import type { PooledInstance } from './pooled-instance.js';
import { WasmFactory } from './wasm-factory.js';
import { type Share, WasmPool } from './wasm-pool.js';

/** A factory that keeps to a budget, and what its pool asks of that. */
export interface SharedFactory<Exports, Context> extends Share {
  readonly factory: Factory<PooledInstance<Exports, Context>>;
  /** Tells the budget whose factory it is. */
  join(pool: Pool<PooledInstance<Exports, Context>>): void;
}

/** Makes the pool of a compiled module; its first instances work once this resolves. */
export async function startPool<Exports, Context>(
  compiled: Compiled,
  options: WasmPoolOptions<Exports, Context>,
  share?: (name: string, factory: WasmFactory<Exports, Context>) => SharedFactory<Exports, Context>,
): Promise<WasmPool<Exports, Context>> {
  const poolOptions = coreOptions(options);
  const { name = 'wasm', min = 0 } = poolOptions;
  const factory = new WasmFactory(compiled, name, options);
  const shared = share?.(name, factory);
  const pool = createPool(shared?.factory ?? factory, poolOptions);
  factory.makeRoom = () => pool.evict(pool.available, 'memory');
  shared?.join(pool);
  pool.start();
  try {
    await pool.ready(Math.max(min, 1));
  } catch (error) {
    await pool.close();
    shared?.leave();
    throw error instanceof CreateError ? error.cause : error;
  }
  const spares = options.reset === 'fresh' ? Math.max(min, 1) : 0;
  return new WasmPool(compiled.module, factory.obstacles, pool, spares, shared);
}
