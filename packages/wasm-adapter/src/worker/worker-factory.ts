import type { DestroyReason, Factory, Verdict } from '@wasm-pool/core';
import type { Compiled } from '../compile.js';
import type { Made } from './messages.js';
import { type Lender, PooledWorker } from './pooled-worker.js';
import { Thread } from './thread.js';
import type { WorkerSettings } from './worker-options.js';

/** Why an instance goes though its thread is as good as new. */
const threadStays: readonly DestroyReason[] = [
  'trap',
  'memory',
  'unrestorable',
  'used',
  'threw',
  'uses',
  'age',
];

/** What core needs to pool instances that are on threads. */
export class WorkerFactory implements Factory<PooledWorker> {
  /** What the instance made last was like. */
  made: Made | undefined = undefined;

  /** The pool, once there is one. */
  lender!: Lender;

  readonly #compiled: Compiled;
  readonly #settings: WorkerSettings;
  /** Threads whose instance is gone; unless the next one is made at once, they go too. */
  readonly #vacant: Thread[] = [];
  #lastId = 0;

  constructor(compiled: Compiled, settings: WorkerSettings) {
    this.#compiled = compiled;
    this.#settings = settings;
  }

  async create(): Promise<PooledWorker> {
    const { name, thread: options, module, createTimeoutMillis, spawn } = this.#settings;
    const id = ++this.#lastId;
    const thread =
      this.#vacant.pop() ??
      new Thread(spawn, `${name}#${id}`, {
        compiled: this.#compiled,
        poolName: name,
        options,
        module,
      });
    const worker = new PooledWorker(thread, id, name, this.lender, options.reset === 'fresh');
    this.made = await worker.make(createTimeoutMillis);
    return worker;
  }

  validate(worker: PooledWorker): Verdict {
    return worker.verdict;
  }

  recycle(worker: PooledWorker): Verdict | Promise<Verdict> {
    return worker.judge();
  }

  destroy(worker: PooledWorker, reason: DestroyReason): void | Promise<void> {
    if (!threadStays.includes(reason) || !worker.leave()) return worker.destroy(reason);
    this.#vacant.push(worker.thread);
    setImmediate(() => {
      const at = this.#vacant.indexOf(worker.thread);
      if (at !== -1) void this.#vacant.splice(at, 1)[0]?.end();
    });
  }
}
