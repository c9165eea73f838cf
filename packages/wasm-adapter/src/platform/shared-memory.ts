/**
 * Whether threads can share memory. In browsers they can where the page is cross-origin isolated:
 * https://developer.mozilla.org/docs/Web/API/Window/crossOriginIsolated
 */
export const sharesMemory: boolean =
  typeof globalThis.SharedArrayBuffer === 'function' && globalThis.crossOriginIsolated !== false;

/** Memory that threads share; where they cannot, memory of which each thread is sent a copy. */
export function threadMemory(bytes: number, maxBytes = bytes): ArrayBufferLike {
  if (!sharesMemory) return new ArrayBuffer(bytes, { maxByteLength: maxBytes });
  return new SharedArrayBuffer(bytes, { maxByteLength: maxBytes });
}

/** Has such a memory take more bytes. Throws a RangeError beyond its `maxBytes`. */
export function growMemory(memory: ArrayBufferLike, bytes: number): void {
  if (memory instanceof ArrayBuffer) memory.resize(bytes);
  else memory.grow(bytes);
}
