// What one instance's state was, to put the same instance back: see state/memory.ts, state/table.ts
// and state/global.ts for how each kind of state is kept.
import { type MemoryImage, memoryImage, writeOver } from './state/memory.js';
import { readTable, tableLength, writeTable } from './state/table.js';

/** How a snapshot is related to the images that an instance was copied from. */
export interface SnapshotBase {
  /** The image of each memory. */
  readonly memories: readonly MemoryImage[];
  /** Whether the memories are just that: then they need not be looked at. */
  readonly unchanged: boolean;
}

/** An instance's state at one time. */
export class Snapshot {
  readonly #memories: readonly { memory: WebAssembly.Memory; image: MemoryImage }[];
  readonly #tables: readonly { table: WebAssembly.Table; values: readonly unknown[] }[];
  readonly #globals: readonly { global: WebAssembly.Global; value: unknown }[];

  constructor(
    memories: readonly WebAssembly.Memory[],
    tables: readonly WebAssembly.Table[],
    globals: readonly WebAssembly.Global[],
    base?: SnapshotBase,
  ) {
    this.#memories = memories.map((memory, index) => {
      const before = base?.memories[index];
      const image =
        before !== undefined && base?.unchanged
          ? before
          : memoryImage(new Uint8Array(memory.buffer), before);
      return { memory, image };
    });
    this.#tables = tables.map((table) => ({ table, values: readTable(table) }));
    this.#globals = globals.map((global) => ({ global, value: global.value }));
  }

  /** Whether all can be put back exactly: no memory or table has grown, and no global held a NaN. */
  get exact(): boolean {
    return (
      this.#memories.every(({ memory, image }) => memory.buffer.byteLength === image.byteLength) &&
      this.#tables.every(({ table, values }) => tableLength(table) === values.length) &&
      this.#globals.every(({ value }) => !Number.isNaN(value)) // its bits are not kept
    );
  }

  /** Which memory or table has grown, in words; undefined: none. */
  get grown(): string | undefined {
    const memories = this.#memories.map(({ memory, image }, index) => {
      const now = memory.buffer.byteLength;
      if (now !== image.byteLength)
        return `memory ${index} grew from ${image.byteLength} to ${now} bytes`;
      return undefined;
    });
    const tables = this.#tables.map(({ table, values }, index) => {
      const now = tableLength(table);
      if (now !== values.length)
        return `table ${index} grew from ${values.length} to ${now} elements`;
      return undefined;
    });
    return [...memories, ...tables].filter((it) => it !== undefined).join(', ') || undefined;
  }

  /** Puts everything back; false, with nothing changed, where that cannot be done exactly. */
  restore(): boolean {
    if (!this.exact) return false;
    for (const { memory, image } of this.#memories) {
      writeOver(new Uint8Array(memory.buffer), image);
    }
    for (const { table, values } of this.#tables) writeTable(table, values);
    for (const { global, value } of this.#globals) global.value = value;
    return true;
  }
}
