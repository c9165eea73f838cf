import type { DestroyReason, Verdict } from '@wasm-pool/core';
import type { AdapterFactory, AdapterPool } from '@wasm-pool/core/internal';
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

/** Makes and judges the workers of one pool. A borrower gets a `LentWorker`, which ends with its loan. */
export class LentWorkerFactory<Calls, Context>
  extends WorkerFactory
  implements AdapterFactory<PooledWorker, WasmWorker<Calls>, Context>
{
  readonly #callTimeoutMillis: number;
  readonly #spares: Spares | undefined;
  readonly #loans = new Map<PooledWorker, LentWorker<Calls>>();
  #names: ReadonlySet<string> | undefined = undefined;

  constructor(
    program: ThreadData['program'],
    prepared: SharedPrepared,
    settings: WorkerSettings,
    pool: WorkerPool<Calls, Context>,
  ) {
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
      once: thread.reset === 'fresh',
      pace: new Pace(() => pool.available > 0),
      endTimeoutMillis: settings.destroyTimeoutMillis,
      lender: lenderOf(pool),
      onRoom: () => pool.fill(),
    });
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

  override recycle(worker: PooledWorker): Verdict {
    this.#endLoan(worker);
    return super.recycle(worker);
  }

  override destroy(worker: PooledWorker, reason: DestroyReason): Promise<void> {
    this.#endLoan(worker);
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

  closed(): void {
    this.close();
  }
}

/** What the workers of a pool ask of it. */
function lenderOf<Calls, Context>(pool: WorkerPool<Calls, Context>): Lender {
  return {
    handOff: (worker) => pool.handOff(worker),
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
    lost: () => {},
  };
}
