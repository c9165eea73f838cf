import { WasmError } from '../errors.js';
import { builtinIfAny } from './builtin.js';

/** What is accepted where a file of ours is missing, whatever it is for. */
const KEPT_OUT =
  'this package kept out of the bundle: `external` of a bundler, `serverExternalPackages` of Next.js';

/** Gives a URL back. */
export type At = (url: URL) => URL;

/**
 * The URL of a file of this package that is started on a thread rather than imported: some bundlers
 * leave it out. Throws a `WasmError` `ERR_WASM_PLATFORM` then, if that can be known: `what` says what
 * was tried, and `instead` what else is accepted.
 *
 * @param file a function, for a bundle in CommonJS may not know its own URL. It gives the URL to `at`: tools
 *   that copy what a server needs, as Next.js and Nitro do, see `new URL` where it is an argument
 */
export function ownFile(file: (at: At) => URL, what: string, ...instead: readonly string[]): URL {
  const found = made(file);
  if (found !== undefined && !isMissing(found)) return found;
  const where = found === undefined ? 'beside this package' : `at ${found}`;
  const message = `${what} needs a file of this package that is not ${where}: a bundler left it out. Accepted: ${[...instead, KEPT_OUT].join('; or ')}. See docs/bundlers.md`;
  throw new WasmError('ERR_WASM_PLATFORM', message);
}

function made(file: (at: At) => URL): URL | undefined {
  try {
    return file((url) => url);
  } catch {
    return undefined;
  }
}

function isMissing(url: URL): boolean {
  const fs = builtinIfAny('node:fs');
  // Next.js gives a path of its server in place of a URL: a page starts that, and a server cannot.
  if (url.protocol === '') return fs !== undefined;
  // Where files must not be read, the start of the thread says so, and names the flag.
  if (url.protocol !== 'file:' || globalThis.process?.permission !== undefined) return false;
  return fs?.existsSync?.(url) === false;
}
