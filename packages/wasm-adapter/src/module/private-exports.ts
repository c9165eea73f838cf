import { ByteReader } from './byte-reader.js';
import type { ModuleShape, ShapeItem } from './module-shape.js';

/** Begins the names under which private state is exported; no toolchain writes NUL into a name. */
const PREFIX = '\0wasm-pool.';

/** The kinds of export that hold state, and their bytes: WebAssembly Core, 5.5.10 "Export Section". */
const kindBytes = { table: 1, memory: 2, global: 3 } as const;
export type StateKind = keyof typeof kindBytes;

/** Whether an export is one of ours. */
export function isPrivateExport(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** The name under which an extended module exports an item: the author's first one, or ours. */
export function exportName(kind: StateKind, index: number, item: ShapeItem): string {
  return item.exportedAs[0] ?? `${PREFIX}${kind}.${index}`;
}

/** The module, extended by an export of each memory, table and mutable global that has none. */
export function exportPrivate(
  bytes: Uint8Array<ArrayBuffer>,
  shape: ModuleShape,
): Uint8Array<ArrayBuffer> {
  const entries = [
    ...entriesOf('memory', shape.memories),
    ...entriesOf('table', shape.tables),
    ...entriesOf('global', shape.globals),
  ];
  if (entries.length === 0) return bytes;

  const { start, end } = shape.exportSection;
  const old = new ByteReader(bytes.subarray(start, end), 1);
  let count = 0;
  if (start < end) {
    old.skipNumber(); // the section's size
    count = old.unsigned();
  }
  const content = concat(
    number(count + entries.length),
    bytes.subarray(start + (start < end ? old.at : 0), end),
    ...entries,
  );
  return concat(
    bytes.subarray(0, start),
    Uint8Array.of(7),
    number(content.length),
    content,
    bytes.subarray(end),
  );
}

function entriesOf(kind: StateKind, items: readonly (ShapeItem & { mutable?: boolean })[]) {
  return items.flatMap((item, index) => {
    if (item.exportedAs.length > 0 || item.mutable === false) return [];
    const name = new TextEncoder().encode(exportName(kind, index, item));
    return concat(number(name.length), name, Uint8Array.of(kindBytes[kind]), number(index));
  });
}

/** An unsigned LEB128 number. */
function number(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.of(...bytes, rest);
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
