import type { AcquireTimeoutError, DestroyReason, Verdict } from '@wasm-pool/core';
import {
  type AdapterFactory,
  type AdapterPool,
  Durations,
  isThenable,
} from '@wasm-pool/core/internal';
import type { BudgetMembership, ThreadMembership } from '../../pool/budget-membership.js';
import { Spares } from '../../pool/spares.js';
import type { SharedPrepared } from '../../snapshot/shared-prepared.js';
import type { Call } from '../host/call.js';
import { Outlet } from '../host/outlet.js';
import { Pace } from '../host/pace.js';
import type { Lender, PooledWorker } from '../host/pooled-worker.js';
import { WorkerFactory } from '../host/worker-factory.js';
import type { ThreadData } from '../wire/messages.js';
import { LentWorker } from './lent-worker.js';
import type { WasmWorker } from './wasm-worker.js';
import type { WorkerSettings } from './worker-options.js';

/** A pool of workers, as its factory sees it. */
export type WorkerPool<Calls, Context> = AdapterPool<PooledWorker, WasmWorker<Calls>, Context>;

/** What a pool shares with others. */
export interface Budgets {
  readonly instances: BudgetMembership;
  readonly threads: ThreadMembership;
}

/** A pool that is to share budgets, and what these ask of it. */
export interface Joining {
  readonly pool: Pick<
    AdapterPool<PooledWorker>,
    | 'available'
    | 'borrowed'
    | 'pending'
    | 'size'
    | 'spareResourceCapacity'
    | 'oldestIdle'
    | 'evict'
    | 'fill'
    | 'close'
    | 'state'
  > & { on(event: 'create' | 'factoryCreateError', listener: () => void): unknown };
  /** When the thread was used that could end first: 0 for one without an instance; undefined: none could. */
  idleSince(): number | undefined;
  /** Ends that thread. Returns false where it goes on for other instances. */
  endIdle(): boolean;
  /** A refused instance may have room now. */
  onSpaceFreed(): void;
}

export type JoinBudgets = (joining: Joining) => Budgets;

/** Makes and judges the workers of one pool. A borrower gets a `LentWorker`, which ends with its loan. */
export class LentWorkerFactory<Calls, Context>
  extends WorkerFactory
  implements AdapterFactory<PooledWorker, WasmWorker<Calls>, Context>
{
  readonly #callTimeoutMillis: number;
  readonly #spares: Spares | undefined;
  readonly #budgets: Budgets | undefined;
  #givesWay = false;
  readonly #loans = new Map<PooledWorker, LentWorker<Calls>>();
  #names: ReadonlySet<string> | undefined = undefined;

  constructor(
    program: ThreadData['program'],
    prepared: SharedPrepared,
    settings: WorkerSettings,
    pool: WorkerPool<Calls, Context>,
    join?: JoinBudgets,
  ) {
    const budgets = join?.({
      pool,
      idleSince: () => (this.hasVacant ? 0 : pool.oldestIdle?.returnedAt),
      endIdle: () => this.#endIdle(pool),
      onSpaceFreed: () => this.topUp(),
    });
    const { name, thread, module, hosts, stdout, stderr, workerData, ...others } = settings;
    super({
      ...others,
      name,
      thread: {
        program,
        prepared,
        poolName: name,
        options: thread,
        module,
        hosts: Object.keys(hosts),
        tellsOutput: stdout !== undefined || stderr !== undefined,
        userData: workerData,
      },
      outlet: new Outlet(hosts, stdout, stderr),
      shared: budgets?.threads,
      once: thread.reset === 'fresh',
      runs: new Durations(),
      pace: new Pace(() => pool.available > 0),
      endTimeoutMillis: settings.destroyTimeoutMillis,
      lender: lenderOf(pool),
      onRoom: () => pool.fill(),
    });
    this.#budgets = budgets;
    this.#callTimeoutMillis = settings.callTimeoutMillis;
    const { min = 0 } = settings.core;
    this.#spares =
      settings.thread.reset === 'fresh' ? new Spares(pool, Math.max(min, 1)) : undefined;
  }

  /** The tasks, and the function exports of the instances. */
  get names(): ReadonlySet<string> {
    this.#names ??= new Set(this.made?.names);
    return this.#names;
  }

  /** Has spare workers made, where none is lent twice. */
  topUp(): void {
    this.#spares?.topUp();
  }

  lend(worker: PooledWorker, context: Context | undefined): void {
    this.topUp();
    this.#loans.set(worker, new LentWorker(worker, this.names, this.#callTimeoutMillis, context));
  }

  view(worker: PooledWorker): WasmWorker<Calls> {
    return this.#loans.get(worker) as LentWorker<Calls>;
  }

  viewed(lent: WasmWorker<Calls>): PooledWorker | undefined {
    return lent instanceof LentWorker ? lent.worker : undefined;
  }

  /** Ends the thread that was used least recently. What else it has that is idle goes with it. */
  #endIdle(pool: WorkerPool<Calls, Context>): boolean {
    const { ending } = this.threads;
    this.#givesWay = true; // its pool would make another instance there, for `min`
    if (!this.endVacant()) {
      while (this.threads.ending === ending && pool.evict(1, 'threads') === 1);
    }
    this.#givesWay = false;
    return this.threads.ending > ending;
  }

  override canCreate(): boolean {
    if (this.#givesWay) return false;
    return (this.#budgets?.instances.mayCreate() ?? true) && super.canCreate();
  }

  override async create(): Promise<PooledWorker> {
    const worker = await super.create();
    this.#budgets?.instances.created(worker);
    return worker;
  }

  override recycle(worker: PooledWorker): Verdict | Promise<Verdict> {
    this.#endLoan(worker);
    this.#budgets?.instances.returned(worker);
    const verdict = super.recycle(worker);
    if (this.#budgets !== undefined) {
      const rested = () => this.#budgets?.threads.rested();
      if (isThenable(verdict)) verdict.then(rested, rested);
      else rested();
    }
    return verdict;
  }

  override destroy(worker: PooledWorker, reason: DestroyReason): Promise<void> {
    this.#endLoan(worker);
    this.#budgets?.instances.destroyed(worker);
    return super.destroy(worker, reason);
  }

  #endLoan(worker: PooledWorker): void {
    const loan = this.#loans.get(worker);
    if (loan === undefined) return;
    loan.ended = true;
    this.#loans.delete(worker);
  }

  bytes(worker: PooledWorker): number {
    return worker.memoryBytes;
  }

  timedOut(error: AcquireTimeoutError): Error {
    return this.exceeded(error.message, error) ?? error;
  }

  /** The budget's error, where it is what an acquire has waited for. */
  exceeded(what: string, cause?: unknown): Error | undefined {
    const { threads, instances } = this.#budgets ?? {};
    return threads?.exceeded(what, cause) ?? instances?.exceeded(what, cause);
  }

  closed(): void {
    this.close();
    this.#budgets?.instances.detach();
    this.#budgets?.threads.detach();
  }
}

/** What the workers of a pool ask of it. */
function lenderOf<Calls, Context>(pool: WorkerPool<Calls, Context>): Lender {
  return {
    handOff: (worker) => pool.handOff(worker),
    undoHandOff: (worker, count) => pool.undoHandOff(worker, count),
    release: (worker) => pool.giveBack(worker),
    state: () => pool.state(),
    requeue(calls: readonly Call[]) {
      const waiting = [...calls];
      for (let call = waiting[0]; call !== undefined; call = waiting[0]) {
        const worker = pool.tryTake();
        if (worker === undefined) break;
        waiting.shift();
        worker.serveQueued(call);
      }
      for (const call of waiting.reverse()) {
        const { timeoutMillis } = call;
        const { priority, signal } = call.settings;
        pool
          .take({ priority, signal, timeoutMillis, requeue: true })
          .then((worker) => worker.serveQueued(call), call.rejectUnserved);
      }
    },
    lost(worker) {
      if (typeof worker.verdict === 'string')
        pool.discardIdle(worker, worker.verdict, worker.cause);
    },
  };
}
