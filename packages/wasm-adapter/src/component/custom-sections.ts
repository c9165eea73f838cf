import { ByteReader } from '../module/byte-reader.js';
import { concat, unsignedLeb } from '../module/byte-writer.js';

const PREAMBLE_BYTES = 8;
const Section = { custom: 0, coreModule: 1, component: 4 } as const;

/** A component without its custom sections, and the core modules that were changed for that. */
export interface Stripped {
  readonly bytes: Uint8Array;
  /** Gives the module that stood in the component, for one without its custom sections. */
  original(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
}

/**
 * Leaves the custom sections out of a component, its components and its core modules. They hold names
 * and texts of the guest, without a meaning for what the component does: no tool need see them.
 *
 * Throws a RangeError where a section ends too late.
 */
export function withoutCustomSections(bytes: Uint8Array): Stripped {
  const originals = new Map<string, Uint8Array>();
  const strip = (part: Uint8Array, isComponent: boolean): Uint8Array => {
    const parts: Uint8Array[] = [part.subarray(0, PREAMBLE_BYTES)];
    const reader = new ByteReader(part, PREAMBLE_BYTES);
    while (reader.at < part.length) {
      const start = reader.at;
      const id = reader.byte();
      const size = reader.unsigned();
      const end = reader.at + size;
      if (!(end <= part.length)) throw new RangeError(`a section ${id} that ends too late`);
      const nested = isComponent && (id === Section.coreModule || id === Section.component);
      if (nested) {
        const content = strip(part.subarray(reader.at, end), id === Section.component);
        parts.push(Uint8Array.of(id), unsignedLeb(content.length), content);
      } else if (id !== Section.custom) parts.push(part.subarray(start, end));
      reader.at = end;
    }
    const stripped = concat(parts);
    if (!isComponent && stripped.length < part.length) originals.set(keyOf(stripped), part);
    return stripped;
  };
  return {
    bytes: strip(bytes, true),
    original: (module) => originals.get(keyOf(module))?.slice() ?? module,
  };
}

/** The content as text: one character for each byte, which no two bytes share. */
function keyOf(module: Uint8Array): string {
  return new TextDecoder('latin1').decode(module);
}
