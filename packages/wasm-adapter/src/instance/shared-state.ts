import { WasmError } from '../errors.js';
import type { WasmImports } from './link.js';

/** Why a pool may not give its instances the same state: what a `reset` promises. */
export function apart(reset: string): string {
  return `reset '${reset}' keeps borrowers apart`;
}

/** The same, of a pool whose instances are copies of a prepared one. */
export const EACH_IS_A_COPY = 'each instance is a copy of the prepared one';

/**
 * Refuses an import object that gives all instances the same memory, table or mutable global, where
 * nothing of one borrower is to reach the next: what one wrote would be there for all, and putting it
 * back would take it from the borrowers that are at work on it.
 */
export function assertNotShared(
  module: WebAssembly.Module,
  imports: WasmImports,
  why: string,
): void {
  const [shared] = statesOf(module, imports);
  if (shared !== undefined) throw sharedError(shared.from, why);
}

/** Which instance has imported what, where nothing of one borrower is to reach the next. */
export class ImportOwners {
  readonly #why: string;
  /** The ids of the instances that have them. */
  readonly #owners = new WeakMap<object, number>();

  constructor(why: string) {
    this.#why = why;
  }

  /** Refuses, as `assertNotShared`, what another instance has imported, and notes the rest as its own. */
  register(id: number, module: WebAssembly.Module, imports: WasmImports): void {
    const states = statesOf(module, imports);
    const shared = states.find(({ state }) => (this.#owners.get(state) ?? id) !== id);
    if (shared !== undefined) throw sharedError(shared.from, this.#why);
    for (const { state } of states) this.#owners.set(state, id);
  }
}

function statesOf(module: WebAssembly.Module, imports: WasmImports) {
  return WebAssembly.Module.imports(module).flatMap((from) => {
    const state = imports[from.module]?.[from.name];
    return isState(state) ? [{ from, state }] : [];
  });
}

function sharedError(
  { kind, module, name }: WebAssembly.ModuleImportDescriptor,
  why: string,
): WasmError {
  return new WasmError(
    'ERR_WASM_LINK',
    `${why}, and instances would share the imported ${kind} ${module}.${name}: give imports as a function that makes one for each`,
  );
}

function isState(given: unknown): given is object {
  return (
    given instanceof WebAssembly.Memory ||
    given instanceof WebAssembly.Table ||
    (given instanceof WebAssembly.Global && isMutable(given))
  );
}

/** Only a mutable one can be set: WebAssembly JS API, "set a global's value". */
function isMutable(global: WebAssembly.Global): boolean {
  try {
    return Reflect.set(global, 'value', global.value);
  } catch {
    return false;
  }
}
