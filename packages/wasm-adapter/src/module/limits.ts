import { checkOptions, type OptionCheck, wholeNumber } from '@wasm-pool/core/internal';
import { WasmError } from '../errors.js';
import type { MemoryShape, ModuleShape, TableShape } from './module-shape.js';
import type { ModuleChanges } from './rewrite.js';

/**
 * What a module may ask for, checked when a pool is created, and while it runs. Each instance has all
 * of this for itself; of a component, each of its core modules. A module that asks for more rejects
 * with a `WasmError` `ERR_WASM_LIMIT`.
 *
 * The defaults are beyond what any published module was seen to ask for, and below what lets a single
 * instance end the process. For code of strangers, give what your guests need.
 */
export interface WasmLimits {
  /** The most memories, imported ones included. Each takes 8 GiB of address space. @default 32 */
  memories?: number | undefined;
  /**
   * The most bytes that all memories together can grow to: the maximum of each is lowered, and
   * `memory.grow` beyond it says -1, as it does of any maximum. Where there are several, each has its
   * initial size and an equal part of the rest. @default 4 GiB, as far as 32-bit addresses reach
   */
  memoryBytes?: number | undefined;
  /** The most tables, imported ones included. @default 100 */
  tables?: number | undefined;
  /**
   * The most elements that all tables together can grow to, in the same way; 8 bytes each, of V8's
   * heap. @default 10,000,000, which is what V8 lets one table have
   */
  tableElements?: number | undefined;
  /** The most globals, imported ones included. @default 200,000 */
  globals?: number | undefined;
  /** The most bytes that the module itself may have. @default 256 MiB */
  moduleBytes?: number | undefined;
}

const defaults: Readonly<Record<keyof WasmLimits, number>> = {
  memories: 32,
  memoryBytes: 4 * 2 ** 30,
  tables: 100,
  tableElements: 10_000_000,
  globals: 200_000,
  moduleBytes: 256 * 2 ** 20,
};

/** The options of a pool that decide how a module is compiled. */
export interface ModuleOptions {
  readonly limits?: WasmLimits | undefined;
  readonly maxMemoryBytes?: number | undefined;
  readonly reset?: 'reuse' | 'restore' | 'fresh' | undefined;
  /** Whether it runs on a thread that can be ended meanwhile. */
  readonly interruptible?: boolean | undefined;
}

const known = new Map<string, OptionCheck>(
  Object.keys(defaults).map((name) => [name, wholeNumber(0)]),
);

/** Throws core's `OptionError` where the `limits` option has what is unknown or not acceptable. */
export function checkLimits(where: string, limits: WasmLimits | undefined): void {
  checkOptions(`${where}: limits`, limits, Object.fromEntries(known));
}

/** The limits of a pool, with defaults for what was not given. */
export class ModuleLimits {
  readonly #values: Readonly<Record<keyof WasmLimits, number>>;
  readonly #given: ReadonlySet<string>;

  constructor(limits: WasmLimits = {}) {
    const given = Object.entries(limits).filter(([, value]) => value !== undefined);
    this.#values = { ...defaults, ...Object.fromEntries(given) };
    this.#given = new Set(given.map(([name]) => name));
  }

  /** Whether any limit was asked for. */
  get given(): boolean {
    return this.#given.size > 0;
  }

  /** Checks a module before it is compiled, whatever else is known of it. */
  checkSize(name: string, bytes: number): void {
    this.#check(name, 'moduleBytes', bytes, 'is a module of', 'bytes');
  }

  /** Checks what a module asks for. */
  checkShape(name: string, { memories, tables, globals }: ModuleShape): void {
    this.#check(name, 'memories', memories.length, 'has', 'memories');
    this.#check(name, 'tables', tables.length, 'has', 'tables');
    this.#check(name, 'globals', globals.length, 'has', 'globals');
    this.#check(name, 'memoryBytes', minBytesOf(memories), 'asks for', 'bytes of memory');
    const elements = minElementsOf(tables);
    this.#check(name, 'tableElements', elements, 'asks for', 'table elements');
  }

  #check(name: string, limit: keyof WasmLimits, asked: number, verb: string, unit: string): void {
    const allowed = this.#values[limit];
    if (asked <= allowed) return;
    throw limitError(`${name} ${verb} ${asked} ${unit}; accepted: limits.${limit} of ${allowed}`);
  }

  /** How far memories and tables that the module defines may grow: empty where it says so itself. */
  changes({ memories, tables }: ModuleShape): ModuleChanges {
    const bytes = maxima(memories, (it) => [it.minBytes, it.maxBytes], this.#values.memoryBytes);
    const elements = maxima(
      tables,
      (it) => [it.minElements, it.maxElements],
      this.#values.tableElements,
    );
    return {
      memoryLimits: bytes && ((index) => ({ max: bytes[index] })),
      // A single table has a maximum of V8's, which the default is not below.
      tableLimits:
        elements && (this.#given.has('tableElements') || tables.filter(canGrow).length > 1)
          ? (index) => ({ max: elements[index] })
          : undefined,
    };
  }

  /**
   * How far an imported memory may grow, in bytes, or table, in elements; undefined where nobody asked
   * for a limit: whoever made it knows what it may have.
   */
  importedMaximum(shape: ModuleShape, kind: 'memory' | 'table', index: number): number | undefined {
    if (kind === 'memory') {
      if (!this.#given.has('memoryBytes')) return undefined;
      const { memoryBytes } = this.#values;
      return maximaOf(shape.memories, (it) => [it.minBytes, it.maxBytes], memoryBytes)[index];
    }
    if (!this.#given.has('tableElements')) return undefined;
    const { tableElements } = this.#values;
    return maximaOf(shape.tables, (it) => [it.minElements, it.maxElements], tableElements)[index];
  }
}

/** `ERR_WASM_LIMIT`. */
export function limitError(message: string, cause?: unknown): WasmError {
  return new WasmError('ERR_WASM_LIMIT', message, { cause });
}

/** How large the memories are together when an instance is made. */
export function minBytesOf(memories: readonly MemoryShape[]): number {
  return memories.reduce((sum, it) => sum + it.minBytes, 0);
}

/** How many elements the tables have together when an instance is made. */
export function minElementsOf(tables: readonly TableShape[]): number {
  return tables.reduce((sum, it) => sum + it.minElements, 0);
}

function canGrow({ minElements, maxElements }: TableShape): boolean {
  return maxElements > minElements;
}

/** The maximum of each item, where not all can grow as far as they say; else undefined. */
function maxima<Item>(
  items: readonly Item[],
  rangeOf: (item: Item) => readonly [min: number, max: number],
  limit: number,
): readonly number[] | undefined {
  const total = items.reduce((sum, item) => sum + rangeOf(item)[1], 0);
  return total <= limit ? undefined : maximaOf(items, rangeOf, limit);
}

/** Gives each its minimum, and each that can grow an equal part of the rest. */
function maximaOf<Item>(
  items: readonly Item[],
  rangeOf: (item: Item) => readonly [min: number, max: number],
  limit: number,
): readonly number[] {
  const ranges = items.map(rangeOf);
  const used = ranges.reduce((sum, [min]) => sum + min, 0);
  const growing = ranges.filter(([min, max]) => max > min).length;
  const part = Math.max(limit - used, 0) / Math.max(growing, 1);
  return ranges.map(([min, max]) => Math.min(max, Math.floor(min + part)));
}
