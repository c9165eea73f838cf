import type { ModuleShape, TableShape } from './module-shape.js';

/** Types whose values JavaScript cannot read: v128, exn and noexn. WebAssembly JS API, ToJSValue. */
export const unreadable: readonly number[] = [0x7b, 0x69, 0x74];

/**
 * With more entries, looking at each at every return would hold up the thread for longer than making
 * an instance does: 100,000 take some 10 ms.
 */
const MAX_TABLE_ELEMENTS = 100_000;

/**
 * Why no instance of a module can be put back exactly as it was; empty where that can be done.
 * What only shows at run time (a memory that grew, say) is not among these.
 */
export function restoreBlockersOf(shape: ModuleShape | undefined): readonly string[] {
  if (shape === undefined) {
    return ['private state out of reach: the module was given compiled, or uses what is too new'];
  }
  const restoreBlockers: string[] = [];
  const { globals, tables } = shape;
  if (globals.some((it) => it.mutable && unreadable.includes(it.type))) {
    restoreBlockers.push('a mutable global of a type that JavaScript cannot read');
  }
  if (tables.some((it) => unreadable.includes(it.type))) {
    restoreBlockers.push('a table of a type that JavaScript cannot read');
  }
  const elements = writtenTables(shape).reduce((sum, it) => sum + it.minElements, 0);
  if (elements > MAX_TABLE_ELEMENTS) {
    restoreBlockers.push(`tables of ${elements} elements, more than ${MAX_TABLE_ELEMENTS}`);
  }
  if (shape.memories.some((memory) => memory.shared)) restoreBlockers.push('a shared memory');
  if (shape.mutableHeap) restoreBlockers.push('structs or arrays with mutable fields');
  if (shape.droppable) restoreBlockers.push('code that may drop a passive segment');
  return restoreBlockers;
}

/** The tables whose elements may change: by code of the module, or because others have the table too. */
export function writtenTables({ tables, writesTables }: ModuleShape): readonly TableShape[] {
  return writesTables ? tables : tables.filter((it) => it.imported || it.exportedAs.length > 0);
}
