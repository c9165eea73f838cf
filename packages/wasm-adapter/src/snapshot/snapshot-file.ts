// A prepared state as a file.
//
//     offset  bytes  what
//          0      8  "wasmpool"
//          8      4  the version of the format, little endian
//         12      4  1: the body is compressed (DEFLATE, RFC 1951); 0: it is not
//         16     32  SHA-256 of the module that the state belongs to
//         48      n  the body: how long its description is (4 bytes), the description, as JSON in
//                    UTF-8, then the stretches of all memories that are not zero, end to end
//     48 + n     32  SHA-256 of all bytes before
//
// The description has the sizes of the memories and where their stretches are, the tables and the
// mutable globals, and what `preinitialize` returned. A value in it is a portable one, as value.ts
// has them, written so that JSON keeps it: see `toJson`.
import { messageOf, WasmError } from '../errors.js';
import type { StateImage, TableImage } from '../instance/state/image.js';
import { CHUNK_BYTES, type MemoryImage } from '../instance/state/memory.js';
import type { PortableValue } from '../instance/state/value.js';
import { concat } from '../module/byte-writer.js';
import type { ModuleBytes } from '../module/copy-module.js';
import { bestCompression, compress, decompress } from '../platform/compression.js';
import { sha256 } from '../platform/hash.js';
import { fromJson, type JsonValue, toJson } from './json-value.js';

/** The version that is written, and the only one that is read. */
const VERSION = 1;
const MAGIC = new TextEncoder().encode('wasmpool');
const HEAD_BYTES = 48;
const HASH_BYTES = 32;

/** What a snapshot holds. */
export interface SnapshotContent {
  readonly image: StateImage;
  /** What `preinitialize` returned. */
  readonly value: unknown;
}

interface Description {
  readonly memories: readonly {
    readonly byteLength: number;
    readonly grownBytes: number;
    readonly stretches: readonly (readonly [start: number, length: number])[];
  }[];
  readonly tables: readonly {
    readonly length: number;
    readonly changed: readonly (readonly [index: number, value: JsonValue])[];
  }[];
  readonly globals: readonly (JsonValue | null)[];
  readonly value?: unknown;
}

/** Writes a snapshot. Rejects with a `WasmError` `ERR_WASM_SNAPSHOT` for what a file cannot hold. */
export async function writeSnapshot(
  { image, value }: SnapshotContent,
  module: Uint8Array<ArrayBuffer>,
  poolName: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const portable = (it: PortableValue, where: string) => toJson(it, `${poolName}: ${where}`);
  if (value !== undefined && !isJson(value)) {
    const message = `${poolName}: preinitialize returned what a file cannot hold; accepted: undefined, or null, booleans, finite numbers, strings, and arrays and plain objects of these`;
    throw new WasmError('ERR_WASM_SNAPSHOT', message);
  }
  const description: Description = {
    memories: image.memories.map(({ byteLength, stretches }, index) => ({
      byteLength,
      grownBytes: image.grownBytes[index] ?? 0,
      stretches: stretches.map(({ start, bytes }) => [start, bytes.length] as const),
    })),
    tables: image.tables.map(({ length, changed }, table) => ({
      length,
      changed: changed.map(([index, it]) => {
        return [index, portable(it, `element ${index} of table ${table}`)] as const;
      }),
    })),
    globals: image.globals.map((it, index) =>
      it === undefined ? null : portable(it, `global ${index}`),
    ),
    value,
  };
  const json = new TextEncoder().encode(JSON.stringify(description));
  const contents = image.memories.flatMap((it) => it.stretches.map(({ bytes }) => bytes));
  const how = bestCompression();
  const body = await compress(concat(uint32(json.length), json, ...contents), how);
  const head = concat(
    MAGIC,
    uint32(VERSION),
    uint32(how === 'none' ? 0 : 1),
    await hash(module, poolName),
  );
  const content = concat(head, body);
  return concat(content, await hash(content, poolName));
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
    const content = contentOf(body);
    const { memories, tables, globals } = content.image;
    const counts = [memories.length, tables.length, globals.length];
    const wanted = [shape.memories.length, shape.tables.length, shape.globals.length];
    if (counts.join() !== wanted.join()) throw new RangeError('it has other parts than the module');
    return content;
  } catch (cause) {
    throw refused(`is damaged: ${messageOf(cause)}`, { cause });
  }
}

/** Throws where the body is not what `writeSnapshot` writes. */
function contentOf(body: Uint8Array<ArrayBuffer>): SnapshotContent {
  const length = new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(0, true);
  const json = new TextDecoder('utf-8', { fatal: true }).decode(body.subarray(4, 4 + length));
  const { memories, tables, globals, value }: Description = JSON.parse(json);
  let at = 4 + length;
  const take = (count: number): Uint8Array => {
    if (at + count > body.length) throw new RangeError('it ends too early');
    at += count;
    return body.subarray(at - count, at);
  };
  const memoryOf = ({ byteLength, stretches }: Description['memories'][number]): MemoryImage => {
    let before = 0;
    return {
      byteLength,
      stretches: stretches.map(([start, count]) => {
        if (start < before || start % CHUNK_BYTES !== 0 || start + count > byteLength) {
          throw new RangeError('a stretch is not within its memory');
        }
        before = start + count;
        return { start, bytes: take(count) };
      }),
    };
  };
  const tableOf = (table: Description['tables'][number]): TableImage => ({
    length: table.length,
    changed: table.changed.map(([index, it]) => [index, fromJson(it)] as const),
  });
  return {
    image: {
      memories: memories.map(memoryOf),
      grownBytes: memories.map(({ grownBytes }) => grownBytes),
      tables: tables.map(tableOf),
      globals: globals.map((it) => (it === null ? undefined : fromJson(it))),
    },
    value,
  };
}

/** Whether JSON has the value as it is: nothing is left out, and nothing becomes something else. */
function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return Array.from(value).every(isJson);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return !('toJSON' in value) && Object.values(value).every(isJson);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
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
