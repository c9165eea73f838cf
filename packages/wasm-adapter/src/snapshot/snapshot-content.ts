// What a snapshot holds, as bytes: how long its description is (4 bytes, little endian), the description,
// as JSON in UTF-8, then the stretches of all memories that are not zero, end to end.
//
// The description has the sizes of the memories and where their stretches are, the tables and the
// mutable globals, and what `preinitialize` returned. A value in it is a portable one, as value.ts
// has them, written so that JSON keeps it: see `toJson`.
import { WasmError } from '../errors.js';
import type { StateImage, TableImage } from '../instance/state/image.js';
import { CHUNK_BYTES, type MemoryImage } from '../instance/state/memory.js';
import type { PortableValue } from '../instance/state/value.js';
import { concat } from '../module/byte-writer.js';
import { fromJson, type JsonValue, toJson } from './json-value.js';

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

/** Throws a `WasmError` `ERR_WASM_SNAPSHOT` for what bytes cannot hold. */
export function encodeContent(
  { image, value }: SnapshotContent,
  poolName: string,
): Uint8Array<ArrayBuffer> {
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
  return concat(uint32(json.length), json, contents);
}

/** Throws where the bytes are not what `encodeContent` writes. Stretches are views of them. */
export function decodeContent(body: Uint8Array): SnapshotContent {
  const length = new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(0, true);
  // Of a shared buffer a decoder takes no view.
  const json = new TextDecoder('utf-8', { fatal: true }).decode(body.slice(4, 4 + length));
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

export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
