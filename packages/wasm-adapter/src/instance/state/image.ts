// All state of one instance, in terms of any instance of its module: what copies are made from.
//
// An image is taken of one instance, whose module exports all state, and all functions to which
// there can be references. Of its tables it has what was changed since the instance was made: a
// further instance begins with the rest.
//
//     prepared instance --stateImage()--> StateImage --copyState()--> new instance
//
// It holds nothing of the instance itself, so it can be posted to a thread, or written to a file.
import { messageOf, WasmError } from '../../errors.js';
import type { ShapeItem, TableShape } from '../../module/module-shape.js';
import { exportName, type StateKind } from '../../module/private-exports.js';
import { writtenTables } from '../../module/restore-blockers.js';
import { isExact } from './global.js';
import {
  type MemoryImage,
  memoryImage,
  writeAfterLoader,
  writeOver,
  writeToNew,
} from './memory.js';
import { growTable, readTable, setElement, tableLength, writeTable } from './table.js';
import { type PortableValue, type Referable, References, valueIn } from './value.js';

/** A table: how many elements it has, and the elements that differ from a new instance's. */
export interface TableImage {
  readonly length: number;
  readonly changed: readonly (readonly [index: number, value: PortableValue])[];
}

/** The state of an instance. Each item stands at its index in the module. */
export interface StateImage {
  readonly memories: readonly MemoryImage[];
  /** By how many bytes each memory has grown since its loader was through, where it has one. */
  readonly grownBytes: readonly number[];
  readonly tables: readonly TableImage[];
  /** Undefined for a global that is not mutable. */
  readonly globals: readonly (PortableValue | undefined)[];
}

/** What a loader leaves in the memories of an instance: taken of the first copy, for the others. */
export interface LoaderTraces {
  memories: readonly MemoryImage[] | undefined;
}

/** An instance, and what its tables held before any of its code ran. */
export interface CopiedInstance extends Referable {
  readonly newTables: readonly (readonly unknown[])[];
}

/** How large each memory of an instance is, in bytes. */
export function memorySizes({ shape, exports }: Pick<Referable, 'shape' | 'exports'>): number[] {
  return shape.memories.map((item, index) => bytesOf(exports, index, item).length);
}

/** The elements of all tables of an instance; none of a table that nothing writes into. */
export function readTables({ shape, exports }: Pick<Referable, 'shape' | 'exports'>): unknown[][] {
  const written = writtenTables(shape);
  return shape.tables.map((item, index) =>
    written.includes(item)
      ? readTable(exports[exportName('table', index, item)] as WebAssembly.Table)
      : [],
  );
}

/**
 * Takes the image. Throws a `WasmError` `ERR_WASM_SNAPSHOT` that names what cannot be copied.
 *
 * @param sizesBefore what `memorySizes` said when the loader was through
 */
export function stateImage(
  instance: CopiedInstance,
  poolName: string,
  sizesBefore: readonly number[],
): StateImage {
  const { shape, exports, newTables } = instance;
  const references = new References(instance);
  const written = writtenTables(shape);
  const portable = (value: unknown, where: () => string): PortableValue => {
    const found = references.describe(value);
    if (found !== undefined) return found;
    const what =
      typeof value === 'function' ? 'a function of another instance' : 'an object of the host';
    throw cannotCopy(poolName, `${where()} holds ${what}`);
  };
  return {
    memories: shape.memories.map((item, index) => memoryImage(bytesOf(exports, index, item))),
    grownBytes: memorySizes(instance).map((size, index) => size - (sizesBefore[index] ?? size)),
    tables: shape.tables.map((item, index) => {
      const table = exports[exportName('table', index, item)] as WebAssembly.Table;
      if (!written.includes(item)) return { length: tableLength(table), changed: [] };
      const values = readTable(table);
      const before = item.imported ? [] : (newTables[index] ?? []);
      const changed: [number, PortableValue][] = [];
      for (const [at, value] of values.entries()) {
        if (at < before.length && Object.is(before[at], value)) continue;
        const where = () => `element ${at} of ${nameOf('table', index, item)}`;
        changed.push([at, portable(value, where)]);
      }
      return { length: values.length, changed };
    }),
    globals: shape.globals.map((item, index) => {
      if (!item.mutable) return undefined;
      const { value } = exports[exportName('global', index, item)] as WebAssembly.Global;
      const where = () => nameOf('global', index, item);
      if (!isExact(value, item.type)) {
        throw cannotCopy(poolName, `${where()} holds a NaN, whose bits JavaScript cannot read`);
      }
      return portable(value, where);
    }),
  };
}

/** The indices of the functions that an image refers to. */
export function referredFunctions({ tables, globals }: StateImage): Set<number> {
  const values = [
    ...globals,
    ...tables.flatMap(({ changed }) => changed.map(([, value]) => value)),
  ];
  return new Set(values.flatMap((value) => (value && 'function' in value ? [value.function] : [])));
}

/**
 * Gives an instance the state of an image.
 *
 * Throws a `WasmError`: `ERR_WASM_SNAPSHOT` where a memory or a table is larger than the image's, or
 * `ERR_WASM_MEMORY` where one cannot grow to that.
 *
 * @param traces what a loader leaves; undefined: no code has run on the instance's memories and tables
 */
export function copyState(
  image: StateImage,
  instance: CopiedInstance,
  instanceName: string,
  traces: LoaderTraces | undefined,
): void {
  const isNew = traces === undefined;
  const { shape, exports, newTables } = instance;
  const resize = (kind: StateKind, index: number, item: ShapeItem, has: number, wants: number) => {
    const what = `${instanceName}: ${nameOf(kind, index, item)}`;
    if (has > wants) {
      const message = `${what} has a size of ${has}, and that of the prepared instance ${wants}: it cannot become smaller`;
      throw new WasmError('ERR_WASM_SNAPSHOT', message);
    }
    try {
      const state = exports[exportName(kind, index, item)];
      if (kind === 'table') growTable(state as WebAssembly.Table, wants - has);
      else growMemory(state as WebAssembly.Memory, wants - has, shape.memories[index]?.is64Bit);
    } catch (cause) {
      const message = `${what} could not grow from ${has} to the ${wants} of the prepared instance: ${messageOf(cause)}`;
      throw new WasmError('ERR_WASM_MEMORY', message, { cause });
    }
  };

  const left = traces?.memories;
  if (traces !== undefined && left === undefined) {
    traces.memories = shape.memories.map((item, index) =>
      memoryImage(bytesOf(exports, index, item), image.memories[index]),
    );
  }
  for (const [index, memory] of image.memories.entries()) {
    const item = shape.memories[index] as ShapeItem;
    const { length } = bytesOf(exports, index, item);
    if (length !== memory.byteLength) resize('memory', index, item, length, memory.byteLength);
    const bytes = bytesOf(exports, index, item);
    const leftHere = left?.[index];
    if (leftHere?.byteLength === length) writeAfterLoader(bytes, leftHere, memory);
    else if (isNew && !item.imported) writeToNew(bytes, memory);
    else writeOver(bytes, memory);
  }
  const written = writtenTables(shape);
  for (const [index, { length, changed }] of image.tables.entries()) {
    const item = shape.tables[index] as TableShape;
    if (!written.includes(item)) continue;
    const table = exports[exportName('table', index, item)] as WebAssembly.Table;
    const has = tableLength(table);
    if (has !== length) resize('table', index, item, has, length);
    if (isNew && !item.imported) {
      for (const [at, value] of changed) setElement(table, at, valueIn(instance, value));
    } else {
      const values = [...(newTables[index] ?? [])];
      for (const [at, value] of changed) values[at] = valueIn(instance, value);
      writeTable(table, values);
    }
  }
  for (const [index, value] of image.globals.entries()) {
    if (value === undefined) continue;
    const item = shape.globals[index] as ShapeItem;
    const global = exports[exportName('global', index, item)] as WebAssembly.Global;
    global.value = valueIn(instance, value);
  }
}

function bytesOf(exports: WebAssembly.Exports, index: number, item: ShapeItem): Uint8Array {
  return new Uint8Array((exports[exportName('memory', index, item)] as WebAssembly.Memory).buffer);
}

const PAGE_BYTES = 65_536;

function growMemory(memory: WebAssembly.Memory, bytes: number, is64Bit = false): void {
  const any: { grow(delta: unknown): unknown } = memory;
  const pages = bytes / PAGE_BYTES;
  any.grow(is64Bit ? BigInt(pages) : pages);
}

/** `table 1 ("functions")`: the kind, the index in the module, and the first name that it has. */
export function nameOf(kind: StateKind, index: number, item: ShapeItem): string {
  const [name] = item.exportedAs;
  return `${kind} ${index}${name === undefined ? '' : ` (${JSON.stringify(name)})`}`;
}

/** What to do instead stands in each error that says what cannot be copied. */
export function cannotCopy(poolName: string, what: string, options?: ErrorOptions): WasmError {
  const message = `${poolName}: the prepared instance cannot be copied exactly: ${what}. Do in onCreate, which runs on each instance, what preinitialize did`;
  return new WasmError('ERR_WASM_SNAPSHOT', message, options);
}
