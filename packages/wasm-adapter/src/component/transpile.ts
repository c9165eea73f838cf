import { createHash } from 'node:crypto';
import { messageOf, WasmError } from '../errors.js';
import { describeBytes } from '../source/describe-bytes.js';
import { importPeer, jcoVersions } from './jco.js';
import { withOwnGlobals } from './jco-code.js';
import type { TranspileOptions } from './transpile-options.js';

/** What jco makes of a component. */
export interface Transpiled {
  /** The JavaScript, which exports `instantiate`. */
  readonly code: string;
  /** The core modules, by the names under which the code asks for them. */
  readonly modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** As much of jco's API as is used. */
interface Jco {
  transpile(
    component: Uint8Array,
    options: object,
  ): Promise<{ files: Record<string, Uint8Array<ArrayBuffer>> }>;
}

const NAME = 'component';

/** Counts what is made of jco's code here: what an earlier version of this package kept is not taken. */
const FORMAT = 2;

const fixedOptions = {
  name: NAME,
  instantiation: 'async',
  emitTypescriptDeclarations: false,
  base64Cutoff: 0, // small core modules are files too
  strict: true, // what is not of the type that WIT says throws, instead of being converted
};

/**
 * Has jco transpile a component. Rejects with a `WasmError`: `ERR_WASM_COMPONENT` for a version of the
 * component model that is not known, `ERR_WASM_COMPILE` for what jco refuses, `ERR_WASM_JCO`.
 */
export async function transpile(
  bytes: Uint8Array,
  name: string,
  options: TranspileOptions,
): Promise<Transpiled> {
  checkVersion(bytes, name);
  const jco = await importPeer<Jco>('@bytecodealliance/jco', '@bytecodealliance/jco', name);
  const suspends = options.asyncImports.length > 0 || options.asyncExports.length > 0;
  let files: Record<string, Uint8Array<ArrayBuffer>>;
  try {
    ({ files } = await jco.transpile(bytes, {
      ...fixedOptions,
      map: versionedNames(bytes),
      ...(suspends ? { asyncMode: 'jspi', ...options } : {}),
    }));
  } catch (cause) {
    const message = `jco could not transpile ${name}, ${describeBytes(bytes)}: ${messageOf(cause)}`;
    throw new WasmError('ERR_WASM_COMPILE', message, { cause });
  }
  const code = withOwnGlobals(new TextDecoder().decode(files[`${NAME}.js`]));
  return { code, modules: new Map(Object.entries(files).filter(([it]) => it.endsWith('.wasm'))) };
}

/** Tells what comes of the same component with other options, or another jco. Rejects as `installed`. */
export async function transpileKey(
  bytes: Uint8Array,
  name: string,
  options: TranspileOptions,
): Promise<string> {
  const content = createHash('sha256').update(bytes).digest('hex');
  return JSON.stringify([FORMAT, content, await jcoVersions(name), fixedOptions, options]);
}

/** The version of the binary format, before its layer: Component Model, Binary.md. */
const VERSION = 0x0d;

function checkVersion(bytes: Uint8Array, name: string): void {
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
function versionedNames(bytes: Uint8Array): Record<string, string> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const names: string[] = [];
  for (const [it] of text.matchAll(/[a-z][a-z0-9-]*:[a-z0-9-]+\/[a-z0-9-]+@\d[a-z0-9.-]*/g)) {
    // The length of a name stands before it, and can itself look like a letter.
    const name = it.charCodeAt(0) === it.length - 1 ? it.slice(1) : it;
    if (!name.startsWith('wasi:') || name.includes('@0.3')) names.push(name);
  }
  return Object.fromEntries(names.map((name) => [name, name]));
}
