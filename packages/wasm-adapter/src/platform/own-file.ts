import { WasmError } from '../errors.js';
import { builtinIfAny } from './builtin.js';

/** What is accepted where a file of ours is missing, whatever it is for. */
const KEPT_OUT =
  'this package kept out of the bundle: `external` of a bundler, `serverExternalPackages` of Next.js';

/**
 * The URL of a file of this package that is started on a thread rather than imported: some bundlers
 * leave it out. Throws a `WasmError` `ERR_WASM_PLATFORM` then, if that can be known: `what` says what
 * was tried, and `instead` what else is accepted.
 *
 * @param url a function, for a bundle in CommonJS may not know its own URL
 */
export function ownFile(url: () => URL, what: string, ...instead: readonly string[]): URL {
  const found = made(url);
  if (found !== undefined && !isMissing(found)) return found;
  const where = found === undefined ? 'beside this package' : `at ${found}`;
  const message = `${what} needs a file of this package that is not ${where}: a bundler left it out. Accepted: ${[...instead, KEPT_OUT].join('; or ')}. See docs/bundlers.md`;
  throw new WasmError('ERR_WASM_PLATFORM', message);
}

function made(url: () => URL): URL | undefined {
  try {
    return url();
  } catch {
    return undefined;
  }
}

function isMissing(url: URL): boolean {
  if (url.protocol === '') return true; // webpack's stand-in for a URL that a page would have
  // Where files must not be read, the start of the thread says so, and names the flag.
  if (url.protocol !== 'file:' || globalThis.process?.permission !== undefined) return false;
  return builtinIfAny('node:fs')?.existsSync?.(url) === false;
}
