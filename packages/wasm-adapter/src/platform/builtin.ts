import { WasmError } from '../errors.js';

/** The part of `process` that is looked at, where there is a `process` at all. */
type Process = Partial<Pick<NodeJS.Process, 'getBuiltinModule' | 'versions'>>;

const host: Process | undefined = (globalThis as { process?: Process }).process;

/** The modules of Node.js that this package uses, by their names. */
interface Builtins {
  'node:crypto': typeof import('node:crypto');
  'node:async_hooks': typeof import('node:async_hooks');
  'node:fs': typeof import('node:fs');
  'node:fs/promises': typeof import('node:fs/promises');
  'node:http': typeof import('node:http');
  'node:module': typeof import('node:module');
  'node:net': typeof import('node:net');
  'node:os': typeof import('node:os');
  'node:path': typeof import('node:path');
  'node:tty': typeof import('node:tty');
  'node:url': typeof import('node:url');
  'node:v8': typeof import('node:v8');
  'node:wasi': typeof import('node:wasi');
  'node:worker_threads': typeof import('node:worker_threads');
}

/**
 * A module of Node.js, which Deno and Bun have too. It is asked for by a function rather than
 * imported, so that no bundler sees a dependency that browsers lack. Throws a `WasmError`
 * `ERR_WASM_PLATFORM` where there is no such module; `what` says what was tried.
 *
 * https://nodejs.org/api/process.html#processgetbuiltinmoduleid
 */
export function builtin<Name extends keyof Builtins>(name: Name, what: string): Builtins[Name] {
  const found = builtinIfAny(name);
  if (found !== undefined) return found;
  throw lacking(name, what);
}

/** The error for a module that this platform lacks. */
export function lacking(name: keyof Builtins, what: string): WasmError {
  const message = `${what} needs ${name}, which this platform lacks; accepted: Node.js 22.12 or later, Deno, Bun`;
  return new WasmError('ERR_WASM_PLATFORM', message);
}

/** The same; undefined where there is no such module. */
export function builtinIfAny<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  return host?.getBuiltinModule?.(name) as Builtins[Name] | undefined;
}

/** The version of Node.js that runs, or that Deno or Bun stand in for; undefined elsewhere. */
export const nodeVersion: string | undefined = host?.versions?.node;

/** Whether this is workerd, Cloudflare's runtime: it has modules of Node.js that do nothing. */
export const isWorkerd: boolean = globalThis.navigator?.userAgent === 'Cloudflare-Workers';
