import type { ModuleShape } from './module-shape.js';

/** Types whose values JavaScript cannot read: v128, exnref and (ref exn). WebAssembly JS API, ToJSValue. */
const unreadable: readonly number[] = [0x7b, 0x69, 0x74];

/**
 * Why no instance of a module can be put back exactly as it was; empty where that can be done.
 * What only shows at run time (a memory that grew, say) is not among these.
 */
export function obstaclesOf(shape: ModuleShape | undefined): readonly string[] {
  if (shape === undefined)
    return ['the module was given compiled, so its private state is out of reach'];
  const obstacles: string[] = [];
  const globals = shape.globals.filter((it) => it.mutable && unreadable.includes(it.type));
  if (globals.length > 0) {
    obstacles.push(`${globals.length} mutable global(s) of a type that JavaScript cannot read`);
  }
  if (shape.memories.some((memory) => memory.shared)) obstacles.push('a shared memory');
  if (shape.mutableHeap) obstacles.push('structs or arrays with mutable fields');
  if (shape.droppable) obstacles.push('code that may drop a passive segment');
  return obstacles;
}
