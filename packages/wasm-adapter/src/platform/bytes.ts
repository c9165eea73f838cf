/** Where bytes are compared by the platform itself: Node.js, Deno and Bun. */
const NativeBuffer: typeof Buffer | undefined = globalThis.Buffer;

/** Whether `length` bytes from two places on are the same. */
export const sameBytes: (
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
) => boolean =
  NativeBuffer === undefined
    ? sameInWords
    : (a, aStart, b, bStart, length) =>
        NativeBuffer.prototype.compare.call(
          asBuffer(a),
          b,
          bStart,
          bStart + length,
          aStart,
          aStart + length,
        ) === 0;

function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same without the platform's help: eight bytes at a time where they are aligned. */
export function sameInWords(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  let at = 0;
  if ((a.byteOffset + aStart) % 8 === 0 && (b.byteOffset + bStart) % 8 === 0) {
    const words = Math.floor(length / 8);
    const wordsOfA = new BigUint64Array(a.buffer, a.byteOffset + aStart, words);
    const wordsOfB = new BigUint64Array(b.buffer, b.byteOffset + bStart, words);
    for (let word = 0; word < words; word++) if (wordsOfA[word] !== wordsOfB[word]) return false;
    at = words * 8;
  }
  for (; at < length; at++) if (a[aStart + at] !== b[bStart + at]) return false;
  return true;
}
