import { OptionError, type PoolOptions } from '@wasm-pool/core';
import { checkOptions, millis, type OptionCheck, wholeNumber } from '@wasm-pool/core/internal';
import { componentChecks } from '../../component/component-options.js';
import {
  checkWasiForThreads,
  type NodeWasiOptions,
  type WasiOptions,
} from '../../instance/wasi/options.js';
import { checkLimits } from '../../module/limits.js';
import {
  parallelism,
  type ResourceLimits,
  type Spawn,
  startThread,
  type WorkerOptions,
} from '../../platform/threads.js';
import { type WasmPoolOptions, wasmOptionChecks } from '../../pool/options.js';
import type { OutputTarget } from '../host/outlet.js';
import type { WorkerInfo } from '../host/pooled-worker.js';
import type { HostFunctions, ThreadOptions } from '../wire/messages.js';

/** How a pool of workers behaves: what a pool of instances takes, but for what runs in the threads. */
export interface WasmWorkerPoolOptions
  extends Omit<PoolOptions<WorkerInfo>, 'autostart' | 'testOnBorrow'>,
    Pick<
      WasmPoolOptions,
      | 'maxMemoryBytes'
      | 'limits'
      | 'reset'
      | 'promising'
      | 'component'
      | 'snapshot'
      | 'statelessLoader'
    > {
  /** The most instances at once; 0: no limit. Default: `os.availableParallelism()`. */
  max?: number | undefined;
  /**
   * The most threads at once: the instances share them, and while a call of one waits, others of its
   * thread work. Default: one for each instance.
   */
  threads?: number | undefined;
  /**
   * Lend the worker that is idle longest; false (default): the one returned last, whose thread is awake.
   */
  fifo?: boolean | undefined;
  /** Stands in errors, `stats()` and the workers' names. Default `'wasm'`. */
  name?: string | undefined;
  /**
   * The module that runs in each thread: a `file:` or `data:` URL. Its exports `imports`, `wasi`,
   * `preinitialize`, `onCreate`, `onDestroy` and `instantiate` have the meaning of these options of
   * `createWasmPool`. `onThreadEnd` runs before a thread ends, unless that is ended for a call. Its
   * other functions are tasks, `(instance, ...args) => result`, sync or async. It may export all of
   * these by name, or as properties of a default object.
   *
   * `preinitialize` runs on one thread; the others copy what it left, and `onCreate` gets what it
   * returned, which has to be what JSON has.
   */
  module?: URL | string | undefined;
  /** WASI preview 1, as for `createWasmPool`. A function of the instance is for `module` to export. */
  wasi?: boolean | 'node' | WasiOptions | NodeWasiOptions | undefined;
  /**
   * The longest that a call may run, from when its thread begins with it; 0 (default): no limit. One
   * that takes longer rejects with a `WasmError` `ERR_WASM_CALL_TIMEOUT`, and its thread is ended.
   */
  callTimeoutMillis?: number | undefined;
  /**
   * How long a task that has looked at `instance.signal` may take to stop, once its call is aborted or
   * past its time limit, before its thread is ended; 0: none. The call rejects at once. Default 100.
   */
  abortGraceMillis?: number | undefined;
  /**
   * Functions of the main thread that tasks call as `instance.hosts.name(…)`, which blocks their thread
   * until it has the result, or as `instance.hostsLater.name(…)`, which gives a promise. A function
   * import of the module that has the name of one, and that `imports` leaves out, is that one, blocking.
   */
  hosts?: HostFunctions | undefined;
  /** Where tasks' standard output goes. Default: to that of the process. */
  stdout?: OutputTarget | undefined;
  /** Where tasks' standard error goes. Default: to that of the process. */
  stderr?: OutputTarget | undefined;
  /** The environment variables of the threads. Default: a copy of `process.env`. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Appended to the threads' `process.argv`. */
  argv?: readonly unknown[] | undefined;
  /** The threads' options of Node.js. Default: those of the process. */
  execArgv?: readonly string[] | undefined;
  /** The threads' `workerData`: a clone for each. */
  workerData?: unknown;
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

const anArray: OptionCheck = { accepts: 'an array', test: Array.isArray };

const functions: OptionCheck = {
  accepts: 'an object of functions',
  test: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((it) => typeof it === 'function'),
};

const anOutput: OptionCheck = {
  accepts: 'a function of the bytes, or a stream with a method write',
  test: (value) =>
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null && 'write' in value),
};

const { imports, instantiate, onCreate, onDestroy, preinitialize, testOnBorrow, ...others } =
  wasmOptionChecks;

const checks: Readonly<Record<keyof WasmWorkerPoolOptions, OptionCheck>> = {
  ...others,
  module: aUrl,
  wasi: {
    accepts: "true, false, 'node', or an object of options; a function: as an export of `module`",
    test: (value) => typeof value !== 'function' && others.wasi.test(value),
  },
  callTimeoutMillis: millis,
  abortGraceMillis: millis,
  threads: wholeNumber(1),
  hosts: functions,
  stdout: anOutput,
  stderr: anOutput,
  env: anObject,
  argv: anArray,
  execArgv: anArray,
  workerData: {
    accepts: 'anything that can be cloned',
    test: (value) => typeof value !== 'function' && typeof value !== 'symbol',
  },
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
  readonly abortGraceMillis: number;
  readonly createTimeoutMillis: number;
  readonly destroyTimeoutMillis: number;
  readonly maxThreads: number;
  readonly instancesPerThread: number;
  readonly hosts: HostFunctions;
  readonly stdout: OutputTarget | undefined;
  readonly stderr: OutputTarget | undefined;
  readonly workerData: unknown;
  readonly spawn: Spawn;
}

/** The most instances of one thread, where `max` says nothing. */
const MANY = 1000;

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
    abortGraceMillis = 100,
    threads,
    hosts = {},
    stdout,
    stderr,
    workerData,
    env,
    argv,
    execArgv,
    resourceLimits,
    worker = startThread,
    maxMemoryBytes,
    limits,
    reset,
    promising,
    statelessLoader,
    component,
    snapshot,
    ...core
  } = options;
  if (module !== undefined && options.worker !== undefined) {
    throw new OptionError(
      'createWasmWorkerPool: both module and worker are given; accepted: one of them',
    );
  }
  const { name = 'wasm', max = parallelism(), burst = 0 } = core;
  const { createTimeoutMillis = 30_000, destroyTimeoutMillis = 5_000 } = core;
  const most = max === 0 ? Number.POSITIVE_INFINITY : max + burst;
  const given = defined({ env, argv, execArgv, resourceLimits });
  return {
    name,
    core: { ...core, name, max, autostart: false, testOnBorrow: true },
    thread: { maxMemoryBytes, limits, reset, promising, statelessLoader, wasi },
    module: module === undefined ? undefined : String(module),
    callTimeoutMillis,
    abortGraceMillis,
    createTimeoutMillis,
    destroyTimeoutMillis,
    maxThreads: threads ?? most,
    instancesPerThread: threads === undefined ? 1 : Math.min(Math.ceil(most / threads), MANY),
    hosts,
    stdout,
    stderr,
    workerData,
    spawn: (own) => worker({ ...own, ...given }),
  };
}

/** The options of a thread that were given. */
function defined(options: object): WorkerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
