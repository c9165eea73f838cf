import { CreateError } from '@wasm-pool/core';
import { createAdapterPool } from '@wasm-pool/core/internal';
import { Preparation } from '../../pool/preparation.js';
import { type AnyProgram, makeProgram } from '../../program.js';
import { publish, type SharedPrepared, sharedPrepared } from '../../snapshot/shared-prepared.js';
import type { Loaded } from '../../wasm-source.js';
import { type JoinBudgets, LentWorkerFactory, type WorkerPool } from './lent-worker-factory.js';
import type { WasmWorkerPool } from './wasm-worker-pool.js';
import { WorkerCalls } from './worker-calls.js';
import {
  type WasmWorkerPoolOptions,
  type WorkerSettings,
  workerSettings,
} from './worker-options.js';

/** What `createWasmWorkerPool` does, and loads when it is first called. */
export async function makeWasmWorkerPool(
  loading: Promise<Loaded>,
  options: WasmWorkerPoolOptions,
): Promise<WasmWorkerPool> {
  const settings = workerSettings(options);
  const program = await makeProgram(await loading, { ...options, interruptible: true });
  return startWorkerPool(program, options, settings);
}

/** Makes the pool of a program; its first instances work once this resolves. */
export async function startWorkerPool(
  program: AnyProgram,
  options: WasmWorkerPoolOptions,
  settings: WorkerSettings,
  join?: JoinBudgets,
): Promise<WasmWorkerPool> {
  const message = program.toMessage(); // before all else: not each program can go to threads
  const module = program.mainModule(settings.name);
  const prepared = await preparedFor(program, options, settings.name);
  let made: LentWorkerFactory<object, unknown> | undefined;
  const pool = createAdapterPool(
    (self: WorkerPool<object, unknown>) => {
      made = new LentWorkerFactory(message, prepared, settings, self, join);
      return made;
    },
    { ...settings.core, maxUses: settings.core.maxUses ?? program.defaultMaxUses },
  );
  const factory = made as LentWorkerFactory<object, unknown>;
  const { min = 0, acquireTimeoutMillis: timeoutMillis = 0 } = settings.core;
  try {
    pool.start();
    await firstWorkers(pool, factory, join === undefined ? min : 1, timeoutMillis);
  } catch (error) {
    await pool.close();
    throw error instanceof CreateError ? error.cause : error;
  }
  const { run, call } = new WorkerCalls(
    pool,
    factory.names,
    { callTimeoutMillis: settings.callTimeoutMillis, timeoutMillis },
    () => factory.topUp(),
  );
  const { restoreBlockers = [] } = factory.made ?? {};
  const poolStats = pool.stats.bind(pool);
  const stats = () => {
    const { threads, runs, utilization } = factory;
    return {
      memoryBytes: 0,
      ...poolStats(),
      threads: threads.size,
      threadsEnding: threads.ending,
      runs,
      utilization,
    };
  };
  return Object.assign(pool, { module, restoreBlockers, run, call, stats });
}

/** Waits for `count` instances, at least one; where budgets are shared, no longer than an acquire may wait. */
async function firstWorkers(
  pool: WorkerPool<object, unknown>,
  factory: LentWorkerFactory<object, unknown>,
  count: number,
  timeoutMillis: number,
): Promise<void> {
  const { promise: spent, reject } = Promise.withResolvers<never>();
  const onTimeout = () => {
    const error = factory.exceeded(`no instance within ${timeoutMillis} ms`);
    if (error !== undefined) reject(error);
  };
  const timer = timeoutMillis > 0 ? setTimeout(onTimeout, timeoutMillis) : undefined;
  try {
    await Promise.race([pool.ready(Math.max(count, 1)), spent]);
  } finally {
    clearTimeout(timer);
  }
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
