import type { AcquireTimeoutError, DestroyReason, Verdict } from '@wasm-pool/core';
import type { AdapterFactory, AdapterPool } from '@wasm-pool/core/internal';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import type { AnyProgram } from '../program.js';
import type { BudgetMembership } from './budget-membership.js';
import { LoanedInstance } from './loaned-instance.js';
import type { WasmPoolOptions } from './options.js';
import { Spares } from './spares.js';
import { WasmFactory } from './wasm-factory.js';

/** A pool of instances, as its factory sees it. */
export type InstancePool<Exports, Context> = AdapterPool<
  PooledInstance<Exports, Context>,
  WasmInstance<Exports, Context>,
  Context
>;

/** Has a pool join the budget that it shares with others. */
export type JoinBudget<Exports, Context> = (
  pool: InstancePool<Exports, Context>,
  onSpaceFreed: () => void,
) => BudgetMembership;

/** Makes and judges the instances of one pool: keeps to its budget, and has spare ones made ahead. */
export class InstanceFactory<Exports, Context>
  extends WasmFactory<Exports, Context>
  implements
    AdapterFactory<PooledInstance<Exports, Context>, WasmInstance<Exports, Context>, Context>
{
  readonly #pool: InstancePool<Exports, Context>;
  readonly #spares: Spares | undefined;
  readonly #budget: BudgetMembership | undefined;

  constructor(
    program: AnyProgram,
    name: string,
    options: WasmPoolOptions<Exports, Context>,
    pool: InstancePool<Exports, Context>,
    join: JoinBudget<Exports, Context> | undefined,
  ) {
    super(program, name, options);
    this.#pool = pool;
    const { min = 0, reset } = options;
    this.#spares = reset === 'fresh' ? new Spares(pool, Math.max(min, 1)) : undefined;
    this.#budget = join?.(pool, () => this.#spares?.topUp());
  }

  canCreate(): boolean {
    return this.#budget === undefined || this.#budget.mayCreate();
  }

  override async create(): Promise<PooledInstance<Exports, Context>> {
    const instance = await super.create();
    this.#budget?.created(instance);
    return instance;
  }

  protected override reclaim(): void {
    if (this.#budget !== undefined) this.#budget.reclaim();
    else this.#pool.evict(this.#pool.available, 'outOfMemory');
  }

  override lend(instance: PooledInstance<Exports, Context>, context: Context | undefined): void {
    super.lend(instance, context);
    if (this.#spares !== undefined) this.#spares.topUp();
  }

  leaseView(
    instance: PooledInstance<Exports, Context>,
    lease: { readonly value: WasmInstance<Exports, Context> },
  ): WasmInstance<Exports, Context> {
    return new LoanedInstance(instance, lease);
  }

  /** What was kept of a loan throws once it is over, even after the instance was lent to someone else. */
  view(instance: PooledInstance<Exports, Context>): WasmInstance<Exports, Context> {
    return new LoanedInstance(instance);
  }

  viewed(lent: WasmInstance<Exports, Context>): PooledInstance<Exports, Context> | undefined {
    return lent instanceof LoanedInstance ? lent.pooled : undefined;
  }

  override recycle(instance: PooledInstance<Exports, Context>, ...thrown: unknown[]): Verdict {
    if (this.#budget !== undefined) this.#budget.returned(instance);
    return super.recycle(instance, ...thrown);
  }

  override destroy(
    instance: PooledInstance<Exports, Context>,
    reason?: DestroyReason,
  ): void | Promise<void> {
    this.#budget?.destroyed(instance);
    return super.destroy(instance, reason);
  }

  bytes(instance: PooledInstance<Exports, Context>): number {
    return instance.memoryBytes;
  }

  timedOut(error: AcquireTimeoutError): Error {
    return this.#budget?.exceeded(error.message, error) ?? error;
  }

  /** The budget's error once `timeoutMillis` have passed without a first instance. */
  noFirstInstance(timeoutMillis: number): Error | undefined {
    return this.#budget?.exceeded(`no instance within ${timeoutMillis} ms`);
  }

  closed(): void {
    this.#budget?.detach();
  }
}
