import type { PooledInstance } from '../instance/pooled-instance.js';

/** What a pool that is one of many asks of the budget that they share, and tells it. */
export interface BudgetMembership {
  /** Whether the pool may make an instance now. */
  mayCreate(): boolean;
  /** An instance is made. Throws a `WasmError` `ERR_WASM_BUDGET` where it alone exceeds the budget. */
  created(instance: PooledInstance): void;
  returned(instance: PooledInstance): void;
  destroyed(instance: PooledInstance): void;
  /** Destroys the idle instances of all pools, when V8 has no room left. */
  reclaim(): void;
  /**
   * The `WasmError` `ERR_WASM_BUDGET` to reject with, which says who holds the budget; undefined
   * where the pool does not wait for the budget.
   */
  exceeded(what: string, cause?: unknown): Error | undefined;
  /** The pool is closed. */
  detach(): void;
}
