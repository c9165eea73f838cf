import { CreateError, createPool, type Pool } from '@wasm-pool/core';
import { load, makeProgram, type WasmSource } from '../../program.js';
import type { PooledWorker } from '../host/pooled-worker.js';
import { WorkerFactory } from '../host/worker-factory.js';
import type { Calls, ExportCalls, ExportsOf } from './task-types.js';
import { WasmWorkerPool } from './wasm-worker-pool.js';
import { type WasmWorkerPoolOptions, workerSettings } from './worker-options.js';

/** Options that name the module with the tasks, or start a worker file that has them. */
type WithTasks = WasmWorkerPoolOptions &
  (
    | Required<Pick<WasmWorkerPoolOptions, 'module'>>
    | Required<Pick<WasmWorkerPoolOptions, 'worker'>>
  );

/**
 * Makes a pool of instances of a module, each on a worker thread of its own. It resolves once `min`
 * of them (at least one) work: a module that cannot be compiled, linked or started fails here, and so
 * do tasks that cannot be loaded.
 *
 * Rejects as `createWasmPool` does, with what the module of the tasks threw, or with a `WasmError`
 * `ERR_WASM_WORKER_EXIT` where the thread ended meanwhile.
 *
 * @typeParam Tasks the type of the module with the tasks: `typeof import('./task-types.js')`
 * @typeParam Exports what an instance's exports are; default: what the tasks take them for
 */
export function createWasmWorkerPool<
  Tasks extends object,
  Exports = ExportsOf<Tasks>,
  Context = unknown,
>(src: WasmSource, options: WithTasks): Promise<WasmWorkerPool<Calls<Tasks, Exports>, Context>>;
/** The same, where there is nothing to call but the exports. */
export function createWasmWorkerPool<Exports, Context = unknown>(
  src: WasmSource,
  options?: WasmWorkerPoolOptions & { module?: undefined; worker?: undefined },
): Promise<WasmWorkerPool<ExportCalls<Exports>, Context>>;
export async function createWasmWorkerPool(
  src: WasmSource,
  options: WasmWorkerPoolOptions = {},
): Promise<WasmWorkerPool> {
  const settings = workerSettings(options);
  const program = await makeProgram(await load(src), options);
  const factory = new WorkerFactory(program.toMessage(), settings);
  const module = program.mainModule(settings.name);
  const pool: Pool<PooledWorker> = createPool(factory, {
    ...settings.core,
    maxUses: settings.core.maxUses ?? program.defaultMaxUses,
  });
  factory.lender = {
    handOff: (worker) => pool.handOff(worker),
    release: (worker) => void pool.release(worker),
    requeue: (calls) => {
      const waiting = [...calls];
      for (let call = waiting[0]; call !== undefined; call = waiting[0]) {
        const worker = pool.tryAcquire();
        if (worker === undefined) break;
        waiting.shift();
        worker.serveQueued(call);
      }
      for (const call of waiting.reverse()) {
        const { priority, signal, timeoutMillis } = call;
        pool
          .acquire({ priority, signal, timeoutMillis, acceptsHandOff: true, requeue: true })
          .then((worker) => worker.serveQueued(call), call.rejectUnserved);
      }
    },
  };
  const { min = 0 } = settings.core;
  try {
    pool.start();
    await pool.ready(Math.max(min, 1));
  } catch (error) {
    await pool.close();
    factory.close();
    throw error instanceof CreateError ? error.cause : error;
  }
  const { names = [], restoreBlockers = [] } = factory.made ?? {};
  return new WasmWorkerPool(pool, {
    module,
    restoreBlockers,
    names,
    settings,
    endThreads: () => factory.close(),
    spares: settings.thread.reset === 'fresh' ? Math.max(min, 1) : 0,
  });
}
