/** How the body of a file is compressed: by the platform's own streams, or not. */
export type Compression = 'none' | 'deflate-raw';

/** The best that this platform has; `'none'` where it has no compression streams. */
export function bestCompression(): Compression {
  return globalThis.CompressionStream === undefined ? 'none' : 'deflate-raw';
}

export async function compress(
  bytes: Uint8Array<ArrayBuffer>,
  how: Compression,
): Promise<Uint8Array<ArrayBuffer>> {
  return how === 'none' ? bytes : through(bytes, new CompressionStream(how));
}

/** Rejects with what the platform says where the bytes are not compressed like that. */
export async function decompress(
  bytes: Uint8Array<ArrayBuffer>,
  how: Compression,
): Promise<Uint8Array<ArrayBuffer>> {
  return how === 'none' ? bytes : through(bytes, new DecompressionStream(how));
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
