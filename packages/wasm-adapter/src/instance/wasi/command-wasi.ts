import type { WasmImports } from '../link.js';
import { OwnWasi, type WasiOwner } from './context.js';
import type { WasiImplementation, WasiOptions } from './options.js';

/**
 * The WASI of an instance that runs a command again and again: it is given a world before each run,
 * by `configure`, and none is left of that when the instance is reset. Its `_start` is not run when
 * the instance is made.
 */
export class CommandWasi extends OwnWasi {
  override readonly startsLater = true;

  /** Closes what the last run had open. */
  override restore(): undefined {
    this.configureNow({ args: [] });
  }
}

/** Registered, for a thread has two copies of this class: one in its bundle, one with its tasks. */
const brand = Symbol.for('wasm-pool.command-slot');

/** Stands in the `wasi` option for an instance that is to have a `CommandWasi`, and then holds it. */
export class CommandSlot implements WasiImplementation {
  readonly [brand] = true;
  /** What marks an implementation: its functions are made with the instance. */
  readonly wasiImport = {};
  readonly #first: WasiOptions;
  #context: CommandWasi | undefined;

  static [Symbol.hasInstance](value: unknown): value is CommandSlot {
    return typeof value === 'object' && value !== null && brand in value;
  }

  /** @param first what the guest sees before its first run, while it is prepared */
  constructor(first: WasiOptions) {
    this.#first = first;
  }

  make(
    module: WebAssembly.Module,
    owner: WasiOwner,
    suspends: boolean,
    own: WasmImports,
  ): CommandWasi {
    this.#context = new CommandWasi(module, owner, suspends, own);
    this.#context.configureNow(this.#first);
    return this.#context;
  }

  /** The context of the instance. Throws where that was not made. */
  get context(): CommandWasi {
    if (this.#context === undefined) throw new TypeError('no instance was made with this slot');
    return this.#context;
  }
}
