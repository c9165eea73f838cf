import { messageOf, WasmError } from '../errors.js';
import { pathOfUrl, readBytes } from '../platform/files.js';

/** Where a snapshot comes from: its bytes, a promise of them, or the path or `file:` URL of a file. */
export type SnapshotSource =
  | ArrayBufferLike
  | ArrayBufferView
  | string
  | URL
  | PromiseLike<ArrayBufferLike | ArrayBufferView>;

export const acceptedSnapshots =
  'the bytes of a snapshot, a promise of them, or the path or file: URL of a file';

/** The bytes of a snapshot. Rejects with a `WasmError` `ERR_WASM_SNAPSHOT` where there are none. */
export async function loadSnapshot(
  source: SnapshotSource,
  poolName: string,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const given: unknown = await source;
    if (ArrayBuffer.isView(given)) {
      return new Uint8Array(new Uint8Array(given.buffer, given.byteOffset, given.byteLength));
    }
    if (given instanceof ArrayBuffer || isShared(given)) {
      return new Uint8Array(new Uint8Array(given));
    }
    if (given instanceof URL) return await readBytes(pathOfUrl(given));
    if (typeof given === 'string') {
      return await readBytes(given.startsWith('file:') ? pathOfUrl(new URL(given)) : given);
    }
    throw new TypeError(
      `it is ${Object.prototype.toString.call(given)}; accepted: ${acceptedSnapshots}`,
    );
  } catch (cause) {
    const message = `${poolName}: snapshot could not be loaded: ${messageOf(cause)}`;
    throw new WasmError('ERR_WASM_SNAPSHOT', message, { cause });
  }
}

function isShared(given: unknown): given is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== 'undefined' && given instanceof SharedArrayBuffer;
}
