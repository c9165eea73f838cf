import { FactoryTimeoutError, type PoolState } from '@wasm-pool/core';
import type { Durations } from '@wasm-pool/core/internal';
import { messageOf, WasmError } from '../../errors.js';
import type { Judgement } from '../../instance/judgement.js';
import type { MessagePort } from '../../platform/threads.js';
import { inNextTurn } from '../../platform/turns.js';
import type { Made } from '../wire/messages.js';
import { abort, op } from '../wire/ring.js';
import { deserializeError, type SerializedThrow } from '../wire/serialized-error.js';
import type { Call, CallOwner } from './call.js';
import { ControlRequest } from './control-request.js';
import { Deadline } from './deadline.js';
import type { Pace, PacedWorker } from './pace.js';
import { Pipeline } from './pipeline.js';
import { ResultStream } from './result-stream.js';
import type { SlotReply, Thread, ThreadOwner } from './thread.js';

/** What events tell of a worker. */
export interface WorkerInfo {
  /** Counts up from 1 in each pool; never given twice. */
  readonly id: number;
  /** The pool's name and the id, for logs: `wasm#3`. */
  readonly name: string;
  /** `threadId` of its worker thread; several instances may follow each other on one, or share it. */
  readonly threadId: number;
  /** The size of all memories of its instance when it answered last, in bytes. */
  readonly memoryBytes: number;
}

/** What a worker asks of its pool while it serves calls that the pool queued. */
export interface Lender {
  /** Lends it to the next waiter, if that is such a call, which then comes by `serveQueued`. */
  handOff(worker: PooledWorker): boolean;
  /** Its last `count` loans were for calls that did not begin. */
  undoHandOff(worker: PooledWorker, count: number): void;
  release(worker: PooledWorker): void;
  /** Has calls wait again, in their order and in front of all others. */
  requeue(calls: readonly Call[]): void;
  /** A worker has become unfit, which may be idle. */
  lost(worker: PooledWorker): void;
  /** The pool's counters, for errors. */
  state(): PoolState;
}

/** What all workers of a pool have in common. */
export interface WorkerSetting {
  readonly lender: Lender;
  readonly pace: Pace;
  /** How long calls have run. */
  readonly runs: Durations;
  /** Each loan of a worker is its last. */
  readonly once: boolean;
  /** How long a task that looks at its signal may take to stop. */
  readonly abortGraceMillis: number;
}

interface Stopping {
  readonly call: Call;
  readonly verdict: string;
  readonly error: unknown;
}

/** Why calls are rejected on a worker that was destroyed for these reasons. */
const gone: Readonly<Record<string, string>> = {
  close: 'its pool was closed',
  busy: 'it was returned while the call was under way',
  borrower: 'its borrower had it destroyed',
};

/**
 * An instance on a thread, as its pool sees it: the calls that it has, and what becomes of it. The
 * calls themselves are in its `Pipeline`; how many it is given is for `Pace` to say.
 */
export class PooledWorker implements WorkerInfo, ThreadOwner, CallOwner, PacedWorker {
  readonly id: number;
  readonly name: string;
  thread: Thread;
  memoryBytes = 0;
  returnedAt = 0;

  /** Whether it is fit to be lent again, or the reason why not. */
  verdict: Judgement = true;
  /** What made it unfit. */
  cause: unknown = undefined;
  /** It has made its instance, and the pool has not destroyed it. */
  isPooled = false;

  readonly #setting: WorkerSetting;
  readonly #pipeline: Pipeline;
  readonly #deadline = new Deadline(() => this.#overdue());
  readonly #grace = new Deadline(() => this.#graceIsOver());
  #tasks: ReadonlyMap<string, number> = new Map();

  /** Serves calls that the pool queued, and not a borrower. */
  #serving = false;
  /** Queued calls that it was handed off to, and that are on their way here. */
  #handedOff = 0;
  /** Calls were handed off to it in this turn of the event loop. */
  #prefetched = false;
  /** Receives what was answered before its thread is ended: it begins nothing more meanwhile. */
  #draining = false;
  #sinceMillis = 0;
  /** The result of the call under way that its caller reads. */
  #streaming: ResultStream | undefined = undefined;
  /** The call that is to stop, and what it rejects with. */
  #stopping: Stopping | undefined = undefined;

  /** What calls reject with once its thread is gone. */
  #error: WasmError | undefined = undefined;

  /** A borrower has called it since it was judged last. */
  #used = false;
  #making: ControlRequest<Made> | undefined = undefined;
  #judging: ControlRequest<Judgement> | undefined = undefined;

  constructor(thread: Thread, id: number, poolName: string, setting: WorkerSetting) {
    this.id = id;
    this.name = `${poolName}#${id}`;
    this.thread = thread;
    this.#setting = setting;
    this.#pipeline = new Pipeline(
      () => this.thread,
      id,
      (name) => this.#taskOf(name),
    );
    thread.owners.add(this);
  }

  get threadId(): number {
    return this.thread.id;
  }

  #taskOf(name: string): number {
    const task = this.#tasks.get(name);
    if (task !== undefined) return task;
    const message = `${this.name} has no task or function export ${name}, which other instances of its pool have`;
    throw new WasmError('ERR_WASM_TASK', message);
  }

  /** Has the thread make its instance. Rejects with what that failed with. */
  async make(timeoutMillis: number): Promise<Made> {
    const request = new ControlRequest(({ value }) => value as Made);
    this.#making = request;
    const onTimeout = () => {
      const state = this.#setting.lender.state();
      request.reject(
        new FactoryTimeoutError('create', 'createTimeoutMillis', timeoutMillis, state),
      );
    };
    const timer = timeoutMillis > 0 ? setTimeout(onTimeout, timeoutMillis) : undefined;
    request.sendTo(this.thread, op.make, this.id);
    try {
      const made = await request.promise;
      this.#tasks = new Map(made.names.map((name, index) => [name, index]));
      this.memoryBytes = made.memoryBytes;
      this.isPooled = true;
      return made;
    } finally {
      clearTimeout(timer);
      this.#making = undefined;
    }
  }

  /** Has another thread make its instance, unless its own has begun. Returns whether it has not. */
  moveTo(thread: Thread): boolean {
    const request = this.#making;
    if (request === undefined || !this.thread.revoke(request)) return false;
    this.thread.owners.delete(this);
    this.thread = thread;
    thread.owners.add(this);
    request.sendTo(thread, op.make, this.id);
    return true;
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
    call.owner = this;
    this.#pipeline.add(call);
  }

  #flush(): void {
    const { current } = this.#pipeline;
    this.#pipeline.flush();
    if (current !== this.#pipeline.current) this.#begin(performance.now());
    if (this.#serving && this.#pipeline.length > 1) this.#setting.pace.watch(this);
  }

  /** Another call is the first, or none is there. */
  #begin(nowMillis: number): void {
    this.#sinceMillis = nowMillis;
    const limit = this.#pipeline.current?.callTimeoutMillis ?? 0;
    this.#deadline.set(limit);
  }

  replied(call: Call, reply: SlotReply): void {
    const { threw, value, memoryBytes, verdict, nowMillis } = reply;
    if (call !== this.#pipeline.current) throw new RangeError('an answer out of its order');
    this.memoryBytes = memoryBytes;
    if (threw) call.rejectWith(value as SerializedThrow);
    else if (reply.streams) this.#stream(call, value as MessagePort);
    else call.resolve(value);
    const cause = reply.cause ?? (threw ? (value as SerializedThrow) : undefined);
    if (verdict !== true && cause !== undefined) this.cause = deserializeError(cause);
    if (verdict === undefined) this.#deadline.set(0);
    else this.#over(verdict, nowMillis);
  }

  /** The result comes bit by bit: the call is under way until it is read, or left. */
  #stream(call: Call, port: MessagePort): void {
    const { abortGraceMillis } = this.#setting;
    this.#streaming = new ResultStream(call, port, {
      name: this.name,
      abortGraceMillis,
      askToStop: ({ slot }) => this.thread.askToStop(slot, abort.signal),
      stop: (verdict, error) => this.#kill(verdict, error),
    });
    if (call.settled) this.#streaming.leave(); // given up by now
    call.resolve(this.#streaming.readable);
  }

  #endStream(error?: unknown): void {
    if (error !== undefined) this.#streaming?.fail(error);
    this.#streaming?.end();
    this.#streaming = undefined;
  }

  judged(_call: Call, verdict: Judgement, cause: SerializedThrow | undefined): void {
    if (cause !== undefined) this.cause = deserializeError(cause);
    this.#over(verdict, performance.now());
  }

  /** Its instance is gone: the call is run elsewhere, once the verdict is known. */
  returned(call: Call): void {
    if (call.settled) return;
    this.#pipeline.unsend(call);
    this.#next();
  }

  /** The call under way is through, and the instance judged. */
  #over(verdict: Judgement, nowMillis: number): void {
    const call = this.#pipeline.shift();
    this.#endStream();
    const millis = nowMillis - this.#sinceMillis;
    if (this.#stopping?.call === call) {
      this.#stopping = undefined;
      this.#grace.set(0);
    }
    this.#setting.pace.note(millis);
    this.#setting.runs.add(millis);
    if (verdict !== true && this.verdict === true) this.verdict = verdict;
    this.#begin(nowMillis);
    this.#next();
  }

  /** Queues more calls behind the present ones, or ends the loan if there are none. */
  #next(): void {
    if (this.#draining || this.#handedOff > 0) return;
    if (!this.#serving) {
      this.#flush();
      return;
    }
    if (this.verdict === true && this.#stopping === undefined) {
      if (!this.#prefetched) this.#prefetch();
      if (this.#handedOff > 0) return; // all are sent at once
      this.#flush();
    } else this.sendBack(this.verdict === true ? 1 : 0);
    if (this.#pipeline.length > 0 || this.#prefetched) return;
    this.#setting.pace.share();
    this.#serving = false;
    this.#setting.pace.forget(this);
    this.#setting.lender.release(this);
  }

  /**
   * Has waiting calls handed off to it: once a turn of the event loop, or answers could follow each
   * other without the loop ever getting to anything else.
   */
  #prefetch(): void {
    const { mostSent } = this.thread.ring;
    const room = this.#setting.once ? 1 : Math.min(this.#setting.pace.limit, mostSent);
    if (this.#pipeline.length > room / 2) return;
    const { lender } = this.#setting;
    while (this.#pipeline.length + this.#handedOff < room && lender.handOff(this)) {
      this.#handedOff++;
    }
    if (this.#handedOff === 0) return;
    this.#prefetched = true;
    inNextTurn(() => {
      this.#prefetched = false;
      if (this.#serving) this.#next();
    });
  }

  get behind(): number {
    return this.#pipeline.length - 1;
  }

  stalledMillis(nowMillis: number): number {
    return this.#serving && this.behind > 0 ? nowMillis - this.#sinceMillis : 0;
  }

  sendBack(kept: number): void {
    const withdrawn = this.#pipeline.withdraw(kept);
    if (kept > 0 && withdrawn.length > 0) {
      this.#setting.lender.undoHandOff(this, withdrawn.length);
    }
    const calls = withdrawn.filter((call) => !call.settled);
    if (calls.length === 0) return;
    for (const call of calls) call.owner = undefined;
    this.#setting.lender.requeue(calls);
  }

  aborted(call: Call): void {
    const { current } = this.#pipeline;
    const reason: unknown = call.settings.signal?.reason;
    if (this.#pipeline.remove(call)) {
      call.reject(reason);
      if (call === current) this.#begin(performance.now());
      if (this.#serving && this.#pipeline.length > 0) this.#setting.lender.undoHandOff(this, 1);
      this.#next();
    } else this.#stop(call, 'aborted', reason, abort.signal);
  }

  #overdue(): void {
    const { current } = this.#pipeline;
    if (current === undefined || current.settled) return;
    const limit = current.callTimeoutMillis;
    const leftMillis = this.#leftOf(current, limit);
    if (leftMillis > 0) {
      this.#deadline.set(leftMillis);
      return;
    }
    const message = `${this.name}: ${current.name} ran for longer than callTimeoutMillis (${limit} ms), and its thread was ended`;
    const error = new WasmError('ERR_WASM_CALL_TIMEOUT', message);
    this.#stop(current, 'timeout', error, abort.timeout);
  }

  /** What is left of a call's time limit, from when its thread has begun with it. */
  #leftOf({ slot }: Call, limit: number): number {
    if (slot === -1) return 0;
    const { ring } = this.thread;
    const startMillis = ring.isBegun(slot) ? ring.startMillis(slot) : 0;
    // Not begun: the thread works for another instance. Between the two words: it is about to begin.
    if (startMillis === 0) return limit;
    return startMillis + limit - (performance.timeOrigin + performance.now());
  }

  /** Has a call stop that its thread has begun, unless that is answered at the last moment. */
  #stop(call: Call, verdict: string, error: unknown, why: number): void {
    this.#stopping = { call, verdict, error };
    // The thread may be through with it by now, and is not to begin what would be lost with it.
    for (const behind of this.#pipeline.withdraw(1)) this.#pipeline.add(behind);
    this.#drain();
    if (call.settled) {
      this.#stopping = undefined;
      this.#next();
      return;
    }
    const { abortGraceMillis } = this.#setting;
    if (abortGraceMillis > 0 && this.thread.askToStop(call.slot, why)) {
      this.#grace.set(abortGraceMillis);
      call.reject(error);
      this.#next();
      return;
    }
    call.reject(error);
    this.#kill(verdict, error);
  }

  #graceIsOver(): void {
    if (this.#stopping === undefined) return;
    this.#drain();
    if (this.#stopping !== undefined) this.#kill(this.#stopping.verdict, this.#stopping.error);
    else this.#next();
  }

  /** Receives what its thread has answered, though its turn of the event loop has not come. */
  #drain(): void {
    this.#draining = true;
    this.thread.receive(performance.now());
    this.#draining = false;
  }

  /** Ends the thread. Its other instances are lost with it. */
  #kill(verdict: string, error: unknown): void {
    if (this.thread.ended) return;
    const { thread } = this;
    void thread.end();
    thread.owners.delete(this);
    thread.tellOwners(error, `${verdict} of a call of another instance`);
    this.#lose(verdict, `${verdict} of another call`, error);
  }

  threadEnds(cause: unknown): void {
    if (this.verdict !== true) return;
    this.verdict = 'exit';
    this.cause = cause;
  }

  threadEnded(cause: unknown, why = messageOf(cause)): void {
    this.#draining = true;
    this.#lose('exit', why, cause);
  }

  /** Its thread is gone, or is to go: the calls that have not begun run elsewhere. */
  #lose(verdict: string, why: string, cause: unknown): void {
    if (this.#error !== undefined) return;
    const error = this.#exitError(why, cause);
    this.verdict = verdict;
    this.cause = cause;
    this.#error = error;
    this.#stopTimers();
    this.#making?.reject(error);
    this.#endStream(error);
    this.#judging?.resolve(verdict);
    const { current } = this.#pipeline;
    if (current !== undefined) this.#setting.runs.add(performance.now() - this.#sinceMillis);
    const others = this.#pipeline.withdraw(0);
    if (current !== undefined && current === others[0] && !current.takeRetry()) {
      others.shift();
      current.reject(error);
    }
    this.#stopping?.call.reject(this.#stopping.error);
    for (const call of this.#pipeline.takeSent()) call.reject(error);
    for (const call of others) {
      if (this.#serving) this.#pipeline.add(call);
      else call.reject(error);
    }
    this.#draining = false;
    if (this.#serving || this.#handedOff > 0) this.#next();
    else if (this.isPooled) this.#setting.lender.lost(this);
  }

  #exitError(why: string, cause: unknown): WasmError {
    return new WasmError('ERR_WASM_WORKER_EXIT', `${this.name}: its thread ended: ${why}`, {
      cause,
    });
  }

  #stopTimers(): void {
    this.#deadline.stop();
    this.#grace.stop();
    this.#setting.pace.forget(this);
  }

  /** At the end of a loan: whether it is fit for another. */
  judge(): Judgement | Promise<Judgement> {
    if (this.verdict !== true) return this.verdict;
    if (this.#pipeline.length > 0) return 'busy';
    if (!this.#used) return true;
    const request = new ControlRequest(({ verdict, cause }): Judgement => {
      if (cause !== undefined) this.cause = deserializeError(cause);
      return verdict ?? 'gone';
    });
    this.#judging = request;
    request.sendTo(this.thread, op.judge, this.id);
    return request.promise.then((verdict) => {
      this.#judging = undefined;
      this.#used = false;
      return verdict;
    });
  }

  /** Leaves its thread to other instances. Returns false where it has a call under way, or the thread is gone. */
  leave(): boolean {
    const { thread } = this;
    if (thread.ended || this.#pipeline.length > 0) return false;
    this.isPooled = false;
    this.#stopTimers();
    this.#error = this.#exitError('its instance was replaced', undefined);
    thread.owners.delete(this);
    if (this.verdict === true) new ControlRequest(() => {}).sendTo(thread, op.drop, this.id);
    return true;
  }

  /** As soon as it is made: its pool has no room for it. */
  drop(): void {
    void this.destroy('budget');
  }

  /** Whether it has a call that its thread has begun. */
  get isBusy(): boolean {
    const { current } = this.#pipeline;
    return current !== undefined && current.slot !== -1 && this.thread.ring.isBegun(current.slot);
  }

  /** It is gone, and its thread with it: what either still has to do rejects. */
  destroy(reason: string): Promise<void> {
    this.isPooled = false;
    this.#stopTimers();
    this.#error ??= this.#exitError(gone[reason] ?? reason, undefined);
    const error = this.#error;
    if (this.verdict === true) this.verdict = reason;
    this.#making?.reject(error);
    this.#endStream(error);
    this.#judging?.resolve(reason);
    this.#serving = false;
    for (const call of [...this.#pipeline.withdraw(0), ...this.#pipeline.takeSent()]) {
      call.reject(error);
    }
    return this.#endThread(reason, error);
  }

  async #endThread(reason: string, error: WasmError): Promise<void> {
    const { thread } = this;
    thread.owners.delete(this);
    thread.tellOwners(error, `${reason} of another instance`);
    await thread.end();
  }
}
