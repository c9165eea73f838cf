// V8 ends a thread, for `terminate` or for want of memory, where its code looks whether it shall. Code
// of WebAssembly looks where a function begins. In a loop it looks after some ten million bytes of
// machine code (`--wasm-tiering-budget`), whatever time these take. One instruction can fill a gigabyte,
// or make an array that the heap has no room for: a loop of a hundred thousand of them goes on for hours
// after its thread was told to end.
//
// So a call of an empty function is put before each instruction whose work depends on a number:
//
//   function $look:  if $never { call $look }
//
// `$never` is a global that nobody sets. A function that calls itself is not inlined, and keeps its look
// at the beginning. It is the last function, `$never` the last global and its type the last type: nothing
// else moves in any index space.
import { concat, unsignedLeb } from './byte-writer.js';
import { InstructionReader } from './instructions.js';
import type { ModuleShape } from './module-shape.js';

const Section = { custom: 0, type: 1, function: 3, global: 6, code: 10 } as const;

/** The sections behind the global section: WebAssembly Core, 5.5.16 "Modules". */
const behindGlobals: readonly number[] = [7, 8, 9, 10, 11, 12];

/** Where branches are likely to go, by their place in the code. It is left out, for the code moves. */
const BRANCH_HINTS = 'metadata.code.branch_hint';

/** Of memories and tables, by the number behind 0xfc: init, copy, fill, init, copy, grow, fill. */
const bulk: readonly number[] = [8, 10, 11, 12, 14, 15, 17];

/** Of arrays, by the number behind 0xfb: new (with a value, zeros, data, elements), fill, copy, init (two). */
const arrays: readonly number[] = [6, 7, 9, 10, 16, 17, 18, 19];

/** What an instruction's number is above, by its prefix: see `Instruction`. */
const PREFIX = 0x1_0000;

/** So many bytes or elements are written before a loop around them has had time to do harm. */
const SHORT = 4096;

/**
 * A valid module with a look before each instruction that may take long; the very same bytes where it
 * has none, or has code that is not understood.
 */
export function withInterruptionPoints(
  bytes: Uint8Array<ArrayBuffer>,
  shape: ModuleShape,
): Uint8Array<ArrayBuffer> {
  const sections = sectionsOf(bytes);
  const code = sections.find(({ id }) => id === Section.code);
  const bodies = code && bodiesWithLooks(code, shape);
  if (bodies === undefined) return bytes;
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  const write = (id: number, ...content: (Uint8Array | readonly Uint8Array[])[]) => {
    const joined = concat(...content);
    parts.push(Uint8Array.of(id), unsignedLeb(joined.length), joined);
  };
  /** Writes a vector with an element behind its others. */
  const writeOneMore = ({ id, content }: SectionBytes, added: Uint8Array) => {
    const reader = new InstructionReader(content);
    const count = reader.unsigned();
    write(id, unsignedLeb(count + 1), content.subarray(reader.at), added);
  };
  let needsGlobals = !sections.some(({ id }) => id === Section.global);
  for (const section of sections) {
    const { id, content } = section;
    if (needsGlobals && behindGlobals.includes(id)) {
      write(Section.global, unsignedLeb(1), NEVER);
      needsGlobals = false;
    }
    if (id === Section.type) writeOneMore(section, NOTHING_TO_NOTHING);
    else if (id === Section.function) writeOneMore(section, unsignedLeb(shape.functions.typeCount));
    else if (id === Section.global) writeOneMore(section, NEVER);
    else if (id === Section.code) write(id, unsignedLeb(bodies.length), bodies);
    else if (id !== Section.custom || new InstructionReader(content).name() !== BRANCH_HINTS) {
      write(id, content);
    }
  }
  return concat(parts);
}

/** A section of a module. */
interface SectionBytes {
  readonly id: number;
  readonly content: Uint8Array;
}

function sectionsOf(bytes: Uint8Array): SectionBytes[] {
  const sections: SectionBytes[] = [];
  const reader = new InstructionReader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    sections.push({ id, content: bytes.subarray(reader.at, reader.at + size) });
    reader.skip(size);
  }
  return sections;
}

/**
 * All bodies with their looks, and behind them that of the function that looks; undefined where no look
 * is needed, or the code is not understood.
 */
function bodiesWithLooks(
  { content }: SectionBytes,
  { functions, globals }: ModuleShape,
): readonly Uint8Array[] | undefined {
  const look = concat(Uint8Array.of(0x10), unsignedLeb(functions.count)); // call
  const reader = new InstructionReader(content);
  let isNeeded = false;
  try {
    const bodies = reader.vector(() => {
      const from = reader.at;
      const end = reader.unsigned() + reader.at;
      const places = placesIn(reader, end);
      if (places.length < 2) return content.subarray(from, end);
      isNeeded = true;
      return withLooks(content, places, look);
    });
    if (!isNeeded) return undefined;
    const never = concat(Uint8Array.of(0x23), unsignedLeb(globals.length)); // global.get
    const own = concat(Uint8Array.of(0), never, [IF, look, END, END]);
    return [...bodies, concat(unsignedLeb(own.length), own)];
  } catch (error) {
    if (error instanceof RangeError) return undefined; // it has an instruction that is newer
    throw error;
  }
}

const NOTHING_TO_NOTHING = Uint8Array.of(0x60, 0, 0);
const I32_CONST = 0x41;
const IF = Uint8Array.of(0x04, 0x40);
const END = Uint8Array.of(0x0b);

/** `$never`: an i32 of 0. No compiler may take it for a constant, for it is mutable. */
const NEVER = Uint8Array.of(0x7f, 1, 0x41, 0, 0x0b);

/** Where the code of a body has to be cut for looks: between each two places. Two are its ends. */
function placesIn(reader: InstructionReader, end: number): readonly number[] {
  const places = [reader.at];
  reader.each(() => {
    reader.skipNumber(); // so many locals
    reader.valueType(); // of this type
  });
  let previous = reader.at;
  while (reader.at < end) {
    const from = reader.at;
    if (mayTakeLong(reader.instruction(), reader.bytes, previous)) places.push(from);
    previous = from;
  }
  if (reader.at !== end) throw new RangeError('a body that ends within an instruction');
  if (places.length > 1) places.push(end);
  return places;
}

function mayTakeLong(instruction: number, bytes: Uint8Array, previous: number): boolean {
  const number = instruction % PREFIX;
  switch (Math.floor(instruction / PREFIX)) {
    case 0xfb:
      return arrays.includes(number);
    case 0xfc:
      return bulk.includes(number) && !isShort(bytes, previous);
    default:
      return false;
  }
}

/** Whether the instruction before gave a small constant, which is how much there is to write. */
function isShort(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== I32_CONST) return false;
  return new InstructionReader(bytes, at + 1).unsigned() < SHORT; // a negative one reads as a large one
}

/** A body, with its size, of the parts between its places, and a look between each two. */
function withLooks(content: Uint8Array, places: readonly number[], look: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [index, to] of places.entries()) {
    if (index === 0) continue;
    if (index > 1) parts.push(look);
    parts.push(content.subarray(places[index - 1], to));
  }
  const body = concat(parts);
  return concat(unsignedLeb(body.length), body);
}
