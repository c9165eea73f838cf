import type { CallState } from './guard.js';
import { guardFunction } from './guard.js';

type ExportedFunction = (...args: unknown[]) => unknown;

const scratch = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });

/** The function that each guard here stands for. */
const guarded = new WeakMap<object, ExportedFunction>();

/**
 * A host function that is given functions of the module, and calls them: these are guarded, as exports
 * are, so that a trap that the host catches is seen. What it gives back is what it was given.
 */
export function guardCallbacks(host: ExportedFunction, calls: CallState): ExportedFunction {
  const guards = new WeakMap<object, ExportedFunction>();
  const guard = (given: unknown) => {
    if (typeof given !== 'function' || !isOfWasm(given)) return given;
    let found = guards.get(given);
    if (found === undefined) {
      found = guardFunction(given as ExportedFunction, calls);
      guards.set(given, found);
      guarded.set(found, given as ExportedFunction);
    }
    return found;
  };
  return (...args) => {
    const result = host(...args.map(guard));
    return typeof result === 'function' ? (guarded.get(result) ?? result) : result;
  };
}

/** Only a function of WebAssembly fits a table. */
function isOfWasm(given: object): boolean {
  try {
    scratch.set(0, given);
    scratch.set(0, null);
    return true;
  } catch {
    return false;
  }
}
