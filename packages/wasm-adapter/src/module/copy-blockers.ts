import type { ModuleShape, ShapeItem } from './module-shape.js';
import type { StateKind } from './private-exports.js';
import { unreadable } from './restore-blockers.js';

/**
 * Why no instance of a module can be copied exactly, each with the name of what stands in the way;
 * empty where it can. What only shows in the instance (a NaN, say) is not among these.
 */
export function copyBlockersOf(
  shape: ModuleShape | undefined,
  nameOf: (kind: StateKind, index: number, item: ShapeItem) => string,
): readonly string[] {
  if (shape === undefined) {
    return [
      'its private state is out of reach, because the module was given compiled, or uses what is too new; accepted: its bytes',
    ];
  }
  const named = <Item extends ShapeItem>(
    kind: StateKind,
    items: readonly Item[],
    isBlocker: (item: Item) => boolean,
    why: string,
  ) =>
    items.flatMap((item, index) =>
      isBlocker(item) ? [`${nameOf(kind, index, item)} ${why}`] : [],
    );
  return [
    ...named('memory', shape.memories, (it) => it.shared, 'is shared with other threads'),
    ...named(
      'table',
      shape.tables,
      (it) => unreadable.includes(it.type),
      'is of a type that JavaScript cannot read',
    ),
    ...named(
      'global',
      shape.globals,
      (it) => it.mutable && unreadable.includes(it.type),
      'is of a type that JavaScript cannot read (v128, exnref)',
    ),
    ...(shape.mutableHeap ? ['it has structs or arrays with mutable fields'] : []),
    ...(shape.droppable ? ['it has code that may drop a passive segment'] : []),
  ];
}
