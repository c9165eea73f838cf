import type { Transferable } from 'node:worker_threads';
import { OptionError } from '@wasm-pool/core';
import { inspectValue, millis } from '@wasm-pool/core/internal';
import { WasmError } from '../../errors.js';
import type { CallRequest } from '../wire/messages.js';
import { movedOf } from '../wire/move.js';

/** How a call is made, once there is a worker for it. */
export interface CallSettings {
  readonly callTimeoutMillis?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly priority?: number | undefined;
  /** The longest that it waits for a worker; 0: no limit. */
  readonly timeoutMillis?: number | undefined;
  readonly context?: unknown;
}

/**
 * A call of one of `names`. Throws the signal's reason where it is aborted already, an `OptionError`,
 * or a `WasmError` `ERR_WASM_TASK` where there is no such task or export.
 */
export function makeCall(
  names: ReadonlySet<string>,
  name: string,
  args: readonly unknown[],
  settings: CallSettings,
): Call {
  if (!names.has(name)) {
    const message = `there is no task or function export ${inspectValue(name)}; accepted: ${[...names].join(', ')}`;
    throw new WasmError('ERR_WASM_TASK', message);
  }
  const { callTimeoutMillis, timeoutMillis, signal } = settings;
  if (!Array.isArray(args)) throw refused(name, 'args', args, 'an array');
  checkMillis(name, 'callTimeoutMillis', callTimeoutMillis);
  checkMillis(name, 'timeoutMillis', timeoutMillis);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw refused(name, 'signal', signal, 'an AbortSignal');
  }
  signal?.throwIfAborted();
  return new Call(name, args, settings);
}

function checkMillis(call: string, option: string, value: unknown): void {
  if (value !== undefined && !millis.test(value)) {
    throw refused(call, option, value, millis.accepts);
  }
}

function refused(call: string, option: string, value: unknown, accepts: string): OptionError {
  return new OptionError(`${call}: ${option} is ${inspectValue(value)}; accepted: ${accepts}`);
}

/** One call of a task or an export, from when it is made to when it is settled. */
export class Call {
  readonly name: string;
  readonly callTimeoutMillis: number;
  readonly context: unknown;
  readonly priority: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly promise: Promise<unknown>;
  readonly moves: Transferable[];
  settled = false;

  /** What it is known by on its thread, once it is offered there. */
  number = 0;

  /** A loan of its own, and not one of several calls in a borrower's. */
  ownsLoan = false;

  /** Called when the signal is aborted while the call is under way. */
  onAbort: (() => void) | undefined = undefined;

  #retried = false;
  readonly #args: readonly unknown[];
  readonly #waitsUntil: number;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  readonly #caller = new Error('called');
  readonly #abort = () => {
    if (this.onAbort === undefined) this.reject(this.signal?.reason);
    else this.onAbort();
  };

  constructor(name: string, args: readonly unknown[], settings: CallSettings) {
    const { promise, resolve, reject } = Promise.withResolvers();
    this.name = name;
    this.#args = args;
    this.moves = movedOf(args);
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.callTimeoutMillis = settings.callTimeoutMillis ?? 0;
    this.context = settings.context;
    this.priority = settings.priority;
    this.signal = settings.signal;
    const { timeoutMillis = 0 } = settings;
    this.#waitsUntil = timeoutMillis > 0 ? performance.now() + timeoutMillis : 0;
    this.signal?.addEventListener('abort', this.#abort);
  }

  /** What is left of `timeoutMillis`: it may have to wait more than once. */
  get timeoutMillis(): number {
    if (this.#waitsUntil === 0) return 0;
    return Math.max(Math.ceil(this.#waitsUntil - performance.now()), 1);
  }

  /** The stack of who made the call. */
  get stack(): string {
    return this.#caller.stack?.replace(/^.*\n/, '') ?? '';
  }

  request(): CallRequest {
    return [this.number, this.name, this.#args, this.ownsLoan, this.context];
  }

  /**
   * Whether it may be sent elsewhere when the thread that it was sent to ended before it began: once,
   * for threads may keep ending, and not where its arguments were moved there.
   */
  takeRetry(): boolean {
    const first = !this.#retried;
    this.#retried = true;
    return first && this.moves.length === 0;
  }

  /** No worker was to be had for it. */
  readonly rejectUnserved = (error: unknown) => this.reject(error);

  /** Once it is settled, as for any promise, nothing changes. */
  resolve(value: unknown): void {
    this.#settle();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.settled = true;
    this.signal?.removeEventListener('abort', this.#abort);
  }
}
