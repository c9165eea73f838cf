import type { DestroyReason, Factory, TimeStats, Verdict } from '@wasm-pool/core';
import { WasmError } from '../../errors.js';
import { type Judgement, verdictOf } from '../../instance/judgement.js';
import type { Spawn } from '../../platform/threads.js';
import { backgroundTimer } from '../../platform/turns.js';
import type { ThreadMembership } from '../../pool/budget-membership.js';
import { threadIsGone } from '../../snapshot/shared-prepared.js';
import type { Made } from '../wire/messages.js';
import { op } from '../wire/ring.js';
import { ControlRequest } from './control-request.js';
import { Inbox } from './inbox.js';
import { PooledWorker, type WorkerSetting } from './pooled-worker.js';
import { Thread, type ThreadOutlet, type ThreadSettings } from './thread.js';

/** Reasons after which the thread of an instance is as good as new. */
const reasonsThatKeepTheThread: readonly DestroyReason[] = [
  'trap',
  'memory',
  'unrestorable',
  'resources',
  'used',
  'threw',
  'uses',
  'age',
  'budget',
];

/** A thread without an instance ends after so long, unless one is made there. */
const VACANT_MILLIS = 30_000;

/** How the threads of a pool are made, and how many. */
export interface FactorySettings extends WorkerSetting {
  readonly name: string;
  readonly spawn: Spawn;
  readonly thread: ThreadSettings;
  readonly outlet: ThreadOutlet;
  readonly createTimeoutMillis: number;
  /** How long what the tasks have to do before a thread ends may take. */
  readonly endTimeoutMillis: number;
  /** The threads that it shares with other pools. */
  readonly shared: ThreadMembership | undefined;
  /** The most threads at once, those included that are being ended. */
  readonly maxThreads: number;
  /** The most instances on one thread. */
  readonly instancesPerThread: number;
  /** Called when a creation that `canCreate` refused may be possible. */
  readonly onRoom: () => void;
}

/** Makes the instances of a pool on threads, and ends them. */
export class WorkerFactory implements Factory<PooledWorker> {
  /** What the instance that was made last is like. */
  made: Made | undefined = undefined;

  readonly #settings: FactorySettings;
  readonly #inbox = new Inbox();
  readonly #threads = new Set<Thread>();
  /** Threads that are being ended, and not gone yet. */
  readonly #ending = new Set<Thread>();
  readonly #making = new Set<PooledWorker>();
  readonly #vacancies = new Map<Thread, NodeJS.Timeout>();
  /** When each instance was made. */
  readonly #madeMillis = new Map<PooledWorker, number>();
  /** How long those lived that are gone, together. */
  #livedMillis = 0;
  #closed = false;
  /** Whether the next creation may start a thread: `canCreate` has asked. */
  #startsNext = true;
  #lastId = 0;
  #lastThread = 0;

  constructor(settings: FactorySettings) {
    this.#settings = settings;
  }

  /** Threads that exist; `ending` are those among them that are being ended, and not gone yet. */
  get threads(): { readonly size: number; readonly ending: number } {
    return { size: this.#threads.size + this.#ending.size, ending: this.#ending.size };
  }

  get runs(): TimeStats {
    return this.#settings.runs.toStats();
  }

  /** How much of their time the instances have had calls, from 0 to 1. */
  get utilization(): number {
    const now = performance.now();
    let lived = this.#livedMillis;
    for (const made of this.#madeMillis.values()) lived += now - made;
    return lived === 0 ? 0 : Math.min(this.runs.totalMillis / lived, 1);
  }

  /** Whether a thread has room for a further instance, or may be started. */
  canCreate(): boolean {
    const hasRoom = this.#roomiest() !== undefined;
    // A thread that is shared with other pools is not taken where one of its own has room.
    this.#startsNext = !(hasRoom && this.#settings.shared !== undefined) && this.#mayStart;
    return this.#startsNext || hasRoom;
  }

  get #mayStart(): boolean {
    const { maxThreads, shared } = this.#settings;
    if (this.#threads.size + this.#ending.size >= maxThreads) return false;
    return shared === undefined || shared.mayStart();
  }

  /** The thread with the fewest instances, where it has room; one that has loaded its tasks if possible. */
  #roomiest(): Thread | undefined {
    let best: Thread | undefined;
    for (const thread of this.#threads) {
      if (thread.ended || thread.owners.size >= this.#settings.instancesPerThread) continue;
      if (best === undefined || isBetter(thread, best)) best = thread;
    }
    return best;
  }

  async create(): Promise<PooledWorker> {
    const roomiest = this.#roomiest();
    const vacant = roomiest !== undefined && roomiest.owners.size === 0 ? roomiest : undefined;
    const started = vacant === undefined && this.#startsNext ? this.#start() : undefined;
    const thread = vacant ?? started ?? roomiest;
    if (thread === undefined) {
      const message = `${this.#settings.name}: all threads are in use, or do not end`;
      throw new WasmError('ERR_WASM_WORKER_EXIT', message);
    }
    try {
      return await this.#make(thread);
    } catch (error) {
      // What ended the thread may have been left behind by an instance that it had before.
      if (this.#closed || thread === started || !isOfThread(error)) throw error;
      return this.#make(this.#roomiest() ?? this.#start());
    }
  }

  async #make(thread: Thread): Promise<PooledWorker> {
    const { name, createTimeoutMillis } = this.#settings;
    this.#occupy(thread);
    const worker = new PooledWorker(thread, ++this.#lastId, name, this.#settings);
    this.#making.add(worker);
    try {
      this.made = await worker.make(createTimeoutMillis);
      this.#madeMillis.set(worker, performance.now());
      return worker;
    } catch (error) {
      void this.#discard(worker, 'failed', worker.thread.loaded && !isTimeout(error));
      throw error;
    } finally {
      this.#making.delete(worker);
    }
  }

  #start(): Thread {
    const { spawn, name, thread: settings, outlet, instancesPerThread } = this.#settings;
    const label = `${name}#${++this.#lastThread}`;
    const slots = slotsFor(instancesPerThread);
    const thread = new Thread(spawn, label, settings, slots, this.#inbox, outlet);
    this.#threads.add(thread);
    this.#settings.shared?.started();
    const { id: number } = thread; // it has none once it is gone
    const load = new ControlRequest(({ value }) => value as { endsItself: boolean });
    load.sendTo(thread, op.load, 0);
    load.promise.then(
      ({ endsItself }) => {
        thread.loaded = true;
        thread.endsItself = endsItself;
        if (thread.owners.size === 0) this.#vacate(thread);
      },
      () => {}, // the creation that it was started for is told
    );
    void thread.exit.then(() => {
      threadIsGone(settings.prepared, number);
      this.#gone(thread);
    });
    return thread;
  }

  #gone(thread: Thread): void {
    this.#threads.delete(thread);
    this.#ending.delete(thread);
    this.#occupy(thread);
    this.#settings.shared?.gone();
    if (!this.#closed) this.#settings.onRoom();
  }

  /** Whether a thread has no instance at present. */
  get hasVacant(): boolean {
    return this.#vacancies.size > 0;
  }

  /** Ends such a thread; false: there is none. */
  endVacant(): boolean {
    for (const thread of this.#vacancies.keys()) {
      void this.#end(thread);
      return true;
    }
    return false;
  }

  #occupy(thread: Thread): void {
    clearTimeout(this.#vacancies.get(thread));
    this.#vacancies.delete(thread);
  }

  /** A thread has no instance: one is made there that waits for a thread to start, or it ends later. */
  #vacate(thread: Thread): void {
    for (const worker of this.#making) {
      if (!worker.thread.loaded && worker.thread !== thread && worker.moveTo(thread)) return;
    }
    if (this.#closed) {
      void this.#end(thread);
      return;
    }
    this.#occupy(thread);
    const timer = backgroundTimer(() => {
      if (thread.owners.size === 0) void this.#end(thread);
    }, VACANT_MILLIS);
    this.#vacancies.set(thread, timer);
    this.#settings.onRoom();
  }

  validate(worker: PooledWorker): Verdict {
    return verdictOf(worker.verdict, worker.cause);
  }

  recycle(worker: PooledWorker): Verdict | Promise<Verdict> {
    const judgement = worker.judge();
    const verdict = (it: Judgement) => verdictOf(it, worker.cause);
    return typeof judgement === 'object' ? judgement.then(verdict) : verdict(judgement);
  }

  destroy(worker: PooledWorker, reason: DestroyReason): Promise<void> {
    return this.#discard(worker, reason, reasonsThatKeepTheThread.includes(reason));
  }

  /** Ends an instance, and its thread with it, unless that is shared or to be kept. */
  async #discard(worker: PooledWorker, reason: string, keepsThread: boolean): Promise<void> {
    const { thread } = worker;
    const made = this.#madeMillis.get(worker);
    if (made !== undefined) this.#livedMillis += performance.now() - made;
    this.#madeMillis.delete(worker);
    const shared = thread.owners.size > 1 && !worker.isBusy && thread.loaded;
    if ((keepsThread || shared) && worker.leave()) {
      if (thread.owners.size === 0) this.#vacate(thread);
      else this.#settings.onRoom();
      return;
    }
    if (!worker.isBusy && thread.owners.size <= 1 && thread.endsItself && worker.leave()) {
      return this.#end(thread);
    }
    if (this.#threads.delete(thread)) this.#ending.add(thread);
    return worker.destroy(reason);
  }

  /** Ends a thread, once its tasks have done what they have to do before. */
  async #end(thread: Thread): Promise<void> {
    if (this.#threads.delete(thread)) this.#ending.add(thread);
    this.#occupy(thread);
    if (thread.endsItself && !thread.ended) {
      const request = new ControlRequest(() => {});
      request.sendTo(thread, op.end, 0);
      const timer = setTimeout(() => request.resolve(undefined), this.#settings.endTimeoutMillis);
      void thread.exit.then(() => request.resolve(undefined));
      await request.promise.catch(() => {});
      clearTimeout(timer);
    }
    await thread.end();
  }

  /** Ends the threads that the pool has no instance on, or not yet. */
  close(): void {
    this.#closed = true;
    for (const worker of this.#making) void worker.destroy('close');
    for (const thread of this.#threads) if (thread.owners.size === 0) void this.#end(thread);
    for (const timer of this.#vacancies.values()) clearTimeout(timer);
    this.#settings.pace.stop();
  }
}

/** The number of slots of a thread's ring: what each instance may be sent, and some more. */
function slotsFor(instances: number): number {
  const wanted = Math.min(Math.max(65 * instances, 128), Math.max(4096, 2 * instances));
  return 2 ** Math.ceil(Math.log2(wanted));
}

function isBetter(thread: Thread, than: Thread): boolean {
  if (thread.owners.size !== than.owners.size) return thread.owners.size < than.owners.size;
  return thread.loaded && !than.loaded;
}

/** Whether another thread may do better: a loader that keeps one instance has none yet there. */
function isOfThread(error: unknown): boolean {
  if (!(error instanceof WasmError)) return false;
  return error.code === 'ERR_WASM_WORKER_EXIT' || error.code === 'ERR_WASM_LOADER';
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'FactoryTimeoutError';
}
