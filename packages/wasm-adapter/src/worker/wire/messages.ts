import type { MessagePort } from 'node:worker_threads';
import type { Verdict } from '@wasm-pool/core';
import type { PostedComponent } from '../../component/component.js';
import type { NodeWasiOptions, WasiOptions } from '../../instance/wasi/options.js';
import type { CompiledParts } from '../../module/compiled-module.js';
import type { WasmPoolOptions } from '../../pool/options.js';
import type { SerializedThrow } from './serialized-error.js';

/** What a thread is started with: its `workerData`. */
export interface ThreadData {
  readonly port: MessagePort;
  /** See `Claims`. */
  readonly ledger: Int32Array<SharedArrayBuffer>;
  /** See `Bell`. */
  readonly doorbell: Int32Array<SharedArrayBuffer>;
  readonly program: CompiledParts | PostedComponent;
  readonly poolName: string;
  readonly options: ThreadOptions;
  /** The URL of the module with the tasks. */
  readonly module: string | undefined;
}

/** Those options of a pool that are to be known where the instance is. */
export interface ThreadOptions
  extends Pick<WasmPoolOptions, 'maxMemoryBytes' | 'limits' | 'reset' | 'promising'> {
  readonly wasi: boolean | 'node' | WasiOptions | NodeWasiOptions | undefined;
}

/** Asks for a call. With `whole`, it is a loan of its own, after which the instance is judged. */
export type CallRequest = readonly [
  number: number,
  name: string,
  args: readonly unknown[],
  whole: boolean,
  context: unknown,
];

/** To a thread: calls; or to make an instance of that id; to judge the one it has; to drop it. */
export type Request = readonly CallRequest[] | { make: number } | 'judge' | 'drop';

/**
 * Answers the first call that was not answered: its result, or what was thrown. Where it is undefined,
 * the verdict follows: an instance is restored once its result, which may be in its memory, is posted.
 */
export type CallReply = readonly [
  succeeded: boolean,
  value: unknown,
  memoryBytes: number,
  verdict: Verdict | undefined,
];

/** What an instance is like, once it is made. */
export interface Made {
  readonly memoryBytes: number;
  readonly restoreBlockers: readonly string[];
  /** Of tasks and of function exports. */
  readonly names: readonly string[];
}

/** From a thread. */
export type Reply = CallReply | { made: Made } | { failed: SerializedThrow } | { verdict: Verdict };
