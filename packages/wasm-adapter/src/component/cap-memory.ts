import { ByteReader } from '../module/byte-reader.js';
import { concat, leb128 } from './write-bytes.js';

const PREAMBLE_BYTES = 8;
const MEMORY_SECTION = 5;
const PAGE_BYTES = 65_536;
const HAS_MAXIMUM = 1;

/**
 * A core module whose memories cannot grow beyond so many bytes; as it is where it defines none. Throws
 * a RangeError where a memory has to be larger from the start.
 */
export function capMemory(bytes: Uint8Array, memoryBytes: number): Uint8Array<ArrayBuffer> {
  const cap = Math.floor(memoryBytes / PAGE_BYTES);
  const reader = new ByteReader(bytes, PREAMBLE_BYTES);
  while (reader.at < bytes.length) {
    const start = reader.at;
    const id = reader.byte();
    const end = reader.unsigned() + reader.at;
    if (id === MEMORY_SECTION) {
      const memories = reader.vector(() => cappedLimits(reader, cap));
      const content = [...leb128(memories.length), ...memories.flat()];
      const section = [id, ...leb128(content.length), ...content];
      return concat([bytes.subarray(0, start), Uint8Array.from(section), bytes.subarray(end)]);
    }
    reader.at = end;
  }
  return new Uint8Array(bytes);
}

/** WebAssembly Core, 5.3.13 "Limits". */
function cappedLimits(reader: ByteReader, cap: number): number[] {
  const flags = reader.byte();
  const least = reader.unsigned();
  const most = flags & HAS_MAXIMUM ? reader.unsigned() : Number.POSITIVE_INFINITY;
  if (flags > 7) throw new RangeError('a memory with a page size of its own');
  if (least > cap) throw new RangeError(`a memory of ${least} pages; accepted: ${cap}`);
  return [flags | HAS_MAXIMUM, ...leb128(least), ...leb128(Math.min(most, cap))];
}
