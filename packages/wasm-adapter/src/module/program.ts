import type { ModuleShape } from './module-shape.js';

/** One core module of a program. */
export interface CoreModule {
  /** The module as its author wrote it, within the limits of the pool: what users and loaders see. */
  readonly module: WebAssembly.Module;
  /**
   * The same module, with exports of the private state that the pool counts or restores: instances are
   * made of it.
   */
  readonly extended: WebAssembly.Module;
  /** Undefined where the bytes are not known, or use what `moduleShape` does not know. */
  readonly shape: ModuleShape | undefined;
}

/** What a pool makes instances of. A core module and a transpiled component each implement it. */
export interface Program {
  /** Which of the two it is: they are instantiated in different ways. */
  readonly kind: 'module' | 'component';

  /** The core modules that an instance is made of; of a transpiled component, those loaded so far. */
  readonly modules: readonly CoreModule[];

  /** How often an instance is lent unless the pool's `maxUses` says otherwise; 0: without a limit. */
  readonly defaultMaxUses: number;

  /**
   * Why no instance can be put back exactly as it was; empty where that can be done. What shows
   * only at run time (a memory that grew, say) is not among these.
   */
  readonly restoreBlockers: readonly string[];

  /**
   * The module that users see as `pool.module`: of a component, its first one. Throws a `WasmError`
   * `ERR_WASM_COMPONENT` for a component without a core module. `name` stands in the error.
   */
  mainModule(name: string): WebAssembly.Module;
}
