import { WasmError } from '../errors.js';
import type { CompiledModule } from '../module/compiled-module.js';
import type { ModuleLimits } from '../module/limits.js';
import type { ModuleShape } from '../module/module-shape.js';
import { exportName, PRIVATE_START, type StateKind } from '../module/private-exports.js';
import { writtenTables } from '../module/restore-blockers.js';
import type { AnyProgram } from '../program.js';
import { guardCallbacks } from './callbacks.js';
import { externalMemory } from './external-memory.js';
import type { FinalizerOwner } from './finalizers.js';
import { Gate } from './gate.js';
import { CallState, guardExports } from './guard.js';
import { assertImportsWithinLimits, assertRoomForTables } from './imported-limits.js';
import { isSuspending } from './jspi.js';
import { link, runStartFunction, type WasmImports, type WrapHostFunction } from './link.js';
import type { LoaderResults } from './loader-results.js';
import { currentLoan, isOfEarlierLoan, Loan, runInLoan, tellsLoansApart } from './loan.js';
import { Memories } from './memories.js';
import type { ImportOwners } from './shared-state.js';
import { Snapshot } from './snapshot.js';
import { standInWebAssembly } from './stand-in.js';
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
  /** Its exports as the host has them. */
  guarded: Readonly<Record<string, unknown>>;
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
  /** Puts that state back; in words, why that cannot be done exactly. */
  restore(): string | undefined;
  /** The instance is dropped. */
  close(): void;
}

/** What the instances of one pool have in common. */
export interface InstanceSettings {
  /** The exports that may suspend. */
  readonly promising: readonly string[] | true;
  /** What they have imported, where they are to share nothing. */
  readonly imported: ImportOwners | undefined;
  /** What their memories and tables may grow to. */
  readonly limits: ModuleLimits;
  /** Whether host functions can read of which loan they are: they were made for one instance. */
  readonly ownImports: boolean;
  /** Whether a loader makes what their exports are. */
  readonly ofLoader: boolean;
  /** Whether that loader keeps nothing of a loan in JavaScript, as its user says. */
  readonly statelessLoader: boolean;
  /** Whether an instance is put back to what it was between two loans. */
  readonly restores: boolean;
  readonly counts: InstanceCounts;
  readonly loaded: LoaderResults;
}

/** What the instances of one pool count together. */
export interface InstanceCounts {
  /** Calls that came from outside of a loan, and were not made. */
  strayCalls: number;
  /** How often one was put back to what it was. */
  restores: number;
  /** Whether any borrower ever gave a context. */
  anyContext: boolean;
}

/** A `WasmInstance` as the pool sees it. */
export class PooledInstance<Exports = unknown, Context = unknown>
  implements WasmInstance<Exports, Context>, FinalizerOwner
{
  readonly id: number;
  readonly name: string;
  readonly calls: CallState;
  exports!: Exports;

  /** Orders the instances of all pools of one budget by when they were returned last. */
  returnedAt = 0;

  /** What it has beyond its own memories, tables and globals, and can be put back with them. */
  readonly #outside: OutsideState[] = [];

  /** Why it cannot be put back as it was; undefined while nothing is known against it. */
  unfitReason: string | undefined = undefined;

  life = 0;

  readonly #program: AnyProgram;
  readonly #settings: InstanceSettings;
  readonly #poolName: string;
  readonly #origin: Origin | undefined;
  readonly #memories = new Memories();
  #isLent = false;
  /** What the borrower gave along. */
  #context: unknown = undefined;
  /** The loan that is on, once somebody asked for it. */
  #loan: Loan | undefined = undefined;
  #linked: Linked[] = [];
  #sizesWhenMade: readonly number[] = [];
  #snapshot: { readonly state: Snapshot; readonly links: number } | undefined = undefined;
  #dropped: AbortController | undefined = undefined;
  #weight: { readonly bytes: number; readonly counted: ArrayBuffer | undefined } | undefined;
  #webAssembly: typeof WebAssembly | undefined = undefined;

  /** @param origin undefined: it is made of the program, and begins as its author has it */
  constructor(
    program: AnyProgram,
    id: number,
    poolName: string,
    settings: InstanceSettings,
    origin?: Origin,
  ) {
    this.id = id;
    this.#poolName = poolName;
    this.#origin = origin;
    this.name = `${poolName}#${id}`;
    this.calls = new CallState(this.name);
    this.#program = program;
    this.#settings = settings;
  }

  /** For host code that goes on after its loan it stays that loan's, even if the instance was lent again. */
  get context(): Context | undefined {
    const loan = currentLoan();
    return (loan?.instance === this ? loan.context : this.#context) as Context | undefined;
  }

  /** The loan that is on; undefined between two. */
  get loan(): Loan | undefined {
    if (this.#isLent) this.#loan ??= new Loan(this, this.#context);
    return this.#loan;
  }

  /** A loan begins: the instance can be called. */
  lend(context: Context | undefined): void {
    if (context !== undefined) this.#settings.counts.anyContext = true;
    this.#isLent = true;
    this.#context = context;
    this.calls.callable = true;
  }

  /** The loan is over: the instance cannot be called, and what goes on is known to be of an earlier one. */
  endLoan(): void {
    this.calls.callable = false;
    this.#isLent = false;
    this.#context = undefined;
    if (this.#loan === undefined) return;
    this.#loan.over = true;
    this.#loan.exports = undefined;
    this.#loan = undefined;
  }

  /** Something beyond its own memories, tables and globals was changed on its behalf. */
  noteOutside(what: string): void {
    this.unfitReason ??= what;
  }

  noteForeignFinalizer(): void {
    this.noteOutside(
      'a finalizer was registered in a FinalizationRegistry made before its loader ran',
    );
  }

  noteStray(): void {
    this.#settings.counts.strayCalls++;
  }

  /** Between two loans, too, where an instance goes on as it was: it frees what nobody has any more. */
  finalize(finalizer: () => void): void {
    const { callable } = this.calls;
    if (!callable && (this.#settings.restores || this.#linked.length === 0)) {
      this.noteStray();
      return;
    }
    this.calls.callable = true;
    try {
      finalizer();
    } finally {
      this.calls.callable = callable;
    }
  }

  /** Whether a call that comes from outside may be made. One that may not is harmless, and counted. */
  #enter(): boolean {
    if (this.calls.callable && !isOfEarlierLoan(this)) return true;
    this.noteStray();
    return false;
  }

  get memory(): WebAssembly.Memory | undefined {
    return this.#memories.first;
  }

  get memoryBytes(): number {
    return this.#memories.bytes;
  }

  /** Has V8 know of what its memories have grown by. Returns how large they are, in bytes. */
  reportMemory(): number {
    const bytes = this.#memories.grownBytes;
    // Not at each page that it grows by: the weights that are replaced count until they are collected.
    const enough = 1.5 * (this.#weight?.bytes ?? 0);
    if (bytes > enough) this.#weight = { bytes, counted: externalMemory(bytes) };
    return this.memoryBytes;
  }

  /** Whether a loader made what its exports are. */
  get ofLoader(): boolean {
    return this.#settings.ofLoader;
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
    const program = this.#program;
    this.#settings.imported?.register(this.id, program.extended, imports);
    const instance = this.linkModule(program, imports);
    const gate = this.#gate(program, instance.exports, imports);
    const guarded = this.#noteGuarded(
      guardExports(instance.exports, this.calls, this.#settings.promising, gate),
    );
    // Whoever asks for an Instance gets one, whose own property hides the unguarded exports.
    return Object.defineProperty(instance, 'exports', { value: guarded });
  }

  /** As `link`, of the pool's own, for which guards in JavaScript are good enough, and quicker to make. */
  linkForBorrowers(imports: WasmImports): Readonly<Record<string, unknown>> {
    const program = this.#program as CompiledModule;
    this.#settings.imported?.register(this.id, program.extended, imports);
    const { exports } = this.linkModule(program, imports);
    return this.#noteGuarded(guardExports(exports, this.calls, this.#settings.promising));
  }

  /** The host may put what it has of the instance that was linked last into a table of it. */
  #noteGuarded<Guarded extends Readonly<Record<string, unknown>>>(guarded: Guarded): Guarded {
    const linked = this.#linked.at(-1);
    if (linked !== undefined) linked.guarded = guarded;
    return guarded;
  }

  /** Guards that are exported functions, as loaders want them. */
  #gate(
    program: CompiledModule,
    exports: WebAssembly.Exports,
    imports: WasmImports,
  ): Gate | undefined {
    const trampolines = program.trampolines();
    if (trampolines === undefined) return undefined;
    // Only what the module asks for: emscripten's import objects make up what they are asked for.
    const suspends = WebAssembly.Module.imports(program.extended).some(
      ({ module, name, kind }) => kind === 'function' && isSuspending(imports[module]?.[name]),
    );
    const gate = new Gate(program, trampolines, exports, () => this.#enter(), suspends);
    this.calls.add(gate);
    return gate;
  }

  get WebAssembly(): typeof WebAssembly {
    const program = this.#program;
    if (program.kind === 'component') return WebAssembly;
    this.#webAssembly ??= standInWebAssembly(this, program);
    return this.#webAssembly;
  }

  /** Makes an instance of one core module, whose exports are not guarded. Throws as `link`. */
  linkModule(compiled: CompiledModule, imports: WasmImports): WebAssembly.Instance {
    const { extended } = compiled;
    const module = this.#origin?.module ?? extended;
    const shape = this.#origin?.shape ?? compiled.shape;
    if (shape !== undefined) {
      assertImportsWithinLimits(extended, shape, imports, this.#settings.limits, this.name);
      assertRoomForTables(shape, this.name);
    }
    const instance = link(module, imports, this.name, this.#wrapper(shape));
    const { exports } = instance;
    const isPrepared = this.#origin !== undefined && this.#origin.image === undefined;
    const needsTables = shape !== undefined && (isPrepared || this.#origin?.traces);
    const newTables = needsTables ? readTables({ shape, exports }) : [];
    this.#linked.push({ module, shape, exports, imports, newTables, guarded: {} });
    if (isPrepared) runStartFunction(exports[PRIVATE_START], this.name);
    if (shape === undefined) {
      this.#memories.note(Object.values(instance.exports), false);
      const imported = WebAssembly.Module.imports(extended);
      this.#memories.note(
        imported.map((it) => imports[it.module]?.[it.name]),
        false,
      );
    } else {
      const hasRun = shape.start !== undefined;
      this.#memories.note(stateOf('memory', shape, instance.exports), !hasRun);
    }
    return instance;
  }

  /** What stands in for host functions; undefined where they need no stand-in. */
  #wrapper(shape: ModuleShape | undefined): WrapHostFunction | undefined {
    // What a core module of a component imports is WebAssembly, and jco's, which may suspend.
    if (this.#program.kind === 'component') return undefined;
    const taking = new Set(shape?.functions.takingFunctions);
    const inLoans = this.#settings.ownImports && tellsLoansApart;
    if (taking.size === 0 && !inLoans) return undefined;
    return (fn, place) => {
      const called = taking.has(place) ? guardCallbacks(fn, this.calls) : fn;
      return inLoans ? (...args) => this.callHost(called, args) : called;
    };
  }

  /** Calls a host function so that what it starts is known to be of this loan. */
  callHost(host: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown {
    // Where no borrower ever gave a context, there is none to tell from another.
    const loan = this.#settings.counts.anyContext ? this.loan : undefined;
    return loan === undefined ? host(...args) : runInLoan(loan, host, ...args);
  }

  /** What a loader returned: an instance, its exports, or an object of its own. */
  useLoaderResult(loaded: Exports): void {
    this.#settings.loaded.check(loaded, this.name, this.#linked.length > 0);
    this.exports = loaded;
    if (typeof loaded !== 'object' || loaded === null) return;
    this.#memories.note(Object.values(loaded), false);
    const nested = 'exports' in loaded ? loaded.exports : undefined;
    if (typeof nested === 'object' && nested !== null)
      this.#memories.note(Object.values(nested), false);
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
    if (this.unfitReason !== undefined) throw cannotCopy(this.#poolName, this.unfitReason);
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
      return this.#neverRestorable(`a loader that called instance.link ${links} times`);
    }
    if (this.#mayKeepState()) {
      const what = 'what its loader may keep in JavaScript';
      return this.#neverRestorable(`${what}: statelessLoader: true says that it keeps nothing`);
    }
    const { image } = this.#origin ?? {};
    const state = new Snapshot(
      this.#state('memory') as WebAssembly.Memory[],
      this.#state('table') as WebAssembly.Table[],
      this.#state('global') as WebAssembly.Global[],
      image && { memories: image.memories, unchanged: isCopy },
    );
    if (!state.exact) return this.#neverRestorable('a mutable global that holds a NaN');
    this.#snapshot = { state, links };
    for (const it of this.#outside) it.snapshot();
    this.unfitReason = undefined;
    return [];
  }

  #neverRestorable(why: string): readonly string[] {
    this.noteOutside(why);
    return [why];
  }

  /** Whether JavaScript stands between borrowers and WebAssembly, of which nothing is known. */
  #mayKeepState(): boolean {
    const { ofLoader, statelessLoader } = this.#settings;
    if (!ofLoader || statelessLoader) return false;
    const guarded = this.#linked.flatMap((it) => [it.guarded, ...Object.values(it.guarded)]);
    const isLinked = (value: unknown) =>
      value instanceof WebAssembly.Instance
        ? guarded.includes(value.exports)
        : guarded.includes(value);
    if (isLinked(this.exports)) return false;
    return !isPlain(this.exports) || !Object.values(this.exports).every(isLinked);
  }

  /** Puts the state of the snapshot back; false where that cannot be done exactly: see `unfitReason`. */
  restore(): boolean {
    if (this.#snapshot !== undefined && this.#linked.length !== this.#snapshot.links) {
      this.noteOutside('instance.link was called again');
    }
    if (this.unfitReason !== undefined || this.#snapshot === undefined) return false;
    if (!this.#snapshot.state.restore()) this.noteOutside(this.#grown());
    else {
      for (const it of this.#outside) {
        const why = it.restore();
        if (why !== undefined) this.noteOutside(why);
      }
    }
    if (this.unfitReason !== undefined) return false;
    this.calls.poisoned = false;
    this.life++;
    return true;
  }

  /** Which memory or table has grown. */
  #grown(): string {
    return this.#snapshot?.state.grown ?? 'its state cannot be put back exactly';
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
    this.endLoan();
    this.life++;
    this.#memories.clear();
    this.#linked = [];
    this.#snapshot = undefined;
    this.#weight = undefined;
    this.exports = Object.freeze({}) as Exports;
    for (const it of this.#outside.splice(0)) it.close();
    this.#dropped?.abort(this.calls.notCallable());
  }
}

/** Whether a value is an object of its own properties, and no more. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every((it) => 'value' in it);
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
