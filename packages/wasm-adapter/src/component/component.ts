import type { Compiled } from '../compile.js';

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
  readonly obstacles: readonly string[];

  readonly #compile: (file: string) => Promise<Compiled>;
  readonly #compiling = new Map<string, Promise<Compiled>>();
  readonly #compiled = new Map<string, Compiled>();

  /** @param compile compiles the core module of a name that jco gave; is called once for each */
  constructor(
    instantiate: Instantiate,
    obstacles: readonly string[],
    compile: (file: string) => Promise<Compiled>,
  ) {
    this.instantiate = instantiate;
    this.obstacles = obstacles;
    this.#compile = compile;
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
}
