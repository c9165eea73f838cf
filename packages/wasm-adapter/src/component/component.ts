import { WasmError } from '../errors.js';
import type { CompiledModule, CompiledParts } from '../module/compiled-module.js';
import type { Program } from '../module/program.js';
import { type CodeTraits, traitsOf } from './jco-code.js';

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
export class Component implements Program {
  readonly kind = 'component';

  readonly instantiate: Instantiate;

  readonly traits: CodeTraits;

  /** jco's code, or the URL that it can be imported from; undefined where others have imported it. */
  readonly code: string | URL | undefined;

  readonly #codeBlockers: readonly string[];
  readonly #compile: (file: string) => Promise<CompiledModule>;
  readonly #compiling = new Map<string, Promise<CompiledModule>>();
  readonly #compiled = new Map<string, CompiledModule>();

  /**
   * @param codeBlockers why jco's code cannot be put back as it was
   * @param compile compiles the core module of a name that jco gave; is called once for each
   */
  constructor(
    instantiate: Instantiate,
    codeBlockers: readonly string[],
    compile: (file: string) => Promise<CompiledModule>,
    code?: string | URL,
  ) {
    this.instantiate = instantiate;
    this.#codeBlockers = codeBlockers;
    this.code = code;
    this.#compile = compile;
    this.traits = traitsOf(instantiate);
  }

  /** A core module, compiled. */
  async module(file: string): Promise<CompiledModule> {
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

  get modules(): readonly CompiledModule[] {
    return [...this.#compiled.values()];
  }

  get restoreBlockers(): readonly string[] {
    const own = this.modules.flatMap((module) => module.restoreBlockers);
    return [...new Set([...this.#codeBlockers, ...own])];
  }

  /**
   * jco 1.35 keeps each stream and future that crosses a component's border for as long as the
   * instance lives, with the task that it came from: some 10 KiB each. And where tasks cannot be
   * seen, one that has answered may go on.
   */
  get defaultMaxUses(): number {
    if (this.traits.hidesTasks) return 1;
    return this.traits.hasStreams ? 100 : 0;
  }

  mainModule(name: string): WebAssembly.Module {
    const [main] = this.modules;
    if (main !== undefined) return main.module;
    const message = `${name} is a component without a core module: nothing runs in it`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }

  /**
   * The component as it goes to another thread. Throws a `WasmError` `ERR_WASM_COMPONENT` where jco's
   * code is not known.
   */
  toMessage(): PostedComponent {
    const { code } = this;
    if (code === undefined) {
      const message =
        "src is a component transpiled ahead, whose code cannot go to another thread; accepted: `code` in it, the URL of jco's JavaScript, or the component's bytes";
      throw new WasmError('ERR_WASM_COMPONENT', message);
    }
    const modules = new Map(Array.from(this.#compiled, ([file, it]) => [file, it.toMessage()]));
    return {
      code: code instanceof URL ? { url: code.href } : code,
      modules,
      codeBlockers: this.#codeBlockers,
    };
  }
}

/** A transpiled component on its way to another thread, where its code is run anew. */
export interface PostedComponent {
  readonly code: string | { readonly url: string };
  readonly modules: ReadonlyMap<string, CompiledParts>;
  readonly codeBlockers: readonly string[];
}
