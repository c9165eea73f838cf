import { hasOwnGlobals } from '../instance/component/own-globals.js';
import type { Compiled } from '../module/compile.js';

/** What the JavaScript that jco generates in async instantiation mode exports. */
export type Instantiate = (
  getCoreModule: (file: string) => Promise<WebAssembly.Module>,
  imports: object,
  instantiateCore: (
    module: WebAssembly.Module,
    imports?: WebAssembly.Imports,
  ) => Promise<WebAssembly.Instance>,
) => unknown;

/** A component that jco has transpiled: its core modules are compiled once for all instances. */
export class Component {
  readonly instantiate: Instantiate;

  /** Why, as far as jco's code goes, no instance of it can be put back exactly as it was. */
  readonly restoreBlockers: readonly string[];

  /** Whether it deals in WIT streams or futures. */
  readonly hasStreams: boolean;

  /** Whether the pool cannot see what its tasks come to once they have answered. */
  readonly hidesTasks: boolean;

  /** Whether it imports WASI. */
  readonly importsWasi: boolean;

  /** Whether it imports WASI's preview 3, and which interfaces of it that it looks up without a version. */
  readonly importsWasi3: boolean;
  readonly unversionedWasi3: ReadonlySet<string>;

  /** jco's code; undefined where it came as a module that others have imported. */
  readonly code: string | undefined;

  readonly #compile: (file: string) => Promise<Compiled>;
  readonly #compiling = new Map<string, Promise<Compiled>>();
  readonly #compiled = new Map<string, Compiled>();

  /** @param compile compiles the core module of a name that jco gave; is called once for each */
  constructor(
    instantiate: Instantiate,
    restoreBlockers: readonly string[],
    compile: (file: string) => Promise<Compiled>,
    code?: string,
  ) {
    this.instantiate = instantiate;
    this.restoreBlockers = restoreBlockers;
    this.code = code;
    this.#compile = compile;
    // jco's code has classes for streams and futures where there are any. It looks up imports by their
    // names, with a version where it was told to keep that, and has the full name of each function.
    const inner = String(instantiate);
    this.hasStreams = /(Stream|Future)ReadableEnd/.test(inner);
    this.hidesTasks = /\[async-lift/.test(inner) && !hasOwnGlobals(instantiate);
    this.importsWasi = /["'`]wasi:/.test(inner);
    const versioned = /["'`]wasi:[a-z-]+\/[a-z0-9-]+@0\.3[\w.-]*["'`]\]/.test(inner);
    const of3 = versioned ? [] : inner.matchAll(/(wasi:[a-z-]+\/[a-z0-9-]+)@0\.3[\w.-]*#/g);
    this.unversionedWasi3 = new Set(Array.from(of3, ([, name = '']) => name));
    this.importsWasi3 = versioned || this.unversionedWasi3.size > 0;
  }

  /** A core module, compiled. */
  async module(file: string): Promise<Compiled> {
    const compiling = this.#compiling.get(file) ?? this.#compile(file);
    this.#compiling.set(file, compiling);
    try {
      const compiled = await compiling;
      this.#compiled.set(file, compiled);
      return compiled;
    } catch (error) {
      this.#compiling.delete(file);
      throw error;
    }
  }

  /** The core modules that are compiled by now; once there is an instance, all. */
  get modules(): readonly Compiled[] {
    return [...this.#compiled.values()];
  }

  /** The same, by their names. */
  get files(): ReadonlyMap<string, Compiled> {
    return this.#compiled;
  }
}
