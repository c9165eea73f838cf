import { WasmError } from '../errors.js';
import type { CompiledModule } from '../module/compiled-module.js';
import type { ModuleLimits } from '../module/limits.js';
import type { ModuleShape } from '../module/module-shape.js';
import { exportName, PRIVATE_START, type StateKind } from '../module/private-exports.js';
import { writtenTables } from '../module/restore-blockers.js';
import type { AnyProgram } from '../program.js';
import { externalMemory } from './external-memory.js';
import { CallState, guardExports } from './guard.js';
import { assertImportsWithinLimits, assertRoomForTables } from './imported-limits.js';
import { link, runStartFunction, type WasmImports } from './link.js';
import { Memories } from './memories.js';
import type { ImportOwners } from './shared-state.js';
import { Snapshot } from './snapshot.js';
import {
  cannotCopy,
  copyState,
  type LoaderTraces,
  memorySizes,
  readTables,
  type StateImage,
  stateImage,
} from './state/image.js';
import type { WasmInstance } from './wasm-instance.js';

/** A WebAssembly instance that was made for a pooled one: its exports, private ones included. */
interface Linked {
  readonly module: WebAssembly.Module;
  readonly shape: ModuleShape | undefined;
  readonly exports: WebAssembly.Exports;
  readonly imports: WasmImports;
  /** What its tables held before any of its code ran, where that is of interest. */
  readonly newTables: readonly (readonly unknown[])[];
}

/** Where an instance that is not simply made of its program comes from. */
export interface Origin {
  /** The module to make it of, instead of the program's. */
  readonly module: WebAssembly.Module;
  /** The shape of the program's module, with its code read. */
  readonly shape: ModuleShape;
  /** The state that it is to have: it is a copy. Undefined: it is the one that is prepared. */
  readonly image: StateImage | undefined;
  /** For a loader that makes it, and runs code of it; undefined: there is none. */
  readonly traces: LoaderTraces | undefined;
}

/** State of an instance that is not in its memories, tables and globals: WASI's, say. */
export interface OutsideState {
  /** Remembers the state of now. */
  snapshot(): void;
  /** Whether the state is the one that was remembered last. */
  isUnchanged(): boolean;
  /** Puts that state back; false where that cannot be done exactly. */
  restore(): boolean;
}

/** A `WasmInstance` as the pool sees it. */
export class PooledInstance<Exports = unknown, Context = unknown>
  implements WasmInstance<Exports, Context>
{
  readonly id: number;
  readonly name: string;
  readonly calls: CallState;
  exports!: Exports;
  context: Context | undefined = undefined;

  /** Orders the instances of all pools of one budget by when they were returned last. */
  returnedAt = 0;

  /** What it has beyond its own memories, tables and globals, and can be put back with them. */
  readonly #outside: OutsideState[] = [];

  readonly #program: AnyProgram;
  readonly #promising: readonly string[] | true;
  readonly #imported: ImportOwners | undefined;
  readonly #limits: ModuleLimits;
  readonly #poolName: string;
  readonly #origin: Origin | undefined;
  readonly #memories = new Memories();
  #linked: Linked[] = [];
  #sizesWhenMade: readonly number[] = [];
  #snapshot: { readonly state: Snapshot; readonly links: number } | undefined = undefined;
  #dropped: AbortController | undefined = undefined;
  #weight: { readonly bytes: number; readonly counted: ArrayBuffer | undefined } | undefined;

  /**
   * @param promising the exports that may suspend
   * @param limits what its memories and tables may grow to
   * @param imported what others of its pool have imported, where it is to share nothing with them
   * @param origin undefined: it is made of the program, and begins as its author has it
   */
  constructor(
    program: AnyProgram,
    id: number,
    poolName: string,
    promising: readonly string[] | true,
    imported: ImportOwners | undefined,
    limits: ModuleLimits,
    origin?: Origin,
  ) {
    this.id = id;
    this.#poolName = poolName;
    this.#origin = origin;
    this.name = `${poolName}#${id}`;
    this.calls = new CallState(this.name);
    this.#program = program;
    this.#promising = promising;
    this.#imported = imported;
    this.#limits = limits;
  }

  get memory(): WebAssembly.Memory | undefined {
    return this.#memories.first;
  }

  get memoryBytes(): number {
    return this.#memories.bytes;
  }

  /** Has V8 know of its memories. Returns how large they are, in bytes. */
  reportMemory(): number {
    const bytes = this.memoryBytes;
    // Not at each page that it grows by: the weights that are replaced count until they are collected.
    const enough = 1.5 * (this.#weight?.bytes ?? 0);
    if (bytes > enough) this.#weight = { bytes, counted: externalMemory(bytes) };
    return bytes;
  }

  /** Whether the pool made the WebAssembly instance, and so sees what becomes of its calls. */
  get guarded(): boolean {
    return this.#linked.length > 0;
  }

  link(imports: WasmImports): WebAssembly.Instance {
    if (this.#program.kind === 'component') {
      const message = `${this.name}: instance.link is for core modules, and this is a component`;
      throw new WasmError('ERR_WASM_COMPONENT', message);
    }
    this.#imported?.register(this.id, this.#program.extended, imports);
    const instance = this.linkModule(this.#program, imports);
    const guarded = guardExports(instance.exports, this.calls, this.#promising);
    // Whoever asks for an Instance gets one, whose own property hides the unguarded exports.
    return Object.defineProperty(instance, 'exports', { value: guarded });
  }

  /** Makes an instance of one core module, whose exports are not guarded. Throws as `link`. */
  linkModule(compiled: CompiledModule, imports: WasmImports): WebAssembly.Instance {
    const { extended } = compiled;
    const module = this.#origin?.module ?? extended;
    const shape = this.#origin?.shape ?? compiled.shape;
    if (shape !== undefined) {
      assertImportsWithinLimits(extended, shape, imports, this.#limits, this.name);
      assertRoomForTables(shape, this.name);
    }
    const instance = link(module, imports, this.name);
    const { exports } = instance;
    const isPrepared = this.#origin !== undefined && this.#origin.image === undefined;
    const needsTables = shape !== undefined && (isPrepared || this.#origin?.traces);
    const newTables = needsTables ? readTables({ shape, exports }) : [];
    this.#linked.push({ module, shape, exports, imports, newTables });
    if (isPrepared) runStartFunction(exports[PRIVATE_START], this.name);
    if (shape === undefined) {
      this.#memories.note(Object.values(instance.exports));
      const imported = WebAssembly.Module.imports(extended);
      this.#memories.note(imported.map((it) => imports[it.module]?.[it.name]));
    } else {
      this.#memories.note(stateOf('memory', shape, instance.exports));
    }
    return instance;
  }

  /** What a loader returned: an instance, its exports, or an object of its own. */
  useLoaderResult(loaded: Exports): void {
    this.exports = loaded;
    if (typeof loaded !== 'object' || loaded === null) return;
    this.#memories.note(Object.values(loaded));
    const nested = 'exports' in loaded ? loaded.exports : undefined;
    if (typeof nested === 'object' && nested !== null) this.#memories.note(Object.values(nested));
  }

  /** Has further state put back with its own. It must be as new: copies begin with it as it is now. */
  addOutside(state: OutsideState): void {
    this.#outside.push(state);
    if (this.#origin !== undefined) state.snapshot();
  }

  /** Its loader is through: from now on it is `preinitialize` that changes its state. */
  noteMade(): void {
    this.#sizesWhenMade = memorySizes(this.#onlyLinked());
  }

  /** The state of now, for copies. Throws a `WasmError` `ERR_WASM_SNAPSHOT` where it cannot be copied. */
  stateImage(): StateImage {
    if (!this.#outside.every((it) => it.isUnchanged())) {
      const what = 'it holds a file open, or has changed what WASI keeps of one';
      throw cannotCopy(this.#poolName, what);
    }
    return stateImage(this.#onlyLinked(), this.#poolName, this.#sizesWhenMade);
  }

  /** Gives a copy the state that it is to have. Throws as `copyState`. */
  becomeCopy(): void {
    const { image, traces } = this.#origin ?? {};
    if (image === undefined) return;
    copyState(image, this.#onlyLinked(), this.name, traces);
  }

  #onlyLinked() {
    const [linked, ...more] = this.#linked;
    if (linked?.shape !== undefined && more.length === 0) return { ...linked, shape: linked.shape };
    const links = this.#linked.length;
    const what = `its loader called instance.link ${links} times; accepted: once`;
    throw cannotCopy(this.#poolName, what);
  }

  /**
   * Remembers the state of now, to restore. Returns why it cannot be put back; empty where it can.
   *
   * @param isCopy whether the state is just what `becomeCopy` gave it
   */
  takeSnapshot(isCopy = false): readonly string[] {
    const links = this.#linked.length;
    if (links !== 1 && !(this.#program.kind === 'component')) {
      return [`a loader that called instance.link ${links} times`];
    }
    const { image } = this.#origin ?? {};
    const state = new Snapshot(
      this.#state('memory') as WebAssembly.Memory[],
      this.#state('table') as WebAssembly.Table[],
      this.#state('global') as WebAssembly.Global[],
      image && { memories: image.memories, unchanged: isCopy },
    );
    if (!state.exact) return ['a mutable global that holds a NaN'];
    this.#snapshot = { state, links };
    for (const it of this.#outside) it.snapshot();
    return [];
  }

  /** Puts the state of the snapshot back; false where that cannot be done exactly. */
  restore(): boolean {
    if (this.#linked.length !== this.#snapshot?.links) return false;
    return this.#snapshot.state.restore() && this.#outside.every((it) => it.restore());
  }

  /** What one core instance of a component imports is another's, and there once. */
  #state(kind: StateKind): unknown[] {
    const all = this.#linked.flatMap(
      ({ shape, exports }) => shape && stateOf(kind, shape, exports),
    );
    return [...new Set(all)];
  }

  /** Aborted when the instance is dropped, for what is waited for on its behalf. */
  get dropped(): AbortSignal {
    this.#dropped ??= new AbortController();
    return this.#dropped.signal;
  }

  /** Lets go of everything, so that holding on to this object holds on to no memory. */
  drop(): void {
    this.calls.callable = false;
    this.context = undefined;
    this.#memories.clear();
    this.#linked = [];
    this.#snapshot = undefined;
    this.#weight = undefined;
    this.exports = Object.freeze({}) as Exports;
    this.#dropped?.abort(this.calls.notCallable());
  }
}

/** An instance's memories, tables that may change, or mutable globals, exported by its author or by us. */
function stateOf(kind: StateKind, shape: ModuleShape, exports: WebAssembly.Exports): unknown[] {
  const globals = shape.globals.map((it) => (it.mutable ? it : undefined));
  const written = new Set(writtenTables(shape));
  const tables = shape.tables.map((it) => (written.has(it) ? it : undefined));
  const items = { memory: shape.memories, table: tables, global: globals }[kind];
  return items.flatMap((item, index) =>
    item === undefined ? [] : [exports[exportName(kind, index, item)]],
  );
}
