import { FactoryTimeoutError } from '@wasm-pool/core';
import { messageOf, WasmError } from '../../errors.js';
import type { Judgement } from '../../instance/judgement.js';
import type { CallReply, Made, Reply } from '../wire/messages.js';
import { deserializeError, type SerializedThrow } from '../wire/serialized-error.js';
import type { Call } from './call.js';
import { Deadline } from './deadline.js';
import { Pipeline } from './pipeline.js';
import type { Thread, ThreadOwner } from './thread.js';

/** What events tell of a worker. */
export interface WorkerInfo {
  /** Counts up from 1 in each pool; never given twice. */
  readonly id: number;
  /** The pool's name and the id, for logs: `wasm#3`. */
  readonly name: string;
  /** `threadId` of its worker thread; several instances may follow each other on one. */
  readonly threadId: number;
  /** The size of all memories of its instance when it answered last, in bytes. */
  readonly memoryBytes: number;
}

/** What a worker asks of its pool while it serves calls that the pool queued. */
export interface Lender {
  /** Lends it to who waits next, if that is such a call: which then comes by `serve`. */
  handOff(worker: PooledWorker): boolean;
  release(worker: PooledWorker): void;
  /** Has calls wait again, in their order and in front of all others. */
  requeue(calls: readonly Call[]): void;
}

/** How much work a thread is sent ahead: so little that nobody is served much later for it. */
const AHEAD_MILLIS = 0.5;
const MOST_AHEAD = 32;
const SMOOTHING = 0.2;

/** When calls behind one that takes longer than all before it wait for any worker again. */
const LATE_MILLIS = 5;

/** Calls on a worker that is gone, and why. */
const gone: Readonly<Record<string, string>> = {
  close: 'its pool was closed',
  busy: 'it was returned while the call was under way',
  borrower: 'its borrower had it destroyed',
};

function isReply(reply: Reply): reply is CallReply {
  return Array.isArray(reply);
}

/** An instance on a thread, as its pool sees it. */
export class PooledWorker implements WorkerInfo, ThreadOwner {
  readonly id: number;
  readonly name: string;
  readonly thread: Thread;
  memoryBytes = 0;

  /** Why it is not fit to be lent again. */
  verdict: Judgement = true;

  readonly #lender: Lender;
  readonly #once: boolean;
  readonly #pipeline: Pipeline;
  readonly #deadline = new Deadline(() => this.#overdue());
  readonly #stallTimer = new Deadline(() => this.#sendBack());

  /** Serves calls that the pool queued, and not a borrower. */
  #serving = false;
  /** Queued calls that it was passed on to, and that are on their way here. */
  #handedOff = 0;
  /** Was passed on to in this turn of the event loop. */
  #prefetched = false;
  /** Receives what was answered before its thread is ended: it begins nothing more meanwhile. */
  #draining = false;
  #sinceMillis = 0;
  #averageMillis = AHEAD_MILLIS;

  /** What calls reject with once its thread is gone. */
  #error: WasmError | undefined = undefined;

  /** A borrower has called it since it was judged last. */
  #used = false;
  #ended: Promise<void> | undefined = undefined;
  #judged: ((verdict: Judgement) => void) | undefined = undefined;
  #made: { resolve(made: Made): void; reject(error: unknown): void } | undefined = undefined;

  /** @param once each of its loans is its last */
  constructor(thread: Thread, id: number, poolName: string, lender: Lender, once: boolean) {
    this.id = id;
    this.name = `${poolName}#${id}`;
    this.thread = thread;
    this.#lender = lender;
    this.#once = once;
    this.#pipeline = new Pipeline(thread);
    thread.owner = this;
  }

  get threadId(): number {
    return this.thread.id;
  }

  /** Has the thread make its instance. Rejects with what that failed with; the thread is ended then. */
  async make(timeoutMillis: number): Promise<Made> {
    const { promise, resolve, reject } = Promise.withResolvers<Made>();
    this.#made = { resolve, reject };
    const onTimeout = () =>
      reject(new FactoryTimeoutError('create', 'createTimeoutMillis', timeoutMillis));
    const timer = timeoutMillis > 0 ? setTimeout(onTimeout, timeoutMillis) : undefined;
    this.thread.keepsProcessAlive = true;
    this.thread.post({ make: this.id });
    try {
      const made = await promise;
      this.memoryBytes = made.memoryBytes;
      this.thread.keepsProcessAlive = false;
      return made;
    } catch (error) {
      this.#end('failed');
      throw error;
    } finally {
      clearTimeout(timer);
      this.#made = undefined;
    }
  }

  /** Runs a call that the pool queued: the worker is on loan for it. */
  serveQueued(call: Call): void {
    this.#serving = true;
    if (this.#handedOff > 0) this.#handedOff--;
    call.ownsLoan = true;
    this.#add(call);
    this.#next();
  }

  /** Runs a call of its borrower. */
  runForBorrower(call: Call): void {
    this.#used = true;
    if (this.#error !== undefined) {
      call.reject(this.#error);
      return;
    }
    this.#add(call);
    this.#flush();
  }

  #add(call: Call): void {
    call.onAbort = () => this.#abort(call);
    this.#pipeline.add(call);
  }

  #flush(): void {
    const idle = this.#pipeline.current === undefined;
    this.#pipeline.flush();
    if (idle) this.#begin();
    this.#stallTimer.set(this.#serving && this.#pipeline.length > 1 ? LATE_MILLIS : 0);
  }

  /** Something is under way from now on, or nothing is. */
  #begin(): void {
    const { current } = this.#pipeline;
    this.thread.keepsProcessAlive = current !== undefined;
    this.#sinceMillis = performance.now();
    this.#deadline.set(current?.callTimeoutMillis ?? 0);
  }

  receive(reply: Reply): void {
    if (isReply(reply)) this.#answer(reply);
    else if ('made' in reply) this.#made?.resolve(reply.made);
    else if ('failed' in reply) this.#made?.reject(deserializeError(reply.failed));
    else if (this.#pipeline.length > 0) this.#over(reply.verdict);
    else {
      this.#used = false;
      this.thread.keepsProcessAlive = false;
      this.#judged?.(reply.verdict);
    }
  }

  #answer([succeeded, value, memoryBytes, verdict]: CallReply): void {
    const call = this.#pipeline.current;
    this.memoryBytes = memoryBytes;
    if (succeeded) call?.resolve(value);
    else call?.reject(deserializeError(value as SerializedThrow, call.stack));
    if (verdict === undefined) this.#deadline.set(0);
    else this.#over(verdict);
  }

  /** The call under way is through, and the instance judged. */
  #over(verdict: Judgement): void {
    this.#pipeline.shift();
    this.#averageMillis +=
      SMOOTHING * (performance.now() - this.#sinceMillis - this.#averageMillis);
    if (verdict !== true) {
      if (this.verdict === true) this.verdict = verdict;
      this.#pipeline.unsend(); // an unfit instance starts nothing
    }
    this.#begin();
    this.#next();
  }

  /** Has more calls queued behind those that are, or ends its loan when there is none. */
  #next(): void {
    if (this.#draining || this.#handedOff > 0) return;
    if (!this.#serving) {
      this.#flush();
      return;
    }
    if (this.verdict === true) {
      if (!this.#prefetched) this.#prefetch();
      if (this.#handedOff > 0) return; // all are sent at once
      this.#flush();
    } else this.#sendBack();
    if (this.#pipeline.length === 0 && !this.#prefetched) {
      this.#serving = false;
      this.#lender.release(this);
    }
  }

  /**
   * Has calls that wait passed on to it: once a turn of the event loop, or answers could follow each
   * other without the loop ever getting to anything else.
   */
  #prefetch(): void {
    const room = this.#prefetchLimit;
    if (this.#pipeline.length > room / 2) return;
    while (this.#pipeline.length + this.#handedOff < room && this.#lender.handOff(this)) {
      this.#handedOff++;
    }
    if (this.#handedOff === 0) return;
    this.#prefetched = true;
    setImmediate(() => {
      this.#prefetched = false;
      if (this.#serving) this.#next();
    });
  }

  get #prefetchLimit(): number {
    if (this.#once) return 1;
    return Math.min(Math.max(Math.floor(AHEAD_MILLIS / this.#averageMillis), 1), MOST_AHEAD);
  }

  #sendBack(): void {
    const calls = this.#pipeline.withdraw().filter((call) => !call.settled);
    for (const call of calls) call.onAbort = undefined;
    this.#lender.requeue(calls);
  }

  #abort(call: Call): void {
    const { current } = this.#pipeline;
    if (this.#pipeline.remove(call)) {
      call.reject(call.signal?.reason);
      if (call === current) this.#begin();
      this.#next();
    } else this.#kill(call, 'aborted', call.signal?.reason);
  }

  #overdue(): void {
    const { current } = this.#pipeline;
    if (current === undefined) return;
    const limit = current.callTimeoutMillis;
    const message = `${this.name}: ${current.name} ran for longer than callTimeoutMillis (${limit} ms), and its thread was ended`;
    this.#kill(current, 'timeout', new WasmError('ERR_WASM_CALL_TIMEOUT', message));
  }

  /** Ends the thread for a call that it has started, unless that is answered at the last moment. */
  #kill(call: Call, verdict: string, error: unknown): void {
    const others = this.#pipeline.withdraw();
    this.#drain();
    if (call.settled) {
      for (const other of others) this.#pipeline.add(other);
      this.#next();
      return;
    }
    call.reject(error);
    this.#finish(verdict, this.#exitError(`${verdict} of another call`, error), others);
  }

  #drain(): void {
    this.#draining = true;
    this.thread.receivePending();
    this.#draining = false;
  }

  exited(cause: unknown): void {
    const error = this.#exitError(messageOf(cause), cause);
    this.verdict = 'exit';
    this.#made?.reject(error);
    this.#drain();
    const others = this.#pipeline.withdraw();
    const { current } = this.#pipeline;
    if (this.#serving && current?.takeRetry() && this.#pipeline.remove(current)) {
      others.unshift(current); // had not begun
    }
    this.#finish('exit', error, others);
  }

  /** The thread is gone, or is to go: `others` were not started on it. */
  #finish(verdict: string, error: WasmError, others: readonly Call[]): void {
    this.verdict = verdict;
    this.#error = error;
    for (const call of this.#pipeline.takeSent()) call.reject(error);
    for (const call of others) {
      if (this.#serving) this.#pipeline.add(call);
      else call.reject(error);
    }
    this.#end(verdict);
    this.#next();
  }

  #exitError(why: string, cause: unknown): WasmError {
    return new WasmError('ERR_WASM_WORKER_EXIT', `${this.name}: its thread ended: ${why}`, {
      cause,
    });
  }

  #end(verdict: Judgement): Promise<void> {
    this.#deadline.stop();
    this.#stallTimer.stop();
    this.#judged?.(verdict);
    this.thread.owner = undefined;
    this.#ended ??= this.thread.end();
    return this.#ended;
  }

  /** At the end of a loan: whether it is fit for another. */
  judge(): Judgement | Promise<Judgement> {
    if (this.verdict !== true) return this.verdict;
    if (this.#pipeline.length > 0) return 'busy';
    if (!this.#used) return true;
    this.thread.keepsProcessAlive = true;
    this.thread.post('judge');
    return new Promise((resolve) => {
      this.#judged = resolve;
    });
  }

  /** Lets go of its thread, for another instance. False where the thread is at work, or gone. */
  leave(): boolean {
    if (this.thread.owner !== this || this.#pipeline.length > 0) return false;
    this.#deadline.stop();
    this.#stallTimer.stop();
    this.thread.owner = undefined;
    this.thread.post('drop');
    return true;
  }

  /** Ends the thread. Resolves once it is gone. */
  destroy(reason: string): Promise<void> {
    const error = this.#exitError(gone[reason] ?? reason, undefined);
    this.verdict = reason;
    this.#error = error;
    this.#made?.reject(error);
    for (const call of [...this.#pipeline.takeSent(), ...this.#pipeline.withdraw()]) {
      call.reject(error);
    }
    return this.#end(reason);
  }
}
