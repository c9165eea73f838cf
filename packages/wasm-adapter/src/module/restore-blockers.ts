import type { ModuleShape } from './module-shape.js';

/** Types whose values JavaScript cannot read: v128, exn and noexn. WebAssembly JS API, ToJSValue. */
const unreadable: readonly number[] = [0x7b, 0x69, 0x74];

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
  if (shape.memories.some((memory) => memory.shared)) restoreBlockers.push('a shared memory');
  if (shape.mutableHeap) restoreBlockers.push('structs or arrays with mutable fields');
  if (shape.droppable) restoreBlockers.push('code that may drop a passive segment');
  return restoreBlockers;
}
