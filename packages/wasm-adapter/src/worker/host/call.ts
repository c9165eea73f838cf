import { OptionError } from '@wasm-pool/core';
import { inspectValue, millis, wholeNumber } from '@wasm-pool/core/internal';
import { WasmError } from '../../errors.js';
import type { Judgement } from '../../instance/judgement.js';
import type { Transferable } from '../../platform/threads.js';
import { movedOf } from '../wire/move.js';
import { deserializeError, type SerializedThrow } from '../wire/serialized-error.js';
import type { SlotReply, SlotRequest } from './thread.js';

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
  const { callTimeoutMillis, timeoutMillis, priority, signal } = settings;
  if (!Array.isArray(args)) throw refused(name, 'args', args, 'an array');
  checkMillis(name, 'callTimeoutMillis', callTimeoutMillis);
  checkMillis(name, 'timeoutMillis', timeoutMillis);
  if (priority !== undefined && !aPriority.test(priority)) {
    throw refused(name, 'priority', priority, aPriority.accepts);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw refused(name, 'signal', signal, 'an AbortSignal');
  }
  signal?.throwIfAborted();
  return new Call(name, args, settings);
}

const aPriority = wholeNumber(0);

function checkMillis(call: string, option: string, value: unknown): void {
  if (value !== undefined && !millis.test(value)) {
    throw refused(call, option, value, millis.accepts);
  }
}

function refused(call: string, option: string, value: unknown, accepts: string): OptionError {
  return new OptionError(`${call}: ${option} is ${inspectValue(value)}; accepted: ${accepts}`);
}

/** What a call tells about its end, besides to its caller. */
export interface CallOwner {
  /** The thread has answered it. */
  replied(call: Call, reply: SlotReply): void;
  /** The verdict on its instance follows the answer. */
  judged(call: Call, verdict: Judgement, cause: SerializedThrow | undefined): void;
  /** The thread has not begun it, and will not. */
  returned(call: Call): void;
  /** Its signal was aborted. */
  aborted(call: Call): void;
}

/** The function that settles the promise that is made next: it is cheaper than a closure for each. */
let settler: (value: unknown) => void;
const takeSettler = (resolve: (value: unknown) => void) => {
  settler = resolve;
};

/** One call of a task or an export, from when it is made to when it is settled. */
export class Call implements SlotRequest {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly settings: CallSettings;
  readonly promise: Promise<unknown>;
  slot: number = -1;
  settled = false;

  /** A loan of its own, and not one of several calls in a borrower's. */
  ownsLoan = false;

  /** The instance that it was given to. */
  owner: CallOwner | undefined = undefined;

  readonly #resolve: (value: unknown) => void;
  #moves: Transferable[] | undefined = undefined;
  readonly #waitsUntil: number;
  #retried = false;
  #onAbort: (() => void) | undefined = undefined;

  constructor(name: string, args: readonly unknown[], settings: CallSettings) {
    this.name = name;
    this.args = args;
    this.settings = settings;
    this.promise = new Promise(takeSettler);
    this.#resolve = settler;
    const { signal, timeoutMillis = 0 } = settings;
    this.#waitsUntil = timeoutMillis > 0 ? performance.now() + timeoutMillis : 0;
    if (signal === undefined) return;
    this.#onAbort = () => {
      if (this.owner === undefined) this.reject(signal.reason);
      else this.owner.aborted(this);
    };
    signal.addEventListener('abort', this.#onAbort);
  }

  get callTimeoutMillis(): number {
    return this.settings.callTimeoutMillis ?? 0;
  }

  /** What of its arguments moves to the thread. */
  get moves(): Transferable[] {
    this.#moves ??= movedOf(this.args);
    return this.#moves;
  }

  /** What is left of `timeoutMillis`: it may have to wait more than once. */
  get timeoutMillis(): number {
    if (this.#waitsUntil === 0) return 0;
    return Math.max(Math.ceil(this.#waitsUntil - performance.now()), 1);
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

  replied(reply: SlotReply): void {
    this.owner?.replied(this, reply);
  }

  judged(verdict: Judgement, cause: SerializedThrow | undefined): void {
    this.owner?.judged(this, verdict, cause);
  }

  returned(): void {
    this.owner?.returned(this);
  }

  /** No worker was free for it. */
  readonly rejectUnserved = (error: unknown) => this.reject(error);

  /** Once it is settled, as for any promise, nothing changes. */
  resolve(value: unknown): void {
    if (this.settled) return;
    this.#settle();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.settled) return; // a rejection that nobody adopts would be unhandled
    this.#settle();
    this.#resolve(rejected(() => error));
  }

  /** Rejects with what the thread threw, and the stack of the caller that waits. */
  rejectWith(posted: SerializedThrow): void {
    if (this.settled) return;
    this.#settle();
    const job = () => deserializeError(posted, awaitingStack(job));
    this.#resolve(rejected(job));
  }

  #settle(): void {
    this.settled = true;
    if (this.#onAbort === undefined) return;
    this.settings.signal?.removeEventListener('abort', this.#onAbort);
    this.#onAbort = undefined;
  }
}

const nothing = () => {};

/**
 * A promise that rejects in a job of its own, after the promise that it settles has adopted it. There,
 * V8 finds the async functions that wait for that promise: no call pays for a stack that nobody asks
 * for. https://v8.dev/docs/stack-trace-api#async-stack-traces
 */
function rejected(error: () => unknown): Promise<never> {
  return Promise.resolve()
    .then(nothing)
    .then(nothing)
    .then(() => {
      throw error();
    });
}

/** The async functions that wait for the promise which is being rejected; of `job` and above, nothing. */
function awaitingStack(job: () => unknown): string {
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, job);
  const lines = here.stack?.split('\n').slice(1) ?? [];
  return lines.filter((line) => !isOurs.test(line)).join('\n');
}

/** A frame that runs jobs, or that makes them here. */
const isOurs = /node:internal\/|\/worker\/host\/call\.[jt]s/;
