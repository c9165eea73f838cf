import { availableParallelism } from 'node:os';
import { type ResourceLimits, Worker, type WorkerOptions } from 'node:worker_threads';
import { OptionError, type PoolOptions } from '@wasm-pool/core';
import { checkOptions, millis, type OptionCheck } from '@wasm-pool/core/internal';
import { componentChecks } from '../../component/component-options.js';
import {
  checkWasiForThreads,
  type NodeWasiOptions,
  type WasiOptions,
} from '../../instance/wasi/options.js';
import { checkLimits } from '../../module/limits.js';
import { type WasmPoolOptions, wasmOptionChecks } from '../../pool/options.js';
import type { WorkerInfo } from '../host/pooled-worker.js';
import type { Spawn } from '../host/thread.js';
import type { ThreadOptions } from '../wire/messages.js';

/** How a pool of workers behaves: what a pool of instances takes, but for what runs in the threads. */
export interface WasmWorkerPoolOptions
  extends Omit<PoolOptions<WorkerInfo>, 'autostart' | 'testOnBorrow'>,
    Pick<WasmPoolOptions, 'maxMemoryBytes' | 'limits' | 'reset' | 'promising' | 'component'> {
  /** The most threads at once; 0: no limit. Default: `os.availableParallelism()`. */
  max?: number | undefined;
  /** Stands in errors, `stats()` and the workers' names. Default `'wasm'`. */
  name?: string | undefined;
  /**
   * The module that runs in each thread: a `file:` or `data:` URL. What it exports as `imports`,
   * `wasi`, `onCreate` and `instantiate` has the meaning of these options of `createWasmPool`; its
   * other functions are tasks, `(instance, ...args) => result`, sync or async.
   */
  module?: URL | string | undefined;
  /** WASI preview 1, as for `createWasmPool`. A function of the instance is for `module` to export. */
  wasi?: boolean | 'node' | WasiOptions | NodeWasiOptions | undefined;
  /**
   * The longest that a call may run, from when its thread begins with it; 0 (default): no limit. One
   * that takes longer rejects with a `WasmError` `ERR_WASM_CALL_TIMEOUT`, and its thread is ended.
   */
  callTimeoutMillis?: number | undefined;
  /** What a thread's JavaScript may take: https://nodejs.org/api/worker_threads.html#new-workerfilename-options */
  resourceLimits?: ResourceLimits | undefined;
  /**
   * Starts a thread with the options that it is given, for a worker file of your own which calls
   * `serveTasks`: `(options) => new Worker(new URL('./worker.js', import.meta.url), options)`, a
   * form that bundlers see through. `module` is not used then.
   */
  worker?: Spawn | undefined;
}

const aUrl: OptionCheck = {
  accepts: 'a URL object or string; for a path, pathToFileURL(path)',
  test: (value) => value instanceof URL || (typeof value === 'string' && URL.canParse(value)),
};

const anObject: OptionCheck = {
  accepts: 'an object',
  test: (value) => typeof value === 'object' && value !== null,
};

const aFunction: OptionCheck = {
  accepts: 'a function',
  test: (value) => typeof value === 'function',
};

const { imports, instantiate, onCreate, testOnBorrow, ...others } = wasmOptionChecks;

const checks: Readonly<Record<keyof WasmWorkerPoolOptions, OptionCheck>> = {
  ...others,
  module: aUrl,
  wasi: {
    accepts: "true, false, 'node', or an object of options; a function: as an export of `module`",
    test: (value) => typeof value !== 'function' && others.wasi.test(value),
  },
  callTimeoutMillis: millis,
  resourceLimits: anObject,
  worker: aFunction,
};

/** The options of a pool of workers, sorted by whose they are. */
export interface WorkerSettings {
  readonly name: string;
  readonly core: PoolOptions<WorkerInfo>;
  readonly thread: ThreadOptions;
  readonly module: string | undefined;
  readonly callTimeoutMillis: number;
  readonly createTimeoutMillis: number;
  readonly spawn: Spawn;
}

/** Checks the options and fills in what is not given. Throws an `OptionError`. */
export function workerSettings(options: WasmWorkerPoolOptions): WorkerSettings {
  checkOptions('createWasmWorkerPool', options, checks);
  checkOptions('createWasmWorkerPool: component', options.component, componentChecks);
  checkLimits('createWasmWorkerPool', options.limits);
  checkWasiForThreads('createWasmWorkerPool: wasi', options.wasi);
  const {
    module,
    wasi,
    callTimeoutMillis = 0,
    resourceLimits,
    worker = startThread,
    maxMemoryBytes,
    limits,
    reset,
    promising,
    component,
    ...core
  } = options;
  if (module !== undefined && options.worker !== undefined) {
    throw new OptionError(
      'createWasmWorkerPool: both module and worker are given; accepted: one of them',
    );
  }
  const { name = 'wasm', max = availableParallelism(), createTimeoutMillis = 30_000 } = core;
  return {
    name,
    core: { ...core, name, max, autostart: false, testOnBorrow: true },
    thread: { maxMemoryBytes, limits, reset, promising, wasi },
    module: module === undefined ? undefined : String(module),
    callTimeoutMillis,
    createTimeoutMillis,
    spawn: (given) => worker(resourceLimits === undefined ? given : { ...given, resourceLimits }),
  };
}

function startThread(options: WorkerOptions): Worker {
  // From `src`, where the tests are run, it is the built one too.
  return new Worker(
    new URL('../../../dist/worker/thread/worker-main.js', import.meta.url),
    options,
  );
}
