import type { AcquireOptions } from '@wasm-pool/core';
import type { WorkerInfo } from '../host/pooled-worker.js';

/** How one call is made on a worker that is on loan. */
export interface RunOptions {
  /** Instead of the pool's `callTimeoutMillis`; 0: no limit. */
  callTimeoutMillis?: number | undefined;
  /** Ends the call, and with it the worker where it has begun: it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** How one call waits for a worker, and how it is made. */
export interface WorkerCallOptions<Context = unknown>
  extends RunOptions,
    Pick<AcquireOptions, 'priority' | 'timeoutMillis'> {
  /** Stands in `instance.context` for the length of the call. It is cloned. */
  context?: Context | undefined;
}

/** How one loan of a worker waits, and what it is for: its `context` is cloned for each call. */
export type WorkerAcquireOptions<Context = unknown> = AcquireOptions<Context>;

/**
 * An instance on a thread of its own, on loan to one borrower. Its calls are run one after another,
 * and each rejects with what the task or export threw; or with a `WasmError`: `ERR_WASM_CALL_TIMEOUT`,
 * `ERR_WASM_WORKER_EXIT` where the thread crashed or was ended, `ERR_WASM_CLONE` where an argument or
 * the result cannot be posted, `ERR_WASM_NOT_LENT` once the loan has ended.
 */
export interface WasmWorker<Calls = object> extends WorkerInfo {
  /** The tasks of the pool's `module`, and the function exports of its instance, as methods. */
  readonly run: Calls;

  /** Calls one of them, with options. */
  call<Name extends keyof Calls & string>(
    name: Name,
    args: ArgumentsOf<Calls[Name]>,
    options?: RunOptions,
  ): ResultOf<Calls[Name]>;
}

/** What one of the methods of `run` takes. */
export type ArgumentsOf<F> = F extends (...args: infer Args) => unknown ? Readonly<Args> : never;

/** What one of the methods of `run` returns: a promise. */
export type ResultOf<F> = F extends (...args: never) => infer R ? R : never;
