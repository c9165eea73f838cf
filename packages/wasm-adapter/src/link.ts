import { reasonOf, WasmError } from './errors.js';

/** What a module imports: by module, then by name. */
export type WasmImports = Record<string, Record<string, unknown>>;

/** V8's words for having no room for a further memory: api-natives and wasm-objects of V8. */
const OUT_OF_MEMORY = /could not allocate memory|out of memory|cannot allocate/i;

/**
 * Makes an instance. Throws a `WasmError`: `ERR_WASM_LINK` with the first import that is missing or
 * of the wrong kind, `ERR_WASM_MEMORY`, or `ERR_WASM_START` when the start function threw.
 */
export function link(
  module: WebAssembly.Module,
  imports: WasmImports,
  name: string,
): WebAssembly.Instance {
  checkImports(module, imports, name);
  try {
    return new WebAssembly.Instance(module, imports as WebAssembly.Imports);
  } catch (cause) {
    if (cause instanceof WebAssembly.LinkError || cause instanceof TypeError) {
      throw new WasmError('ERR_WASM_LINK', `${name}: ${reasonOf(cause)}`, { cause });
    }
    if (cause instanceof RangeError && OUT_OF_MEMORY.test(cause.message)) {
      throw new WasmError(
        'ERR_WASM_MEMORY',
        `${name}: V8 has no room for a further instance (${cause.message}). It reserves up to some 8 GiB of address space for each memory, of 128 TiB: lower max, or destroy idle instances`,
        { cause },
      );
    }
    throw new WasmError('ERR_WASM_START', `${name}: its start function threw: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function checkImports(module: WebAssembly.Module, imports: WasmImports, name: string): void {
  for (const wanted of WebAssembly.Module.imports(module)) {
    const given: unknown = imports[wanted.module]?.[wanted.name];
    if (isOfKind(given, wanted.kind)) continue;
    const what = given === undefined ? 'it is missing' : `it is ${kindOf(given)}`;
    throw new WasmError(
      'ERR_WASM_LINK',
      `${name}: the module imports the ${wanted.kind} ${wanted.module}.${wanted.name}, and ${what} in the imports given`,
    );
  }
}

function isOfKind(given: unknown, kind: string): boolean {
  switch (kind) {
    case 'function':
      return typeof given === 'function' || kindOf(given) === 'a WebAssembly.Suspending';
    case 'memory':
      return given instanceof WebAssembly.Memory;
    case 'table':
      return given instanceof WebAssembly.Table;
    case 'global': // a bare value is an immutable global; of which types, V8 says
      return given !== undefined && typeof given !== 'function';
    default:
      return given !== undefined; // a tag, or what is still to come: V8 says
  }
}

function kindOf(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  if (typeof given !== 'object') return `a ${typeof given}`;
  const tag = Object.prototype.toString.call(given).slice('[object '.length, -1);
  return `a ${tag}`;
}
