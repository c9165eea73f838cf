import { messageOf, WasmError } from '../errors.js';
import { pathOfUrl, readBytes } from '../platform/files.js';
import { flagHint } from '../platform/permission.js';

/**
 * Where a module or a component comes from: its bytes; the path of a file; a `file:`, `http:` or
 * `https:` URL, as a string or a URL; a `Response`, which is compiled while it streams in; a promise
 * of bytes or of a `Response`; or a compiled module.
 */
export type ModuleSource =
  | ArrayBufferLike
  | ArrayBufferView
  | string
  | URL
  | Response
  | PromiseLike<Response | ArrayBufferLike | ArrayBufferView>
  | CompiledSource;

/**
 * A `WebAssembly.Module`. TypeScript's own type of it is an empty interface, which a number or a promise
 * of a pool meets as well; neither meets this one.
 */
export interface CompiledSource {
  readonly then?: never;
  readonly byteLength?: never;
}

/** A loaded source: a compiled module, or bytes and, of a response, their compilation. */
export type LoadedModule =
  | WebAssembly.Module
  | {
      readonly name: string;
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly streaming?: Promise<WebAssembly.Module> | undefined;
    };

const accepted =
  'bytes, a file path, a file:, http: or https: URL, a Response, a promise of bytes or of a Response, a WebAssembly.Module, or a transpiled component as { instantiate, modules }';

/** Loads a source. Rejects with a `WasmError` `ERR_WASM_SOURCE` when there is nothing to compile. */
export async function loadSource(src: ModuleSource): Promise<LoadedModule> {
  // Copied before the first await: what the caller writes into its buffer later changes nothing.
  const bytes = copyOf(src);
  if (bytes !== undefined) return { name: 'src', bytes };
  const given: unknown = await src;
  const promised = copyOf(given);
  if (promised !== undefined) return { name: 'src', bytes: promised };
  if (given instanceof WebAssembly.Module) return given;
  if (given instanceof Response) return loadResponse(given, given.url || 'a Response');
  if (typeof given === 'string' && !/^(file|https?):/i.test(given)) return loadFile(given);
  if (typeof given === 'string' || given instanceof URL) return loadUrl(given);
  const kind = Object.prototype.toString.call(given);
  throw new WasmError('ERR_WASM_SOURCE', `src is ${kind}; accepted: ${accepted}`);
}

function copyOf(src: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (ArrayBuffer.isView(src)) {
    return new Uint8Array(new Uint8Array(src.buffer, src.byteOffset, src.byteLength));
  }
  return isAnyArrayBuffer(src) ? new Uint8Array(new Uint8Array(src)) : undefined;
}

/** Whether this is a buffer of any realm: test runners and node:vm have their own. */
function isAnyArrayBuffer(src: unknown): src is ArrayBufferLike {
  const tag = Object.prototype.toString.call(src);
  return tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]';
}

async function loadUrl(given: string | URL): Promise<LoadedModule> {
  let url: URL;
  try {
    url = new URL(given);
  } catch (cause) {
    throw sourceError(String(given), 'it is not a URL', cause);
  }
  if (url.protocol === 'file:') return loadFile(pathOf(url));
  if (!/^https?:$/.test(url.protocol)) {
    throw sourceError(url.href, `${url.protocol} URLs are not accepted; accepted: ${accepted}`);
  }
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    const why = cause instanceof Error && cause.cause ? cause.cause : cause;
    throw sourceError(url.href, `it could not be fetched: ${messageOf(why)}`, cause);
  }
  return loadResponse(response, url.href);
}

function pathOf(url: URL): string {
  try {
    return pathOfUrl(url);
  } catch (cause) {
    throw sourceError(url.href, messageOf(cause), cause);
  }
}

async function loadFile(path: string): Promise<LoadedModule> {
  try {
    return { name: path, bytes: await readBytes(path) };
  } catch (cause) {
    throw sourceError(path, `it could not be read: ${messageOf(cause)}${flagHint(cause)}`, cause);
  }
}

async function loadResponse(response: Response, name: string): Promise<LoadedModule> {
  if (!response.ok) {
    throw sourceError(name, `the response has status ${response.status} ${response.statusText}`);
  }
  if (response.bodyUsed) throw sourceError(name, 'the body of the response was read before');
  const type = response.headers.get('content-type') ?? 'none';
  if (!/^\s*application\/wasm\s*(;|$)/i.test(type)) {
    throw sourceError(name, `the response has content type ${type}; accepted: application/wasm`);
  }
  const copy = response.clone();
  // Node.js compiles while streaming only if the type is spelled exactly like this.
  const streaming =
    type === 'application/wasm' ? WebAssembly.compileStreaming(response) : undefined;
  streaming?.catch(() => {}); // awaited later: until then it is no unhandled rejection
  try {
    return { name, bytes: new Uint8Array(await copy.arrayBuffer()), streaming };
  } catch (cause) {
    throw sourceError(name, `its body could not be read: ${messageOf(cause)}`, cause);
  }
}

function sourceError(name: string, what: string, cause?: unknown): WasmError {
  return new WasmError('ERR_WASM_SOURCE', `could not load ${name}: ${what}`, { cause });
}
