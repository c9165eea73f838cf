import { CreateError } from '@wasm-pool/core';
import { createAdapterPool } from '@wasm-pool/core/internal';
import type { AnyProgram } from '../program.js';
import { InstanceFactory, type InstancePool, type JoinBudget } from './instance-factory.js';
import { coreOptions, type WasmPoolOptions } from './options.js';
import type { WasmPool, WasmPoolStats } from './wasm-pool.js';

/** What of a started pool its maker needs. */
interface Tied<Exports, Context> {
  factory?: InstanceFactory<Exports, Context>;
}

/** Makes the pool of a program; its first instances work once this resolves. */
export async function startPool<Exports, Context>(
  program: AnyProgram,
  options: WasmPoolOptions<Exports, Context>,
  join?: JoinBudget<Exports, Context>,
): Promise<WasmPool<Exports, Context>> {
  const given = coreOptions(options);
  const poolOptions = { ...given, maxUses: given.maxUses ?? program.defaultMaxUses };
  const { name = 'wasm', acquireTimeoutMillis = 0 } = poolOptions;
  const tied: Tied<Exports, Context> = {};
  const pool = createAdapterPool((self: InstancePool<Exports, Context>) => {
    tied.factory = new InstanceFactory(program, name, options, self, join);
    return tied.factory;
  }, poolOptions);
  try {
    await tied.factory?.prepare();
    await firstInstances(pool, tied, acquireTimeoutMillis);
    await tied.factory?.checkLoader();
    if (program.kind === 'component') program.mainModule(name); // throws where there is none
  } catch (error) {
    await pool.close();
    throw error instanceof CreateError ? error.cause : error;
  }
  const { restoreBlockers = [] } = tied.factory ?? {};
  const { stats, replace } = pool;
  const own = {
    restoreBlockers,
    obstacles: restoreBlockers, // its former name: programs that were written for it read it still
    replace(): void {
      tied.factory?.renew();
      replace.call(pool);
    },
    stats: (): WasmPoolStats => {
      const { counts, unrestorableBy } = tied.factory ?? {};
      return {
        memoryBytes: 0,
        ...stats.call(pool),
        restores: counts?.restores ?? 0,
        strayCalls: counts?.strayCalls ?? 0,
        unrestorableBy: { ...unrestorableBy },
      };
    },
  };
  return Object.defineProperty(Object.assign(pool, own), 'module', {
    get: () => program.mainModule(name),
    enumerable: true,
  }) as typeof pool & typeof own & { readonly module: WebAssembly.Module };
}

/** Waits for `min` instances, or as many of them as the budget has room for, and for one at least. */
async function firstInstances<Exports, Context>(
  pool: InstancePool<Exports, Context>,
  { factory }: Tied<Exports, Context>,
  timeoutMillis: number,
): Promise<void> {
  pool.start();
  const { promise: spent, reject } = Promise.withResolvers<never>();
  const onTimeout = () => {
    const error = factory?.noFirstInstance(timeoutMillis);
    if (error !== undefined) reject(error);
  };
  const timer = timeoutMillis > 0 ? setTimeout(onTimeout, timeoutMillis) : undefined;
  try {
    await Promise.race([pool.ready(Math.max(pool.size, 1)), spent]);
  } finally {
    clearTimeout(timer);
  }
}
