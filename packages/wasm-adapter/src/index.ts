/**
 * Pools of WebAssembly instances: on this thread, on others, of components and of commands.
 *
 * @module
 */
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
  type PoolErrorCode,
  type PoolEvents,
  type PoolOptions,
  type PoolState,
  type PoolStats,
  QueueFullError,
  type Sync,
} from '@wasm-pool/core';
export type { BudgetMemberStats } from './budget/budget.js';
export {
  createWasmPoolFactory,
  type SharedLimits,
  type WasmPoolFactory,
  type WasmPoolFactoryStats,
} from './budget/wasm-pool-factory.js';
export { WasmCommandError } from './command/command-error.js';
export type {
  CommandEncoding,
  CommandOutput,
  CommandRunOptions,
  WasmCommandPoolOptions,
} from './command/command-options.js';
export type {
  CommandProcess,
  CommandResult,
  CommandSpawnOptions,
  WasmCommandPool,
} from './command/command-pool.js';
export { createWasmCommandPool } from './command/create-command-pool.js';
export type { ComponentOptions } from './component/component-options.js';
export type { TranspiledComponent } from './component/transpiled-source.js';
export { WasmError, type WasmErrorCode, WasmException, WasmExit } from './errors.js';
export type { ComponentImports } from './instance/component/component-imports.js';
export type { ComponentWasiOptions } from './instance/component/component-wasi.js';
export { suspending } from './instance/jspi.js';
export type { WasmImports } from './instance/link.js';
export type { WasiClock } from './instance/wasi/clocks.js';
export { type CollectedOutput, collectOutput } from './instance/wasi/collected-output.js';
export type { FileTree } from './instance/wasi/memory-files.js';
export type {
  NodeWasiOptions,
  WasiImplementation,
  WasiOptions,
  WasiPreopen,
} from './instance/wasi/options.js';
export type { WasiRandom } from './instance/wasi/random.js';
export type {
  InputChunk,
  WasiInput,
  WasiOutput,
} from './instance/wasi/streams.js';
export type { WasmInstance } from './instance/wasm-instance.js';
export type { WasmLimits } from './module/limits.js';
export { createWasmFactory } from './pool/create-wasm-factory.js';
export { createWasmPool } from './pool/create-wasm-pool.js';
export { createWasmSnapshot } from './pool/create-wasm-snapshot.js';
export type { PerInstance, WasmPoolOptions } from './pool/options.js';
export type { WasmFactoryOptions, WasmInstanceFactory } from './pool/wasm-instance-factory.js';
export type { WasmAcquireOptions, WasmPool, WasmPoolStats } from './pool/wasm-pool.js';
export type { WasmSnapshotOptions } from './pool/wasm-snapshot-options.js';
export type { SnapshotSource } from './snapshot/snapshot-source.js';
export type { ModuleSource } from './source/source.js';
export type { WasmSource } from './wasm-source.js';
export type { OutputTarget } from './worker/host/outlet.js';
export type { WorkerInfo } from './worker/host/pooled-worker.js';
export { createWasmWorkerPool } from './worker/pool/create-wasm-worker-pool.js';
export type { Calls, ExportCalls, ExportsOf, TaskCalls } from './worker/pool/task-types.js';
export type {
  RunOptions,
  WasmWorker,
  WorkerAcquireOptions,
  WorkerCallOptions,
} from './worker/pool/wasm-worker.js';
export type { WasmWorkerPool, WasmWorkerPoolStats } from './worker/pool/wasm-worker-pool.js';
export type { WasmWorkerPoolOptions } from './worker/pool/worker-options.js';
export { serveTasks } from './worker/thread/serve-tasks.js';
export type { TaskInstance } from './worker/thread/task-instance.js';
export type { HostFunctions } from './worker/wire/messages.js';
export { move } from './worker/wire/move.js';
