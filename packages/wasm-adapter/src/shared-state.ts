import { WasmError } from './errors.js';
import type { WasmImports } from './link.js';

/**
 * Refuses an import object that gives all instances the same memory, table or mutable global, where
 * nothing of one borrower is to reach the next: what one wrote would be there for all, and putting it
 * back would take it from those who are at work on it.
 */
export function refuseSharedState(
  module: WebAssembly.Module,
  imports: WasmImports,
  reset: string,
): void {
  const shared = WebAssembly.Module.imports(module).find((it) =>
    isState(imports[it.module]?.[it.name]),
  );
  if (shared === undefined) return;
  const { kind, module: from, name } = shared;
  throw new WasmError(
    'ERR_WASM_LINK',
    `reset '${reset}' keeps borrowers apart, and all instances would share the imported ${kind} ${from}.${name}: give imports as a function that makes one for each`,
  );
}

function isState(given: unknown): boolean {
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
