import type { PostedComponent } from '../../component/component.js';
import type { NodeWasiOptions, WasiOptions } from '../../instance/wasi/options.js';
import type { CompiledParts } from '../../module/compiled-module.js';
import type { MessagePort } from '../../platform/threads.js';
import type { WasmPoolOptions } from '../../pool/options.js';
import type { SharedPrepared } from '../../snapshot/shared-prepared.js';
import type { RingMemory } from './ring.js';

/** What a thread is started with, in its `workerData`. */
export interface ThreadData {
  readonly port: MessagePort;
  readonly ring: RingMemory;
  /** Where answers of host functions come to a thread that blocks: where no message can. */
  readonly answers: Int32Array<ArrayBufferLike> | undefined;
  readonly program: CompiledParts | PostedComponent;
  /** What `preinitialize` leaves on one of the threads, for all. */
  readonly prepared: SharedPrepared;
  readonly poolName: string;
  readonly options: ThreadOptions;
  /** The URL of the module with the tasks. */
  readonly module: string | undefined;
  /** The names of the host functions on the main thread. */
  readonly hosts: readonly string[];
  /** Where its output goes is an option of the pool. */
  readonly tellsOutput: boolean;
  /** The `workerData` of the tasks. */
  readonly userData: unknown;
}

/** What a thread that ends is told as, behind the number 0 of such letters; what it threw follows. */
export const END = 'end';

/** Those options of a pool that are to be known where the instance is. */
export interface ThreadOptions
  extends Pick<
    WasmPoolOptions,
    'maxMemoryBytes' | 'limits' | 'reset' | 'promising' | 'statelessLoader'
  > {
  readonly wasi: boolean | 'node' | WasiOptions | NodeWasiOptions | undefined;
}

/** Functions of the main thread that tasks and guests on threads call by name. */
export type HostFunctions = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A thread has loaded its tasks. */
export interface Loaded {
  /** It has something to do before it ends. */
  readonly endsItself: boolean;
}

/** What an instance is like, once it is made. */
export interface Made {
  readonly memoryBytes: number;
  readonly restoreBlockers: readonly string[];
  /** Of tasks and of function exports; a call names one by its place. */
  readonly names: readonly string[];
}
