/** What jco, or the shim, gives a host function for a WIT `stream<u8>`. */
export interface ByteStream {
  read(options?: { count: number }): Promise<unknown>;
  [Symbol.dispose]?(): void;
  close?(): void;
}

const CHUNK_BYTES = 65_536;

/** The chunks of a stream. Ended early, it lets go of the stream, and its writer sees that. */
export async function* chunksOf(stream: ByteStream): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let isOpen = true;
  try {
    for (;;) {
      const result = await stream.read({ count: CHUNK_BYTES });
      const isResult = typeof result === 'object' && result !== null && 'done' in result;
      // jco's streams give what iterators do; the shim's give the chunk, or null at the end.
      const value = isResult ? Reflect.get(result, 'value') : result;
      if (value !== undefined && value !== null) yield bytesOf(value);
      isOpen = isResult ? Reflect.get(result, 'done') !== true : value !== null;
      if (!isOpen) return;
    }
  } finally {
    if (isOpen) letGo(stream);
  }
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (typeof value === 'number') return Uint8Array.of(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return Uint8Array.from(value);
  throw new TypeError('a stream of bytes has what is no bytes');
}

function letGo(stream: ByteStream): void {
  try {
    if (stream[Symbol.dispose] !== undefined) stream[Symbol.dispose]?.();
    else stream.close?.();
  } catch {} // it is gone already
}
