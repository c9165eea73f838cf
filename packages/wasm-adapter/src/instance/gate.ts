import type { CompiledModule } from '../module/compiled-module.js';
import { TRAMPOLINE_IMPORTS } from '../module/trampolines.js';

type ExportedFunction = (...args: unknown[]) => unknown;

/** The guards of one WebAssembly instance that are exported functions themselves: see trampolines.ts. */
export class Gate {
  /** Calls that have begun and not returned: suspended, or ended by an exception. */
  readonly #depth = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
  readonly #open = new WebAssembly.Global({ value: 'i32', mutable: true }, 1);
  /** By the function that each guards: one that has several names is one function. */
  readonly #guards = new Map<unknown, ExportedFunction>();

  /** Whether a host function may suspend the module: calls that have not returned may still do so. */
  readonly suspends: boolean;

  /**
   * @param exports the exports to guard
   * @param enter asked at each call that comes from outside; false: it is not made
   */
  constructor(
    module: CompiledModule,
    trampolines: WebAssembly.Module,
    exports: WebAssembly.Exports,
    enter: () => boolean,
    suspends: boolean,
  ) {
    this.suspends = suspends;
    const names = [...(module.shape?.functions.exportedTypes.keys() ?? [])];
    const functions = Object.fromEntries(names.map((name, index) => [index, exports[name]]));
    const instance = new WebAssembly.Instance(trampolines, {
      g: {
        [TRAMPOLINE_IMPORTS.enter]: () => (enter() ? 1 : 0),
        [TRAMPOLINE_IMPORTS.depth]: this.#depth,
        [TRAMPOLINE_IMPORTS.open]: this.#open,
      },
      f: functions as WebAssembly.ModuleImports,
    });
    for (const name of names) {
      const guarded = exports[name] as ExportedFunction;
      if (this.#guards.has(guarded)) continue;
      const guard = instance.exports[name] as ExportedFunction;
      // Its index, as of the function that it guards: WebAssembly JS API, "name of the WebAssembly function".
      Object.defineProperty(guard, 'name', { value: guarded.name, configurable: true });
      this.#guards.set(guarded, guard);
    }
  }

  /** The guard of an exported function. */
  guardOf(guarded: unknown): ExportedFunction | undefined {
    return this.#guards.get(guarded);
  }

  get depth(): number {
    return this.#depth.value;
  }

  set open(open: boolean) {
    this.#open.value = open ? 1 : 0;
  }

  /** Forgets calls that ended by an exception. */
  reset(): void {
    this.#depth.value = 0;
  }
}
