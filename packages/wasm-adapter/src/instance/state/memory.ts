// The content of one memory, kept apart from the memory.
//
// Most of a memory is zero: what a guest has never touched, and what it has cleared. An image keeps
// the stretches in between, in whole pages of the system:
//
//     memory  |........|dddddddddddddd|........|hhhh|..................|
//     image   { byteLength, stretches: [ { start, bytes }, { start, bytes } ] }
//
// There are two ways back. A new memory is zero already, and gets the stretches written: that
// touches no page which the image leaves zero, and so costs what writing the bytes costs. In a used
// memory the gaps are cleared too. They are compared with zero first, because a page that nobody has
// written to has no memory behind it, and clearing it would change that.
//
// There is a third way, for a memory that a loader's code has written to before the image is laid over
// it. Looking for what it wrote touches each page of a memory of which it used a few, and a page that
// is touched first costs more than all else. `writeAfterLoader` therefore takes what the same loader
// left in another instance: where this one has just that, and nothing beside it, it is cleared by
// that; where it has not, all of it is looked at.
//
// An image may be of another image: stretches that are the same in both share their bytes, so that
// many instances with almost the same state cost almost nothing each.
import { sameBytes } from '../../platform/bytes.js';

/**
 * What an image keeps or leaves out: the system's page. Each that is written to in new memory costs a
 * fault, which is most of what a copy costs.
 */
export const CHUNK_BYTES = 4096;

/** How much is looked through at a time for what is not zero, where most is. */
const SCAN_BYTES = 16_384;

const zeros = new Uint8Array(SCAN_BYTES);

/** Bytes that are not all zero, and where in the memory they begin. */
export interface Stretch {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** A memory's content at one time. */
export interface MemoryImage {
  readonly byteLength: number;
  /** In order, none of them empty, each beginning at a multiple of `CHUNK_BYTES`. */
  readonly stretches: readonly Stretch[];
}

/** The image of a memory; what is the same in `base` shares the bytes of that. */
export function memoryImage(
  memory: Uint8Array,
  base: MemoryImage = { byteLength: 0, stretches: [] },
): MemoryImage {
  const { length: byteLength } = memory;
  const finder = new StretchFinder(base);
  const stretches: Stretch[] = [];
  for (let at = nextWritten(memory, 0); at < byteLength; ) {
    const start = at;
    const shared = finder.sharedAt(memory, at);
    if (shared === undefined) {
      do at = endOfChunk(at, byteLength);
      while (at < byteLength && !isZero(memory, at) && finder.sharedAt(memory, at) === undefined);
      stretches.push({ start, bytes: memory.slice(start, at) });
    } else {
      at = endOfChunk(at, byteLength);
      let next = finder.sharedAt(memory, at);
      while (at < byteLength && next?.stretch === shared.stretch) {
        at = endOfChunk(at, byteLength);
        next = finder.sharedAt(memory, at);
      }
      const from = start - shared.stretch.start;
      const bytes = shared.stretch.bytes.subarray(from, from + at - start);
      stretches.push({ start, bytes });
    }
    at = nextWritten(memory, at);
  }
  return { byteLength, stretches };
}

/** How many bytes an image keeps. */
export function imageBytes({ stretches }: MemoryImage): number {
  return stretches.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Gives a memory of the image's size, all zero, the image's content. */
export function writeToNew(memory: Uint8Array, { stretches }: MemoryImage): void {
  for (const { start, bytes } of stretches) memory.set(bytes, start);
}

/** Gives a memory of the image's size, whatever is in it, the image's content. */
export function writeOver(memory: Uint8Array, { stretches }: MemoryImage): void {
  let at = 0;
  for (const { start, bytes } of stretches) {
    clear(memory, at, start);
    memory.set(bytes, start);
    at = start + bytes.length;
  }
  clear(memory, at, memory.length);
}

/**
 * The same for a memory in which a loader has left something, given what it left in another instance:
 * an image of that memory. Looks at no more than that, and what is next to it, where it is the same.
 */
export function writeAfterLoader(memory: Uint8Array, left: MemoryImage, image: MemoryImage): void {
  if (!hasJust(memory, left)) {
    writeOver(memory, image);
    return;
  }
  for (const { start, bytes } of left.stretches) memory.fill(0, start, start + bytes.length);
  writeToNew(memory, image);
}

/** Whether a memory has the stretches of an image, and zeros in the chunks next to each of them. */
function hasJust(memory: Uint8Array, { stretches }: MemoryImage): boolean {
  return stretches.every(({ start, bytes }, index) => {
    const end = start + bytes.length;
    const previous = stretches[index - 1];
    const next = stretches[index + 1];
    const before = start - CHUNK_BYTES;
    const isClearBefore =
      before < (previous ? previous.start + previous.bytes.length : 0) || isZero(memory, before);
    const isClearBehind = end >= (next ? next.start : memory.length) || isZero(memory, end);
    return isClearBefore && isClearBehind && sameBytes(memory, start, bytes, 0, bytes.length);
  });
}

/** Zeroes a stretch; chunks that are zero already are only read. */
function clear(memory: Uint8Array, start: number, end: number): void {
  for (let at = nextWritten(memory, start, end); at < end; ) {
    const next = Math.min(at + CHUNK_BYTES, end);
    memory.fill(0, at, next);
    at = nextWritten(memory, next, end);
  }
}

/** Where the first chunk begins that is not all zero; `end` if there is none. */
function nextWritten(memory: Uint8Array, start: number, end = memory.length): number {
  let at = start;
  while (at + SCAN_BYTES <= end && sameBytes(memory, at, zeros, 0, SCAN_BYTES)) at += SCAN_BYTES;
  while (at < end && isZero(memory, at, end)) at += CHUNK_BYTES;
  return Math.min(at, end);
}

function isZero(memory: Uint8Array, at: number, end = memory.length): boolean {
  return sameBytes(memory, at, zeros, 0, Math.min(CHUNK_BYTES, end - at));
}

function endOfChunk(at: number, end: number): number {
  return Math.min(at + CHUNK_BYTES, end);
}

/** Finds the stretches of an image, at addresses that only go up. */
class StretchFinder {
  readonly #stretches: readonly Stretch[];
  #next = 0;

  constructor({ stretches }: MemoryImage) {
    this.#stretches = stretches;
  }

  /** The stretch that has the same bytes for the whole chunk at an address, if one does. */
  sharedAt(memory: Uint8Array, at: number): { readonly stretch: Stretch } | undefined {
    let stretch = this.#stretches[this.#next];
    while (stretch !== undefined && stretch.start + stretch.bytes.length <= at) {
      stretch = this.#stretches[++this.#next];
    }
    if (stretch === undefined || at < stretch.start || at >= memory.length) return undefined;
    const length = endOfChunk(at, memory.length) - at;
    const from = at - stretch.start;
    if (from + length > stretch.bytes.length) return undefined;
    return sameBytes(memory, at, stretch.bytes, from, length) ? { stretch } : undefined;
  }
}
