import type { ModuleShape, ShapeItem } from './module-shape.js';

/** Begins the names under which private state is exported; no toolchain writes NUL into a name. */
const PREFIX = '\0wasm-pool.';

/** The kinds of export that hold state. */
export type StateKind = 'table' | 'memory' | 'global';

/** The name under which a rewritten module exports its start function, where it is not to run. */
export const PRIVATE_START = `${PREFIX}start`;

/** Whether an export is one of ours. */
export function isPrivateExport(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** The name under which an extended module exports an item: the author's first one, or ours. */
export function exportName(kind: StateKind, index: number, item: Pick<ShapeItem, 'exportedAs'>) {
  return item.exportedAs[0] ?? `${PREFIX}${kind}.${index}`;
}

/** The name under which a rewritten module exports a function: the author's first one, or ours. */
export function functionExportName(index: number, { functions }: ModuleShape): string {
  return functions.exportedAs.get(index) ?? `${PREFIX}function.${index}`;
}
