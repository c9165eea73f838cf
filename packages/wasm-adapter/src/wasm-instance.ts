import { CallState, guardExports } from './guard.js';
import { link, type WasmImports } from './link.js';

/**
 * One instance of a pool's module, on loan to one borrower at a time. The same object is given to
 * the `imports`, `wasi`, `instantiate` and `onCreate` options, before it is ever lent.
 *
 * @typeParam Exports what `exports` is
 * @typeParam Context what a borrower may give along with `{ context }`
 */
export class WasmInstance<Exports = WebAssembly.Exports, Context = unknown> {
  /** Counts up from 1 in each pool; never given twice. */
  readonly id: number;

  /** The pool's name and the id, for logs: `wasm#3`. */
  readonly name: string;

  /**
   * The module's exports; with the `instantiate` option, what that returned. Functions throw a
   * `WasmError` `ERR_WASM_NOT_LENT` while the instance is not on loan.
   */
  exports!: Exports;

  /** What its borrower gave along; undefined between two loans. Host imports read it. */
  context: Context | undefined = undefined;

  /** @internal */
  readonly calls: CallState;

  readonly #module: WebAssembly.Module;
  readonly #memories = new Set<WebAssembly.Memory>();

  /** Instances are made by a pool. */
  constructor(module: WebAssembly.Module, id: number, poolName: string) {
    this.id = id;
    this.name = `${poolName}#${id}`;
    this.calls = new CallState(this.name);
    this.#module = module;
  }

  /** The memory that it exports first, or else the one that it imports first. */
  get memory(): WebAssembly.Memory | undefined {
    const [first] = this.#memories;
    return first;
  }

  /** The size of all its memories that are exported or imported, in bytes. */
  get memoryBytes(): number {
    let bytes = 0;
    for (const memory of this.#memories) bytes += memory.buffer.byteLength;
    return bytes;
  }

  /**
   * Makes the WebAssembly instance, for an `instantiate` option whose loader lets its caller do that
   * (emscripten's `instantiateWasm`, say). The pool then knows its memories, and guards its exports.
   * Throws a `WasmError` as pool creation does.
   */
  link(imports: WasmImports): WebAssembly.Instance {
    const instance = link(this.#module, imports, this.name);
    this.#noteMemories(Object.values(instance.exports));
    for (const it of WebAssembly.Module.imports(this.#module)) {
      this.#noteMemories([imports[it.module]?.[it.name]]);
    }
    // What asks for an Instance gets one, whose own exports are the guarded ones.
    const guarded = guardExports(instance.exports, this.calls);
    return Object.defineProperty(instance, 'exports', { value: guarded });
  }

  /**
   * Takes note of memories among the values, so that they count in `memoryBytes`: for a loader that
   * makes its WebAssembly instance by itself. What is no memory is passed over.
   */
  #noteMemories(values: unknown[]): void {
    for (const value of values) if (value instanceof WebAssembly.Memory) this.#memories.add(value);
  }

  /** @internal What a loader returned: an instance, its exports, or an object of its own. */
  adopt(loaded: Exports): void {
    this.exports = loaded;
    if (typeof loaded !== 'object' || loaded === null) return;
    const nested = 'exports' in loaded ? loaded.exports : undefined;
    this.#noteMemories(Object.values(loaded));
    if (typeof nested === 'object' && nested !== null) this.#noteMemories(Object.values(nested));
  }

  /** @internal Lets go of everything, so that holding on to this object holds on to no memory. */
  drop(): void {
    this.calls.callable = false;
    this.context = undefined;
    this.#memories.clear();
    this.exports = Object.freeze({}) as Exports;
  }
}
