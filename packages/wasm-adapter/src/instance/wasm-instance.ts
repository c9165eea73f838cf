import type { WasmImports } from './link.js';

/**
 * One instance of a pool's module, on loan to one borrower at a time. The same object is given to
 * the `imports`, `wasi`, `instantiate` and `onCreate` options, before it is ever lent.
 *
 * @typeParam Exports what `exports` is
 * @typeParam Context what a borrower may give along with `{ context }`
 */
export interface WasmInstance<Exports = WebAssembly.Exports, Context = unknown> {
  /** Counts up from 1 in each pool; never given twice. */
  readonly id: number;

  /** The pool's name and the id, for logs: `wasm#3`. */
  readonly name: string;

  /**
   * The module's exports; with the `instantiate` option, what that returned. Functions throw a
   * `WasmError` `ERR_WASM_NOT_LENT` while the instance is not on loan.
   */
  readonly exports: Exports;

  /** The first memory of the module, or of what `instantiate` returned, where there is one. */
  readonly memory: WebAssembly.Memory | undefined;

  /**
   * The size of all its memories, in bytes: private and imported ones included. Out of reach are
   * private ones of a module that was given compiled, and of an instance that a loader made without
   * `link`.
   */
  readonly memoryBytes: number;

  /**
   * What its borrower gave along; undefined between two loans. Host imports read it: one that goes on
   * after its call (a promise, a timer) reads what its own borrower gave, even if another borrower has the instance by
   * then. (On platforms without node:async_hooks it reads the present one's.)
   */
  readonly context: Context | undefined;

  /**
   * Why its state could not be put back, or could not be copied: which memory or table grew, which call
   * changed what is not the module's. For a listener to `destroy`, where the reason is `unrestorable`.
   */
  readonly unfitReason: string | undefined;

  /**
   * A stand-in for `WebAssembly`, for an `instantiate` option whose loader makes the instance itself:
   * where it compiles and instantiates the bytes of the pool's module, `link` does so. Give it to the
   * loader in place of the global one.
   */
  readonly WebAssembly: typeof WebAssembly;

  /**
   * Makes the WebAssembly instance, for an `instantiate` option whose loader lets its caller do that
   * (emscripten's `instantiateWasm`, say). The pool then counts its memories, guards its exports, and
   * can restore it. The guards are exported functions of WebAssembly themselves: they fit tables, other
   * modules' imports, and `WebAssembly.promising`. Throws a `WasmError` as pool creation does.
   */
  link(imports: WasmImports): WebAssembly.Instance;
}
