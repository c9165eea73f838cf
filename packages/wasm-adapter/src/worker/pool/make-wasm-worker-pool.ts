import { CreateError } from '@wasm-pool/core';
import { createAdapterPool } from '@wasm-pool/core/internal';
import { Preparation } from '../../pool/preparation.js';
import { type AnyProgram, makeProgram } from '../../program.js';
import { publish, type SharedPrepared, sharedPrepared } from '../../snapshot/shared-prepared.js';
import type { Loaded } from '../../wasm-source.js';
import { LentWorkerFactory, type WorkerPool } from './lent-worker-factory.js';
import type { WasmWorkerPool } from './wasm-worker-pool.js';
import { WorkerCalls } from './worker-calls.js';
import { type WasmWorkerPoolOptions, workerSettings } from './worker-options.js';

/** What `createWasmWorkerPool` does, and loads when it is first called. */
export async function makeWasmWorkerPool(
  loading: Promise<Loaded>,
  options: WasmWorkerPoolOptions,
): Promise<WasmWorkerPool> {
  const settings = workerSettings(options);
  const program = await makeProgram(await loading, { ...options, interruptible: true });
  const module = program.mainModule(settings.name);
  const prepared = await preparedFor(program, options, settings.name);
  const tied: { factory?: LentWorkerFactory<object, unknown> } = {};
  const pool = createAdapterPool(
    (self: WorkerPool<object, unknown>) => {
      tied.factory = new LentWorkerFactory(program.toMessage(), prepared, settings, self);
      return tied.factory;
    },
    { ...settings.core, maxUses: settings.core.maxUses ?? program.defaultMaxUses },
  );
  const { min = 0, acquireTimeoutMillis: timeoutMillis = 0 } = settings.core;
  try {
    pool.start();
    await pool.ready(Math.max(min, 1));
  } catch (error) {
    await pool.close();
    throw error instanceof CreateError ? error.cause : error;
  }
  const { names = new Set<string>(), made } = tied.factory ?? {};
  const { run, call } = new WorkerCalls(
    pool,
    names,
    { callTimeoutMillis: settings.callTimeoutMillis, timeoutMillis },
    () => tied.factory?.topUp(),
  );
  const { restoreBlockers = [] } = made ?? {};
  const poolStats = pool.stats.bind(pool);
  const stats = () => {
    const { size = 0, ending = 0 } = tied.factory?.threads ?? {};
    return { memoryBytes: 0, ...poolStats(), threads: size, threadsEnding: ending };
  };
  return Object.assign(pool, { module, restoreBlockers, run, call, stats });
}

/** What the threads share of a prepared state: that of a snapshot, or none yet. */
async function preparedFor(
  program: AnyProgram,
  { snapshot, limits }: WasmWorkerPoolOptions,
  poolName: string,
): Promise<SharedPrepared> {
  const prepared = sharedPrepared(snapshot !== undefined);
  if (snapshot === undefined) return prepared;
  const preparation = Preparation.of(program, poolName, { snapshot, limits });
  const content = await preparation?.snapshotContent(snapshot);
  if (content !== undefined) publish(prepared, content, poolName);
  return prepared;
}
