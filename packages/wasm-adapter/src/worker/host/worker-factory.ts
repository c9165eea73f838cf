import type { DestroyReason, Factory, Verdict } from '@wasm-pool/core';
import { WasmError } from '../../errors.js';
import { verdictOf } from '../../instance/judgement.js';
import type { WorkerSettings } from '../pool/worker-options.js';
import type { Made, ThreadData } from '../wire/messages.js';
import { type Lender, PooledWorker } from './pooled-worker.js';
import { Thread } from './thread.js';

/** Why an instance goes though its thread is as good as new. */
const reasonsThatKeepTheThread: readonly DestroyReason[] = [
  'trap',
  'memory',
  'unrestorable',
  'used',
  'threw',
  'uses',
  'age',
];

const VACANT_MILLIS = 100;

/** What core needs to pool instances that are on threads. */
export class WorkerFactory implements Factory<PooledWorker> {
  /** What the instance made last was like. */
  made: Made | undefined = undefined;

  readonly #program: ThreadData['program'];
  readonly #settings: WorkerSettings;
  readonly #lender: Lender;
  /** Threads whose instance is gone; unless the next one is made soon, they go too. */
  readonly #reusableThreads: Thread[] = [];
  readonly #making = new Set<PooledWorker>();
  #closed = false;
  #lastId = 0;

  constructor(program: ThreadData['program'], settings: WorkerSettings, lender: Lender) {
    this.#program = program;
    this.#lender = lender;
    this.#settings = settings;
  }

  async create(): Promise<PooledWorker> {
    const vacant = this.#takeVacant();
    if (vacant === undefined) return this.#make();
    try {
      return await this.#make(vacant);
    } catch (error) {
      // What ended the thread may have been left behind by the instance before.
      if (this.#closed || !isExit(error)) throw error;
      return this.#make();
    }
  }

  async #make(vacant?: Thread): Promise<PooledWorker> {
    const { name, thread: options, module, createTimeoutMillis, spawn } = this.#settings;
    const id = ++this.#lastId;
    const data = { program: this.#program, poolName: name, options, module };
    const thread = vacant ?? new Thread(spawn, `${name}#${id}`, data);
    const worker = new PooledWorker(thread, id, name, this.#lender, options.reset === 'fresh');
    this.#making.add(worker);
    try {
      this.made = await worker.make(createTimeoutMillis);
      return worker;
    } finally {
      this.#making.delete(worker);
    }
  }

  #takeVacant(): Thread | undefined {
    let thread = this.#reusableThreads.pop();
    while (thread?.ended) thread = this.#reusableThreads.pop();
    return thread;
  }

  validate(worker: PooledWorker): Verdict {
    return verdictOf(worker.verdict);
  }

  recycle(worker: PooledWorker): Verdict {
    const judgement = worker.judge();
    return typeof judgement === 'object' ? judgement.then(verdictOf) : verdictOf(judgement);
  }

  destroy(worker: PooledWorker, reason: DestroyReason): void | Promise<void> {
    if (!reasonsThatKeepTheThread.includes(reason) || !worker.leave())
      return worker.destroy(reason);
    this.#reusableThreads.push(worker.thread);
    const end = () => {
      const at = this.#reusableThreads.indexOf(worker.thread);
      if (at !== -1) void this.#reusableThreads.splice(at, 1)[0]?.end();
    };
    setTimeout(end, VACANT_MILLIS).unref();
  }

  /** Ends what the pool does not have, or not yet. */
  close(): void {
    this.#closed = true;
    for (const thread of this.#reusableThreads.splice(0)) void thread.end();
    for (const worker of this.#making) void worker.destroy('close');
  }
}

function isExit(error: unknown): boolean {
  return error instanceof WasmError && error.code === 'ERR_WASM_WORKER_EXIT';
}
