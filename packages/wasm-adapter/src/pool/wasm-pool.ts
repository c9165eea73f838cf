import {
  type AcquireOptions,
  AcquireTimeoutError,
  type CloseOptions,
  type Lease,
  type Pool,
  type Sync,
} from '@wasm-pool/core';
import { messageOf, WasmError } from '../errors.js';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import { PoolFacade } from './pool-facade.js';
import { Spares } from './spares.js';
import { WasmLease } from './wasm-lease.js';

/** How one acquire waits, and what its loan is for. */
export interface WasmAcquireOptions<Context = unknown> extends AcquireOptions {
  /** Stands in `instance.context` for the length of the loan. */
  context?: Context | undefined;
}

/** What a pool that is one of many asks of the budget that they share. */
export interface BudgetMembership {
  /** Says who holds what, where the pool waits for the others; undefined where it does not. */
  blockedBy(): string | undefined;
  /** Has `listener` called when there may be room for what was refused. */
  onSpaceFreed(listener: () => void): void;
  /** The pool is closed. */
  detach(): void;
}

/**
 * A pool of instances of one module: core's `Pool`, whose instances can be called while they are on
 * loan, and only then, and know their borrower's context.
 */
export class WasmPool<Exports = WebAssembly.Exports, Context = unknown>
  extends PoolFacade<WasmInstance<Exports, Context>, PooledInstance<Exports, Context>>
  implements Pool<WasmInstance<Exports, Context>>
{
  /** The compiled module, as its author wrote it; of a component, its first core module. */
  readonly module: WebAssembly.Module;

  /**
   * With `reset: 'restore'`, why no instance of this module can be put back exactly as it was, so
   * that each is replaced instead; empty where it can.
   */
  readonly restoreBlockers: readonly string[];

  readonly #spares: Spares<PooledInstance<Exports, Context>> | undefined;
  #share: BudgetMembership | undefined;

  /**
   * Use `createWasmPool`.
   *
   * @param spares instances to have ready beyond those on loan, where none is lent twice
   */
  constructor(
    module: WebAssembly.Module,
    restoreBlockers: readonly string[],
    pool: Pool<PooledInstance<Exports, Context>>,
    spares: number,
    share?: BudgetMembership,
  ) {
    super(pool);
    this.module = module;
    this.restoreBlockers = restoreBlockers;
    this.#spares = spares > 0 ? new Spares(pool, spares) : undefined;
    this.#share = share;
    share?.onSpaceFreed(() => this.#spares?.topUp());
  }

  /** As `Pool.acquire`. */
  acquire(options?: number | WasmAcquireOptions<Context>): Promise<WasmInstance<Exports, Context>> {
    const idle = options === undefined ? this.tryAcquire() : undefined;
    if (idle !== undefined) return Promise.resolve(idle);
    return this.#withBudgetError(this.pool.acquire(options)).then((instance) =>
      this.#lend(instance, contextOf(options)),
    );
  }

  /** As `Pool.tryAcquire`. */
  tryAcquire(
    options?: Pick<WasmAcquireOptions<Context>, 'context'>,
  ): WasmInstance<Exports, Context> | undefined {
    const instance = this.pool.tryAcquire();
    return instance && this.#lend(instance, options?.context);
  }

  /**
   * As `Pool.lease`. The lease's `value`, and all that was kept of its exports, throws once the lease
   * has ended, also when somebody else has the instance by then.
   */
  async lease(
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<Lease<WasmInstance<Exports, Context>>> {
    const lease = await this.#withBudgetError(this.pool.lease(options));
    this.#lend(lease.value, contextOf(options));
    return new WasmLease(lease);
  }

  /** As `Pool.use`; an instance whose borrower threw, but not through wasm, is kept. */
  use<R>(
    fn: (instance: WasmInstance<Exports, Context>) => R,
    options?: number | WasmAcquireOptions<Context>,
  ): Promise<Awaited<R>> {
    if (this.#share === undefined) {
      return this.pool.use((instance) => fn(this.#lend(instance, contextOf(options))), options);
    }
    let lent = false; // what `fn` throws, a timeout of another pool too, is its own
    const work = this.pool.use((instance) => {
      lent = true;
      return fn(this.#lend(instance, contextOf(options)));
    }, options);
    return this.#withBudgetError(work, () => lent);
  }

  /** As `Pool.useSync`. */
  useSync<R>(
    fn: (instance: WasmInstance<Exports, Context>) => Sync<R>,
    options?: Pick<WasmAcquireOptions<Context>, 'context'>,
  ): R {
    return this.pool.useSync<R>((instance) => fn(this.#lend(instance, options?.context)));
  }

  #lend(
    instance: PooledInstance<Exports, Context>,
    context: Context | undefined,
  ): PooledInstance<Exports, Context> {
    instance.calls.callable = true;
    instance.context = context;
    this.#spares?.topUp();
    return instance;
  }

  /** Rejects with `ERR_WASM_BUDGET` where what timed out was a wait for other pools' memory. */
  #withBudgetError<R>(work: Promise<R>, lent = () => false): Promise<R> {
    const share = this.#share;
    if (share === undefined) return work;
    return work.catch((error: unknown) => {
      const timedOut = error instanceof AcquireTimeoutError && !lent();
      const holders = timedOut ? share.blockedBy() : undefined;
      if (holders === undefined) throw error;
      throw budgetExceeded(messageOf(error), holders, error);
    });
  }

  /** As `Pool.release`. */
  release(instance: WasmInstance<Exports, Context>): Promise<void> {
    return this.pool.release(instance as PooledInstance<Exports, Context>);
  }

  /** As `Pool.destroy`. */
  destroy(instance: WasmInstance<Exports, Context>): Promise<void> {
    return this.pool.destroy(instance as PooledInstance<Exports, Context>);
  }

  /** Always false: an instance is judged, and reset, between two borrowers. */
  handOff(_: WasmInstance<Exports, Context>): boolean {
    return false;
  }

  /** As `Pool.isBorrowedResource`. */
  isBorrowedResource(instance: WasmInstance<Exports, Context>): boolean {
    return this.pool.isBorrowedResource(instance as PooledInstance<Exports, Context>);
  }

  /** As `Pool.close`. */
  override async close(options?: CloseOptions): Promise<void> {
    await super.close(options);
    const share = this.#share;
    this.#share = undefined;
    share?.detach();
  }
}

/** Says who holds the budget that a pool waited for. */
export function budgetExceeded(what: string, holders: string, cause?: unknown): WasmError {
  const message = `${what}: the budget that it shares is spent, and held by ${holders}`;
  return new WasmError('ERR_WASM_BUDGET', message, { cause });
}

function contextOf<Context>(
  options: number | WasmAcquireOptions<Context> | undefined,
): Context | undefined {
  return typeof options === 'object' ? options.context : undefined;
}
