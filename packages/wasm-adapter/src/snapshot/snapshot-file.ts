// A prepared state as a file.
//
//     offset  bytes  what
//          0      8  "wasmpool"
//          8      4  the version of the format, little endian
//         12      4  1: the body is compressed (DEFLATE, RFC 1951); 0: it is not
//         16     32  SHA-256 of the module that the state belongs to
//         48      n  the body: see snapshot-content.ts
//     48 + n     32  SHA-256 of all bytes before
import { messageOf, WasmError } from '../errors.js';
import { concat } from '../module/byte-writer.js';
import type { ModuleBytes } from '../module/copy-module.js';
import { bestCompression, compress, decompress } from '../platform/compression.js';
import { sha256 } from '../platform/hash.js';
import { decodeContent, encodeContent, type SnapshotContent, uint32 } from './snapshot-content.js';

/** The version that is written, and the only one that is read. */
const VERSION = 1;
const MAGIC = new TextEncoder().encode('wasmpool');
const HEAD_BYTES = 48;
const HASH_BYTES = 32;

/** Writes a snapshot. Rejects with a `WasmError` `ERR_WASM_SNAPSHOT` for what a file cannot hold. */
export async function writeSnapshot(
  content: SnapshotContent,
  module: Uint8Array<ArrayBuffer>,
  poolName: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const how = bestCompression();
  const body = await compress(encodeContent(content, poolName), how);
  const head = concat(
    MAGIC,
    uint32(VERSION),
    uint32(how === 'none' ? 0 : 1),
    await hash(module, poolName),
  );
  const file = concat(head, body);
  return concat(file, await hash(file, poolName));
}

/**
 * Reads a snapshot of a module. Rejects with a `WasmError` `ERR_WASM_SNAPSHOT` where the bytes are no
 * snapshot, are of another version, are damaged, or belong to another module.
 */
export async function readSnapshot(
  bytes: Uint8Array<ArrayBuffer>,
  { bytes: module, shape }: ModuleBytes,
  poolName: string,
): Promise<SnapshotContent> {
  const refused = (what: string, options?: ErrorOptions) =>
    new WasmError('ERR_WASM_SNAPSHOT', `${poolName}: snapshot ${what}`, options);
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) {
    throw refused(
      'is no snapshot; accepted: what createWasmSnapshot or npx wasm-pool snapshot wrote',
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD_BYTES + HASH_BYTES) throw refused('is damaged: it ends too early');
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw refused(`is of version ${version}; accepted: version ${VERSION}. Make it anew`);
  }
  const end = bytes.length - HASH_BYTES;
  const checksum = await hash(bytes.subarray(0, end), poolName);
  if (!equal(checksum, bytes.subarray(end))) {
    throw refused('is damaged: its checksum is not that of its content');
  }
  const owner = await hash(module, poolName);
  const belongsTo = bytes.subarray(16, HEAD_BYTES);
  if (!equal(owner, belongsTo)) {
    throw refused(
      `belongs to the module with SHA-256 ${hex(belongsTo)}, and the one given has ${hex(owner)}: make it anew, with createWasmSnapshot`,
    );
  }
  try {
    const body = await decompress(
      bytes.subarray(HEAD_BYTES, end),
      view.getUint32(12, true) === 0 ? 'none' : 'deflate-raw',
    );
    const content = decodeContent(body);
    const { memories, tables, globals } = content.image;
    const counts = [memories.length, tables.length, globals.length];
    const wanted = [shape.memories.length, shape.tables.length, shape.globals.length];
    if (counts.join() !== wanted.join()) throw new RangeError('it has other parts than the module');
    return content;
  } catch (cause) {
    throw refused(`is damaged: ${messageOf(cause)}`, { cause });
  }
}

async function hash(bytes: Uint8Array<ArrayBuffer>, poolName: string): Promise<Uint8Array> {
  const digits = await sha256(bytes);
  if (digits === undefined) {
    const message = `${poolName}: a snapshot needs SHA-256, which this platform has not: Web Cryptography, which web pages have that are served securely`;
    throw new WasmError('ERR_WASM_PLATFORM', message);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
