import { WasmError } from '../errors.js';
import { nodeVersion } from '../platform/builtin.js';

type HostFunction = (...args: never[]) => unknown;

/** JavaScript Promise Integration, which TypeScript's library does not declare yet. */
interface Jspi {
  readonly Suspending: new (fn: HostFunction) => object;
  readonly promising: (fn: HostFunction) => (...args: unknown[]) => Promise<unknown>;
}

/** JSPI where this engine has it. Throws a `WasmError` `ERR_WASM_JSPI` that says what to do. */
function jspi(): Jspi {
  const engine: Partial<Jspi> = WebAssembly as typeof WebAssembly & Partial<Jspi>;
  if (engine.Suspending === undefined || engine.promising === undefined) {
    throw new WasmError(
      'ERR_WASM_JSPI',
      `${nodeVersion === undefined ? 'This engine' : `Node.js ${nodeVersion}`} cannot suspend WebAssembly, for want of WebAssembly.Suspending: use Node.js 25 or later, or 24, where need be with --experimental-wasm-jspi; 22 has an older form of it only`,
    );
  }
  return { Suspending: engine.Suspending, promising: engine.promising };
}

/** Whether the engine has JSPI. */
export function hasJspi(): boolean {
  const { Suspending, promising: promise }: Partial<Jspi> = WebAssembly as typeof WebAssembly &
    Partial<Jspi>;
  return Suspending !== undefined && promise !== undefined;
}

/** Throws a `WasmError` `ERR_WASM_JSPI` where the engine lacks JSPI. */
export function requireJspi(): void {
  jspi();
}

/**
 * Marks a host function that returns a promise: the module that calls it is suspended until that
 * settles, and then gets its value, or the rejection thrown. The export through which the module was
 * entered has to be among the `promising` ones.
 *
 * Throws a `WasmError` `ERR_WASM_JSPI` where the engine lacks JSPI.
 */
export function suspending(fn: HostFunction): object {
  return new (jspi().Suspending)(fn);
}

/** An export that returns a promise, and may be suspended. Throws as `suspending` does. */
export function promising(fn: HostFunction): (...args: unknown[]) => Promise<unknown> {
  return jspi().promising(fn);
}

/** Whether an import is what `suspending` gives: its class is the engine's, and says nothing else. */
export function isSuspending(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object WebAssembly.Suspending]';
}
