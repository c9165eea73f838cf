import { messageOf, WasmError } from '../errors.js';
import { frozenRecord } from './frozen-record.js';
import { isOutOfMemory, outOfMemoryError } from './out-of-memory.js';

/** What a module imports: by module, then by name. */
export type WasmImports = Record<string, Record<string, unknown>>;

/** Stands in for a host function; `place` is its place among the imported functions. */
export type WrapHostFunction = (
  fn: (...args: unknown[]) => unknown,
  place: number,
) => (...args: unknown[]) => unknown;

/**
 * Makes an instance. Throws a `WasmError`: `ERR_WASM_LINK` with the first import that is missing or
 * of the wrong kind, `ERR_WASM_MEMORY`, or `ERR_WASM_START` when the start function threw.
 *
 * @param wrap what stands in for each imported function of JavaScript; default: itself
 */
export function link(
  module: WebAssembly.Module,
  imports: WasmImports,
  name: string,
  wrap?: WrapHostFunction,
): WebAssembly.Instance {
  checkImports(module, imports, name);
  const given = wrap === undefined ? imports : wrapped(module, imports, wrap);
  try {
    return new WebAssembly.Instance(module, given as WebAssembly.Imports);
  } catch (cause) {
    if (isLinkError(cause)) {
      throw new WasmError('ERR_WASM_LINK', `${name}: ${messageOf(cause)}`, { cause });
    }
    if (isOutOfMemory(cause)) throw outOfMemoryError(cause, name);
    throw startError(cause, name);
  }
}

/**
 * Runs the start function of an instance whose module left that to the host; undefined: there is
 * none. Throws a `WasmError` `ERR_WASM_START` for what it throws, as `link` does.
 */
export function runStartFunction(start: unknown, name: string): void {
  if (typeof start !== 'function') return;
  try {
    start();
  } catch (cause) {
    throw startError(cause, name);
  }
}

function startError(cause: unknown, name: string): WasmError {
  const message = `${name}: its start function threw: ${messageOf(cause)}`;
  return new WasmError('ERR_WASM_START', message, { cause });
}

/** What a module imports of the imports, with its functions wrapped. */
function wrapped(
  module: WebAssembly.Module,
  imports: WasmImports,
  wrap: WrapHostFunction,
): WasmImports {
  const found = new Map<string, Map<string, unknown>>();
  let place = 0;
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    const given = propertyOf(propertyOf(imports, from), name);
    const items = found.get(from) ?? new Map<string, unknown>();
    found.set(from, items);
    const index = kind === 'function' ? place++ : -1;
    if (typeof given !== 'function' || index === -1) items.set(name, given);
    else items.set(name, wrap(given as (...args: unknown[]) => unknown, index));
  }
  return frozenRecord(
    Array.from(found, ([from, items]) => [from, frozenRecord(items)]),
  ) as WasmImports;
}

/** V8's own, and not one that a host function threw out of the start function. */
function isLinkError(cause: unknown): boolean {
  const linking = cause instanceof WebAssembly.LinkError || cause instanceof TypeError;
  return linking && cause.message.startsWith('WebAssembly.Instance(): ');
}

function checkImports(module: WebAssembly.Module, imports: WasmImports, name: string): void {
  for (const wanted of WebAssembly.Module.imports(module)) {
    const given = propertyOf(propertyOf(imports, wanted.module), wanted.name);
    if (isOfKind(given, wanted.kind)) continue;
    const what = given === undefined ? 'it is missing' : `it is ${describeKind(given)}`;
    throw new WasmError(
      'ERR_WASM_LINK',
      `${name}: the module imports the ${wanted.kind} ${wanted.module}.${wanted.name}, and ${what} in the imports given`,
    );
  }
}

/**
 * An own property, or an inherited one that is not Object.prototype's: a guest that names `constructor.freeze` would
 * have Object's own function, and could freeze the host's prototypes.
 */
function propertyOf(object: unknown, name: string): unknown {
  if (object === null || object === undefined) return undefined;
  if (name in Object.prototype && !Object.hasOwn(object, name)) return undefined;
  return (object as Record<string, unknown>)[name];
}

function isOfKind(given: unknown, kind: string): boolean {
  switch (kind) {
    case 'function':
      return typeof given === 'function' || describeKind(given) === 'a WebAssembly.Suspending';
    case 'memory':
      return given instanceof WebAssembly.Memory;
    case 'table':
      return given instanceof WebAssembly.Table;
    default:
      return given !== undefined; // a global, which any value may fit, or a tag: V8 says
  }
}

/** In a few words, what was given. */
export function describeKind(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  if (typeof given !== 'object') return `a ${typeof given}`;
  const tag = Object.prototype.toString.call(given).slice('[object '.length, -1);
  return `a ${tag}`;
}
