import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeBytes } from './describe-bytes.js';
import { reasonOf, WasmError } from './errors.js';

/**
 * Where a module comes from: its bytes; the path of a file; a `file:`, `http:` or `https:` URL, as a
 * string or a URL; a `Response`, or a promise of one, which is compiled while it streams in; or a
 * module that is compiled already.
 */
export type WasmSource =
  | ArrayBufferLike
  | ArrayBufferView
  | string
  | URL
  | Response
  | PromiseLike<Response>
  | WebAssembly.Module;

const accepted =
  'bytes, a file path, a file:, http: or https: URL, a Response or a promise of one, or a WebAssembly.Module';

/**
 * The compiled module of a source. Rejects with a `WasmError`: `ERR_WASM_SOURCE` when there is
 * nothing to compile, `ERR_WASM_COMPONENT` for a component, `ERR_WASM_COMPILE` for all else that
 * does not compile.
 */
export async function compileSource(src: WasmSource): Promise<WebAssembly.Module> {
  const given: unknown = await src;
  if (given instanceof WebAssembly.Module) return given;
  if (given instanceof Response) return compileResponse(given, given.url || 'a Response');
  if (typeof given === 'string' && !/^(file|https?):/i.test(given)) return compileFile(given);
  if (typeof given === 'string' || given instanceof URL) return compileUrl(given);
  if (ArrayBuffer.isView(given)) {
    return compileBytes(new Uint8Array(given.buffer, given.byteOffset, given.byteLength), 'src');
  }
  if (given instanceof ArrayBuffer || given instanceof SharedArrayBuffer) {
    return compileBytes(new Uint8Array(given), 'src');
  }
  const kind = Object.prototype.toString.call(given);
  throw new WasmError('ERR_WASM_SOURCE', `src is ${kind}; accepted: ${accepted}`);
}

async function compileUrl(given: string | URL): Promise<WebAssembly.Module> {
  let url: URL;
  try {
    url = new URL(given);
  } catch (cause) {
    throw sourceError(String(given), 'it is not a URL', cause);
  }
  if (url.protocol === 'file:') return compileFile(fileURLToPath(url));
  if (!/^https?:$/.test(url.protocol)) {
    throw sourceError(url.href, `${url.protocol} URLs are not accepted; accepted: ${accepted}`);
  }
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    const why = cause instanceof Error && cause.cause ? cause.cause : cause;
    throw sourceError(url.href, `it could not be fetched: ${reasonOf(why)}`, cause);
  }
  return compileResponse(response, url.href);
}

async function compileFile(path: string): Promise<WebAssembly.Module> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw sourceError(path, `it could not be read: ${reasonOf(cause)}`, cause);
  }
  return compileBytes(bytes, path);
}

async function compileResponse(response: Response, name: string): Promise<WebAssembly.Module> {
  if (!response.ok) {
    throw sourceError(name, `the response has status ${response.status} ${response.statusText}`);
  }
  if (response.bodyUsed) throw sourceError(name, 'the body of the response was read before');
  const type = response.headers.get('content-type') ?? 'none';
  // Streaming compilation accepts no other: WebAssembly Web API, "compile a potential WebAssembly response".
  if (type.split(';')[0]?.trim().toLowerCase() !== 'application/wasm') {
    throw sourceError(name, `the response has content type ${type}; accepted: application/wasm`);
  }
  const copy = response.clone();
  try {
    return await WebAssembly.compileStreaming(response);
  } catch (cause) {
    throw compileError(new Uint8Array(await copy.arrayBuffer()), name, cause);
  }
}

async function compileBytes(
  bytes: Uint8Array<ArrayBufferLike>,
  name: string,
): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (cause) {
    throw compileError(bytes, name, cause);
  }
}

function sourceError(name: string, what: string, cause?: unknown): WasmError {
  return new WasmError('ERR_WASM_SOURCE', `could not load ${name}: ${what}`, { cause });
}

function compileError(bytes: Uint8Array, name: string, cause: unknown): WasmError {
  const what = describeBytes(bytes);
  if (what === 'a component') {
    const message = `${name} is a component, and only core modules are supported so far`;
    return new WasmError('ERR_WASM_COMPONENT', message, { cause });
  }
  const message = `could not compile ${name}, ${what}: ${reasonOf(cause)}`;
  return new WasmError('ERR_WASM_COMPILE', message, { cause });
}
