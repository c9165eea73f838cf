import { ByteReader } from '../module/byte-reader.js';
import { keepsHandles } from './jco-code.js';

/** The sections of a component that matter here: Component Model, Binary.md, "Component Definitions". */
const Section = { component: 4, canon: 8 } as const;
const PREAMBLE_BYTES = 8;

/** Canonical functions, and options of such: Component Model, Binary.md, "Canonical Definitions". */
const Canon = { lift: 0x00, lower: 0x01 } as const;
const plainOptions: readonly number[] = [0x00, 0x01, 0x02]; // string encodings
const optionsWithIndex: readonly number[] = [0x03, 0x04, 0x05]; // memory, realloc, post-return

/**
 * Why no instance of a component can be put back exactly as it was, for what jco's code keeps of it in
 * JavaScript; empty where that is nothing: its memories, tables and globals are all there is.
 */
export function componentRestoreBlockers(bytes: Uint8Array, code: string): readonly string[] {
  // Belt and braces: what the component may do, and what jco made of that.
  if (onlyLiftsAndLowers(bytes) && !keepsHandles(code)) return [];
  return ['resources or async functions: jco keeps their handles and tasks in JavaScript'];
}

/** Whether all functions of a component, those within it too, are lifted and lowered, and none is async. */
function onlyLiftsAndLowers(bytes: Uint8Array): boolean {
  const reader = new ByteReader(bytes, PREAMBLE_BYTES);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (id === Section.component && !onlyLiftsAndLowers(bytes.subarray(reader.at, end))) {
      return false;
    }
    if (id === Section.canon) {
      const count = reader.unsigned();
      for (let index = 0; index < count; index++) if (!isSyncLiftOrLower(reader)) return false;
    }
    reader.at = end;
  }
  return true;
}

function isSyncLiftOrLower(reader: ByteReader): boolean {
  const kind = reader.byte();
  if (kind !== Canon.lift && kind !== Canon.lower) return false;
  if (reader.byte() !== 0) return false;
  reader.skipNumber(); // the function's index
  const options = reader.vector(() => {
    const option = reader.byte();
    if (optionsWithIndex.includes(option)) reader.skipNumber();
    return plainOptions.includes(option) || optionsWithIndex.includes(option);
  });
  if (kind === Canon.lift) reader.skipNumber(); // its type
  return !options.includes(false);
}
