// What users of this package meet of core's: errors to tell apart, and the types that its own speak of.
export {
  type AcquireOptions,
  AcquireTimeoutError,
  type CloseOptions,
  CreateError,
  DestroyError,
  type DestroyReason,
  type EvictCandidate,
  type EvictPolicy,
  FactoryTimeoutError,
  type Leak,
  type Lease,
  NotBorrowedError,
  OptionError,
  type Pool,
  PoolClosedError,
  PoolEmptyError,
  PoolError,
  type PoolEvents,
  type PoolOptions,
  type PoolState,
  type PoolStats,
  QueueFullError,
  type Sync,
} from '@wasm-pool/core';
export type { HoldingStats } from './budget.js';
export type { ComponentImports } from './component/component-imports.js';
export type { ComponentOptions } from './component/component-options.js';
export type { ComponentWasiOptions } from './component/component-wasi.js';
export type { TranspiledComponent } from './component/transpiled-source.js';
export { createWasmPool } from './create-wasm-pool.js';
export { WasmError, type WasmErrorCode, WasmExit } from './errors.js';
export { suspending } from './jspi.js';
export type { WasmImports } from './link.js';
export type { PerInstance, WasmPoolOptions } from './options.js';
export type { WasmSource } from './source.js';
export type { WasiOptions } from './wasi.js';
export type { WasmInstance } from './wasm-instance.js';
export type { WasmAcquireOptions, WasmPool } from './wasm-pool.js';
export {
  createWasmPoolFactory,
  type SharedLimits,
  type WasmPoolFactory,
  type WasmPoolFactoryStats,
} from './wasm-pool-factory.js';
export { createWasmWorkerPool } from './worker/create-wasm-worker-pool.js';
export { move } from './worker/move.js';
export type { WorkerInfo } from './worker/pooled-worker.js';
export { serveTasks } from './worker/serve-tasks.js';
export type { Calls, ExportCalls, ExportsOf, TaskCalls } from './worker/tasks.js';
export type {
  RunOptions,
  WasmWorker,
  WorkerAcquireOptions,
  WorkerCallOptions,
} from './worker/wasm-worker.js';
export type { WasmWorkerPool } from './worker/wasm-worker-pool.js';
export type { WasmWorkerPoolOptions } from './worker/worker-options.js';
