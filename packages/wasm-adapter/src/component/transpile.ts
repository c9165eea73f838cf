import { messageOf, WasmError } from '../errors.js';
import { JobError, runOneJob } from '../platform/one-job.js';
import { type At, ownFile } from '../platform/own-file.js';
import { flagHint } from '../platform/permission.js';
import { describeBytes } from '../source/describe-bytes.js';
import type { CheckedNames } from './check-names.js';
import { findTranspiler } from './jco.js';
import { fixedOptions, generateOptions, NAME, prepareCode } from './jco-code.js';
import type { JcoJob, JcoResult } from './jco-thread.js';
import type { TranspileLimits, TranspileOptions } from './transpile-options.js';

/** What jco makes of a component. */
export interface Transpiled {
  /** The JavaScript, which exports `instantiate`. */
  readonly code: string;
  /** The core modules, by the names under which the code asks for them. */
  readonly modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** The longest JavaScript that is taken of jco, in bytes; what it makes of real components has a few MiB at most. */
const MAX_CODE_BYTES = 64 * 2 ** 20;

/** Counts what is made of jco's code here: what an earlier version of this package kept is not taken. */
const FORMAT = 5;

/** Says what comes of the same component with other options, or with another version of this package. */
export function transpileKey(contentHash: string, options: TranspileOptions): string {
  return JSON.stringify([FORMAT, contentHash, fixedOptions, options]);
}

/** Components that are transpiled at once, in a process: each may take the memory that it is allowed. */
const MAX_JOBS = 2;
let jobs = 0;
const waiting: (() => void)[] = [];

/**
 * Has jco transpile a component, on a thread that is ended afterwards: a component that makes jco trap,
 * or takes all that it may, breaks nothing for later ones.
 *
 * Rejects with a `WasmError`: `ERR_WASM_COMPILE` for what jco refuses or does not bear, or where it takes
 * more than the limits; `ERR_WASM_COMPONENT` where `names` may be incomplete; `ERR_WASM_JCO`.
 */
export async function transpile(
  bytes: Uint8Array,
  name: string,
  names: CheckedNames,
  options: TranspileOptions,
  limits: TranspileLimits,
): Promise<Transpiled> {
  const { url } = await findTranspiler(name);
  const { asyncImports: imports, asyncExports: exports } = options;
  const suspends = imports.length > 0 || exports.length > 0;
  const job: JcoJob = {
    jco: url,
    bytes,
    options: generateOptions(
      versionedNames(names.externs),
      suspends ? { imports, exports } : undefined,
    ),
    strip: names.unreadable === undefined,
    memoryBytes: limits.memoryBytes,
    codeBytes: MAX_CODE_BYTES,
  };
  const script = jcoThread();
  const result = await inTurn(() => runJco(job, limits, script)).catch((cause) => {
    throw compileError(bytes, name, `${messageOf(cause)}${flagHint(cause)}`, cause);
  });
  if ('error' in result) {
    const how = result.trapped ? 'jco trapped: ' : '';
    throw compileError(bytes, name, `${how}${result.error}`, new Error(result.error));
  }
  if (names.unreadable !== undefined) {
    const message = `${name} is a component with ${names.unreadable}, which is not known here: a name in it could become part of generated code`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }
  const { files } = result;
  keepForNext(result.compiled);
  const code = prepareCode(new TextDecoder().decode(files.get(`${NAME}.js`)));
  return { code, modules: new Map([...files].filter(([it]) => it.endsWith('.wasm'))) };
}

/** How long jco's compiled modules are kept for a next component, which then takes a fraction of the time. */
const KEEP_MILLIS = 30_000;
let kept: readonly WebAssembly.Module[] = [];
let keptFor: NodeJS.Timeout | undefined;

/** V8 shares the code of modules with the same bytes among all threads, while one of them has it. */
function keepForNext(compiled: readonly WebAssembly.Module[]): void {
  clearTimeout(keptFor);
  kept = kept.length > 0 ? kept : compiled;
  keptFor = setTimeout(() => {
    kept = [];
  }, KEEP_MILLIS);
  keptFor.unref?.();
}

/** The file that transpiles on its thread; from `src`, where the tests are run, the built one too. */
function jcoThread(): URL {
  const file = (at: At) => at(new URL('../../dist/jco-thread.mjs', import.meta.url));
  return ownFile(file, 'transpiling a component', 'a component transpiled ahead');
}

async function runJco(job: JcoJob, limits: TranspileLimits, script: URL): Promise<JcoResult> {
  try {
    return await runOneJob<JcoResult>(script, job, limits, 'wasm-pool: jco');
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    const said = error.said.trim().split('\n')[0] ?? '';
    throw said === '' ? error : new Error(`${error.message}; it said: ${said}`, { cause: error });
  }
}

function compileError(bytes: Uint8Array, name: string, why: string, cause: unknown): WasmError {
  const message = `jco could not transpile ${name}, ${describeBytes(bytes)}: ${why}`;
  return new WasmError('ERR_WASM_COMPILE', message, { cause });
}

async function inTurn<R>(job: () => Promise<R>): Promise<R> {
  if (jobs >= MAX_JOBS) await new Promise<void>((resolve) => waiting.push(resolve));
  else jobs++;
  try {
    return await job();
  } finally {
    const next = waiting.shift();
    if (next === undefined) jobs--;
    else next();
  }
}

/** The version of the binary format, before its layer: Component Model, Binary.md. */
const VERSION = 0x0d;

/** Throws a `WasmError` `ERR_WASM_COMPONENT` for a component of another version of the binary format. */
export function checkVersion(bytes: Uint8Array, name: string): void {
  const version = (bytes[4] ?? 0) + (bytes[5] ?? 0) * 256;
  if (version === VERSION) return;
  const message = `${name} is a component of version ${version} of the binary format; accepted: ${VERSION}`;
  throw new WasmError('ERR_WASM_COMPONENT', message);
}

/**
 * The versioned names of interfaces in a component, mapped to themselves: jco would drop their versions,
 * and could then not tell two versions of one interface apart. Not those of WASI's preview 2, which is
 * given by names without.
 */
function versionedNames(externs: ReadonlySet<string>): [string, string][] {
  const names = [...externs].filter(
    (name) =>
      /^[^@[]+\/[^@]+@\d/.test(name) && (!name.startsWith('wasi:') || name.includes('@0.3')),
  );
  return names.map((name) => [name, name]);
}
