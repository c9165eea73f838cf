// Rewrites a module's bytes section by section. What a change concerns is written anew; each other
// section, custom ones too, stays byte for byte. Nothing moves in any index space: functions,
// memories, tables, globals and segments keep their numbers, so that no code has to be touched, but
// for that of a module whose thread is to be ended at any time.
import { concat, unsignedLeb, utf8WithLength } from './byte-writer.js';
import { withInterruptionPoints } from './interruption-points.js';
import { type Limits, type ModuleShape, type ShapeItem, TypeReader } from './module-shape.js';
import {
  exportName,
  functionExportName,
  PRIVATE_START,
  type StateKind,
} from './private-exports.js';

/** How a module that is rewritten differs from what its author wrote. */
export interface ModuleChanges {
  /**
   * Exports each memory, table and mutable global that has no export: see `exportName`. `'memories'`:
   * only the memories, which is what has to be counted.
   */
  readonly exportState?: boolean | 'memories' | undefined;
  /** Exports those of these functions, by index, that have no export: see `functionExportName`. */
  readonly exportFunctions?: Iterable<number> | undefined;
  /**
   * `'drop'`: the start function does not run. `'export'`: neither, but it is exported as
   * `PRIVATE_START`, for the host to call.
   */
  readonly start?: 'drop' | 'export' | undefined;
  /** New limits for the memories that the module defines. Imported ones stay as they are. */
  readonly memoryLimits?: ((index: number) => NewLimits) | undefined;
  /** New limits for the tables that the module defines, in elements. */
  readonly tableLimits?: ((index: number) => NewLimits) | undefined;
  /** Active data segments write nothing. They keep their numbers; passive ones stay as they are. */
  readonly emptyData?: boolean | undefined;
  /** Its thread can be ended while an instruction of its takes long: see `withInterruptionPoints`. */
  readonly interruptible?: boolean | undefined;
}

/** Limits, in bytes for a memory and in elements for a table. They only ever narrow what is there. */
export interface NewLimits {
  /** The size at the start is raised to this; of a memory, in whole pages. */
  readonly min?: number | undefined;
  /**
   * The maximum is lowered to this, and given where there was none; of a memory, to whole pages. It
   * is not lowered below the size at the start: a module has to stay valid.
   */
  readonly max?: number | undefined;
}

const Section = {
  table: 4,
  memory: 5,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;

/** The sections behind the export section: WebAssembly Core, 5.5.16 "Modules". */
const behindExports: readonly number[] = [
  Section.start,
  Section.element,
  Section.dataCount,
  Section.code,
  Section.data,
];

/** The kinds of an export: WebAssembly Core, 5.5.10 "Export Section". */
const kindBytes = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** The bit of limits that have a maximum. */
const HAS_MAX = 1;

/** The first byte of a table with an initial value, which a byte 0 follows. */
const TABLE_WITH_VALUE = 0x40;

/**
 * A valid module, changed; the very same bytes where there is nothing to change. `shape` is what
 * `moduleShape` read of them. Throws a RangeError where the bytes are not those.
 */
export function rewriteModule(
  bytes: Uint8Array<ArrayBuffer>,
  shape: ModuleShape,
  changes: ModuleChanges,
): Uint8Array<ArrayBuffer> {
  const added = addedExports(shape, changes);
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  let changed = false;
  let exported = added.length === 0;
  const write = (id: number, content: Uint8Array) => {
    parts.push(Uint8Array.of(id), unsignedLeb(content.length), content);
    changed = true;
  };

  const reader = new TypeReader(bytes, 8);
  while (reader.at < bytes.length) {
    const sectionStart = reader.at;
    const id = reader.byte();
    const size = reader.unsigned();
    const contentStart = reader.at;
    const end = contentStart + size;
    if (end > bytes.length) throw new RangeError('the module ends too early');
    if (!exported && behindExports.includes(id)) {
      write(Section.export, concat(unsignedLeb(added.length), added));
      exported = true;
    }
    const section = new TypeReader(bytes.subarray(0, end), contentStart);
    const content = rewriteSection(id, section, shape, changes, added);
    reader.at = end;
    if (content === 'drop') changed = true;
    else if (content === undefined) parts.push(bytes.subarray(sectionStart, end));
    else {
      write(id, content);
      exported ||= id === Section.export;
    }
  }
  if (!exported) write(Section.export, concat(unsignedLeb(added.length), added));
  const rewritten = changed ? concat(parts) : bytes;
  return changes.interruptible ? withInterruptionPoints(rewritten, shape) : rewritten;
}

/** The new content of a section; undefined: it stays as it is. */
function rewriteSection(
  id: number,
  section: TypeReader,
  shape: ModuleShape,
  { start, memoryLimits, tableLimits, emptyData }: ModuleChanges,
  added: readonly Uint8Array[],
): Uint8Array | 'drop' | undefined {
  switch (id) {
    case Section.table:
      return tableLimits && rewriteTables(section, shape, tableLimits);
    case Section.memory:
      return memoryLimits && rewriteMemories(section, shape, memoryLimits);
    case Section.export: {
      if (added.length === 0) return undefined;
      const count = section.unsigned();
      return concat(unsignedLeb(count + added.length), rest(section), added);
    }
    case Section.start:
      return start && 'drop';
    case Section.data:
      return emptyData ? rewriteData(section, shape) : undefined;
    default:
      return undefined;
  }
}

/** The entries that the export section gets, behind the author's own. */
function addedExports(shape: ModuleShape, changes: ModuleChanges): Uint8Array[] {
  const added: Uint8Array[] = [];
  const add = (name: string, kind: keyof typeof kindBytes, index: number) =>
    added.push(concat(utf8WithLength(name), Uint8Array.of(kindBytes[kind]), unsignedLeb(index)));
  const addState = (
    kind: StateKind,
    items: readonly (ShapeItem & { readonly mutable?: boolean })[],
  ) => {
    for (const [index, item] of items.entries()) {
      if (item.exportedAs.length > 0 || item.mutable === false) continue;
      add(exportName(kind, index, item), kind, index);
    }
  };
  if (changes.exportState) addState('memory', shape.memories);
  if (changes.exportState === true) {
    addState('table', shape.tables);
    addState('global', shape.globals);
  }
  for (const index of changes.exportFunctions ?? []) {
    if (shape.functions.exportedAs.has(index)) continue;
    add(functionExportName(index, shape), 'function', index);
  }
  if (changes.start === 'export' && shape.start !== undefined) {
    add(PRIVATE_START, 'function', shape.start);
  }
  return added;
}

function rewriteMemories(
  section: TypeReader,
  { memories }: ModuleShape,
  limitsOf: (index: number) => NewLimits,
): Uint8Array | undefined {
  const imported = memories.filter((it) => it.imported).length;
  let changed = false;
  let index = imported;
  const items = section.vector(() => {
    const from = section.at;
    const old = section.limits();
    const { min, max } = limitsOf(index++);
    const limits = narrowed(old, {
      min: min && Math.ceil(min / 2 ** old.pageBits),
      max: max === undefined ? undefined : Math.floor(max / 2 ** old.pageBits),
    });
    changed ||= limits !== undefined;
    return limits ?? section.bytes.subarray(from, section.at);
  });
  return changed ? concat(unsignedLeb(items.length), items) : undefined;
}

function rewriteTables(
  section: TypeReader,
  { tables }: ModuleShape,
  limitsOf: (index: number) => NewLimits,
): Uint8Array | undefined {
  const imported = tables.filter((it) => it.imported).length;
  let changed = false;
  let index = imported;
  const items = section.vector(() => {
    const from = section.at;
    const hasValue = section.bytes[from] === TABLE_WITH_VALUE;
    if (hasValue) section.skip(2);
    section.valueType();
    const limitsFrom = section.at;
    const limits = narrowed(section.limits(), limitsOf(index++));
    const limitsEnd = section.at;
    if (hasValue) section.expression();
    changed ||= limits !== undefined;
    if (limits === undefined) return section.bytes.subarray(from, section.at);
    return concat(
      section.bytes.subarray(from, limitsFrom),
      limits,
      section.bytes.subarray(limitsEnd, section.at),
    );
  });
  return changed ? concat(unsignedLeb(items.length), items) : undefined;
}

/** The limits as bytes, in pages or elements; undefined where they stay as they are. */
function narrowed(old: Limits, { min = 0, max }: NewLimits): Uint8Array | undefined {
  const oldMax = old.max ?? Number.POSITIVE_INFINITY;
  const newMin = Math.max(old.min, Math.min(min, oldMax));
  const newMax = max === undefined ? old.max : Math.min(oldMax, Math.max(max, newMin));
  if (newMin === old.min && newMax === old.max) return undefined;
  // The reader is precise up to 2^53, which is more than any engine has room for.
  const most = newMax && Math.min(newMax, Number.MAX_SAFE_INTEGER);
  return concat(
    unsignedLeb(newMax === undefined ? old.flags : old.flags | HAS_MAX),
    unsignedLeb(newMin),
    most === undefined ? new Uint8Array() : unsignedLeb(most),
    old.flags & 8 ? unsignedLeb(old.pageBits) : new Uint8Array(),
  );
}

/** Leaves of each active segment an empty one: at the address 0, which no memory is too small for. */
function rewriteData(section: TypeReader, shape: ModuleShape): Uint8Array | undefined {
  let changed = false;
  const items = section.vector(() => {
    const from = section.at;
    const flags = section.unsigned();
    const memory = flags === 2 ? section.unsigned() : 0;
    if (flags !== 1) section.expression();
    section.skip(section.unsigned());
    if (flags === 1) return section.bytes.subarray(from, section.at);
    changed = true;
    const is64Bit = shape.memories[memory]?.is64Bit === true;
    return concat(
      unsignedLeb(flags),
      flags === 2 ? unsignedLeb(memory) : new Uint8Array(),
      Uint8Array.of(is64Bit ? 0x42 : 0x41, 0, 0x0b, 0), // i32.const or i64.const 0, end; no bytes
    );
  });
  return changed ? concat(unsignedLeb(items.length), items) : undefined;
}

function rest(section: TypeReader): Uint8Array {
  return section.bytes.subarray(section.at);
}
