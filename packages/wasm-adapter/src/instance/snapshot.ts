/** What is looked at as one; small enough that the zeros to compare with stay in the first cache. */
const CHUNK_BYTES = 16_384;

const zeros = Buffer.alloc(CHUNK_BYTES);

/** What an instance's state was at one time, to put it back. */
export class Snapshot {
  readonly #parts: readonly (MemoryCopy | TableCopy | GlobalCopy)[];

  constructor(
    memories: readonly WebAssembly.Memory[],
    tables: readonly WebAssembly.Table[],
    globals: readonly WebAssembly.Global[],
  ) {
    this.#parts = [
      ...memories.map((memory) => new MemoryCopy(memory)),
      ...tables.map((table) => new TableCopy(table)),
      ...globals.map((global) => new GlobalCopy(global)),
    ];
  }

  /** Whether all can be put back exactly: no memory or table has grown, and no global held a NaN. */
  get exact(): boolean {
    return this.#parts.every((part) => part.exact);
  }

  /** Puts everything back; false, with nothing changed, where that cannot be done exactly. */
  restore(): boolean {
    if (!this.exact) return false;
    for (const part of this.#parts) part.restore();
    return true;
  }
}

/** One memory. What was all zeros is not kept: only where the rest begins, and its bytes. */
class MemoryCopy {
  readonly #memory: WebAssembly.Memory;
  readonly #size: number;
  readonly #written: { start: number; bytes: Buffer }[] = [];

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    const now = Buffer.from(memory.buffer);
    this.#size = now.length;
    for (let start = firstWritten(now, 0); start < now.length; ) {
      const end = firstZero(now, start);
      this.#written.push({ start, bytes: Buffer.from(now.subarray(start, end)) });
      start = firstWritten(now, end);
    }
  }

  get exact(): boolean {
    return this.#memory.buffer.byteLength === this.#size;
  }

  restore(): void {
    const now = Buffer.from(this.#memory.buffer);
    let at = 0;
    for (const { start, bytes } of this.#written) {
      clear(now, at, start);
      now.set(bytes, start);
      at = start + bytes.length;
    }
    clear(now, at, now.length);
  }
}

/**
 * Zeroes a stretch. Chunks that are zero already are only read: writing to pages that nobody has
 * touched would have the system back them with memory.
 */
function clear(memory: Buffer, start: number, end: number): void {
  for (let at = firstWritten(memory, start, end); at < end; ) {
    const next = Math.min(at + CHUNK_BYTES, end);
    memory.fill(0, at, next);
    at = firstWritten(memory, next, end);
  }
}

/** Where the first chunk begins that is not all zeros; `end` if there is none. */
function firstWritten(memory: Buffer, start: number, end = memory.length): number {
  let at = start;
  while (at < end && isZero(memory, at, end)) at += CHUNK_BYTES;
  return Math.min(at, end);
}

/** Where the first chunk begins that is all zeros; the end of the memory if there is none. */
function firstZero(memory: Buffer, start: number): number {
  let at = start;
  while (at < memory.length && !isZero(memory, at, memory.length)) at += CHUNK_BYTES;
  return Math.min(at, memory.length);
}

function isZero(memory: Buffer, at: number, end: number): boolean {
  const next = Math.min(at + CHUNK_BYTES, end);
  return memory.compare(zeros, 0, next - at, at, next) === 0;
}

/** One table: the references that it held. */
class TableCopy {
  readonly #table: WebAssembly.Table;
  readonly #values: unknown[];

  constructor(table: WebAssembly.Table) {
    this.#table = table;
    this.#values = Array.from({ length: Number(table.length) }, (_, index) => get(table, index));
  }

  get exact(): boolean {
    return Number(this.#table.length) === this.#values.length;
  }

  restore(): void {
    for (const [index, value] of this.#values.entries()) {
      if (!Object.is(get(this.#table, index), value)) set(this.#table, index, value);
    }
  }
}

/** One mutable global. */
class GlobalCopy {
  readonly #global: WebAssembly.Global;
  readonly #value: unknown;

  constructor(global: WebAssembly.Global) {
    this.#global = global;
    this.#value = global.value;
  }

  /** JavaScript does not keep the bits of a NaN. */
  get exact(): boolean {
    return !Number.isNaN(this.#value);
  }

  restore(): void {
    this.#global.value = this.#value;
  }
}

/** A table of 64-bit addresses takes its indices as BigInts: WebAssembly JS API, "address type". */
type AnyTable = {
  length: number | bigint;
  get(index: unknown): unknown;
  set(index: unknown, value: unknown): void;
};

function get(table: WebAssembly.Table, index: number): unknown {
  const any: AnyTable = table;
  return any.get(typeof any.length === 'bigint' ? BigInt(index) : index);
}

function set(table: WebAssembly.Table, index: number, value: unknown): void {
  const any: AnyTable = table;
  any.set(typeof any.length === 'bigint' ? BigInt(index) : index, value);
}
