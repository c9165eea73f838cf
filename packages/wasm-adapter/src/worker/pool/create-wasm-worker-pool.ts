import { beginLoading, type WasmSource } from '../../wasm-source.js';
import type { Calls as CallsOf, ExportCalls, ExportsOf } from './task-types.js';
import type { WasmWorkerPool } from './wasm-worker-pool.js';
import type { WasmWorkerPoolOptions } from './worker-options.js';

/** Options that name the module with the tasks, or start a worker file that has them. */
export type WithTasks = WasmWorkerPoolOptions &
  (
    | Required<Pick<WasmWorkerPoolOptions, 'module'>>
    | Required<Pick<WasmWorkerPoolOptions, 'worker'>>
  );

/** Options that name neither. */
export type WithoutTasks = WasmWorkerPoolOptions & { module?: undefined; worker?: undefined };

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
>(src: WasmSource, options: WithTasks): Promise<WasmWorkerPool<CallsOf<Tasks, Exports>, Context>>;
/** The same, where there is nothing to call but the exports. */
export function createWasmWorkerPool<Exports, Context = unknown>(
  src: WasmSource,
  options?: WithoutTasks,
): Promise<WasmWorkerPool<ExportCalls<Exports>, Context>>;
export async function createWasmWorkerPool(
  src: WasmSource,
  options: WasmWorkerPoolOptions = {},
): Promise<WasmWorkerPool> {
  const loading = beginLoading(src);
  const { makeWasmWorkerPool } = await import('./make-wasm-worker-pool.js');
  return makeWasmWorkerPool(loading, options);
}
