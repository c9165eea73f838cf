/** An instance as a budget counts it. */
export interface Budgeted {
  readonly name: string;
  readonly memoryBytes: number;
  /** Orders the instances of all pools of one budget by when they were returned last. */
  returnedAt: number;
  drop(): void;
}

/** What a pool that is one of many asks of the budget that they share, and tells it. */
export interface BudgetMembership {
  /** Whether the pool may make an instance now. */
  mayCreate(): boolean;
  /** An instance is made. Throws a `WasmError` `ERR_WASM_BUDGET` where it alone exceeds the budget. */
  created(instance: Budgeted): void;
  returned(instance: Budgeted): void;
  destroyed(instance: Budgeted): void;
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

/** The same of threads. */
export interface ThreadMembership {
  /** Whether the pool may start a thread now. */
  mayStart(): boolean;
  started(): void;
  gone(): void;
  /** An instance was made, or returned: its thread may be idle. */
  rested(): void;
  /** As of `BudgetMembership`. */
  exceeded(what: string, cause?: unknown): Error | undefined;
  /** The pool is closed. */
  detach(): void;
}
