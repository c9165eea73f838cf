import { Instruction, InstructionReader } from './instructions.js';

/** A memory, table or global, imported ones first: its place here is its index. */
export interface ShapeItem {
  readonly imported: boolean;
  /** The names under which it is exported. */
  readonly exportedAs: string[];
}

export interface MemoryShape extends ShapeItem {
  readonly shared: boolean;
  readonly is64Bit: boolean;
  /** How large it is at least. */
  readonly minBytes: number;
  /** How large it can grow at most: as it says, or as its addresses reach. */
  readonly maxBytes: number;
}

export interface TableShape extends ShapeItem {
  readonly type: number;
  /** How many elements it has at least. */
  readonly minElements: number;
  /** How many it can have at most: as it says, or without a limit. */
  readonly maxElements: number;
}

export interface GlobalShape extends ShapeItem {
  readonly mutable: boolean;
  /**
   * The first byte of its type, and of a reference the first byte of its heap type, which comes to
   * the same for the abstract ones: WebAssembly Core, 5.3 "Types".
   */
  readonly type: number;
}

/** What of a core module matters for limiting, guarding and restoring its instances. */
export interface ModuleShape {
  readonly memories: readonly MemoryShape[];
  readonly tables: readonly TableShape[];
  readonly globals: readonly GlobalShape[];
  /** Has structs or arrays with mutable fields. */
  readonly mutableHeap: boolean;
  /** Has passive segments, and code that drops one, or was not read or understood. */
  readonly droppable: boolean;
  /** Has code that writes into a table, or was not read or understood. */
  readonly writesTables: boolean;
  readonly functions: FunctionsShape;
  /** The function that the start section names. */
  readonly start: number | undefined;
}

/** Functions by their index: imported ones first. */
export interface FunctionsShape {
  /** How many there are. */
  readonly count: number;
  /** How many types there are, of functions and others. */
  readonly typeCount: number;
  /**
   * Those to which there can be references: in a segment, or in an initial value. Code may refer to
   * these and to exported ones only: WebAssembly Core, 3.5.16 "Modules", `refs`.
   */
  readonly referenced: readonly number[];
  /** A name of each that is exported. */
  readonly exportedAs: ReadonlyMap<number, string>;
  /** The index of the type of each that is exported, by name. */
  readonly exportedTypes: ReadonlyMap<string, number>;
  /** The imported functions that take functions, by their place among the imported functions. */
  readonly takingFunctions: readonly number[];
  /** The content of the type section: all types, as they are written. */
  readonly typeSection: Uint8Array;
}

const Section = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
} as const;

/**
 * Reads a valid core module, in a time that is linear in its size. Throws a RangeError at what it does
 * not know.
 *
 * @param readsCode whether to read the instructions, too: only `restore` asks about them
 */
export function moduleShape(bytes: Uint8Array, readsCode = true): ModuleShape {
  const memories: MemoryShape[] = [];
  const tables: TableShape[] = [];
  const globals: GlobalShape[] = [];
  const byKind: Record<number, readonly ShapeItem[]> = { 1: tables, 2: memories, 3: globals };
  const functionNames = new Map<number, string>();
  let start: number | undefined;
  let mutableHeap = false;
  let passive = false;
  let code: { readonly start: number; readonly end: number } | undefined;
  let typeSection: Uint8Array = Uint8Array.of(0);
  const importedTypes: number[] = [];
  const functionTypes: number[] = [];
  const exportedTypes = new Map<string, number>();

  const reader = new TypeReader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    if (end > bytes.length) throw new RangeError('the module ends too early');
    switch (id) {
      case Section.type:
        typeSection = bytes.slice(reader.at, end);
        mutableHeap = reader.vector(() => reader.recursiveType()).includes(true);
        break;
      case Section.import:
        reader.each(() => {
          reader.skip(reader.unsigned()); // the name of a module
          reader.skip(reader.unsigned());
          const kind = reader.byte();
          if (kind === 0) {
            const type = reader.unsigned();
            functionTypes.push(type);
            importedTypes.push(type);
          } else if (kind === 1) tables.push(reader.table(true));
          else if (kind === 2) memories.push(reader.memory(true));
          else if (kind === 3) globals.push(reader.globalType(true));
          else if (kind === 4) reader.tag();
          else throw new RangeError(`an import of kind ${kind}`);
        });
        break;
      case Section.function:
        reader.each(() => functionTypes.push(reader.unsigned()));
        break;
      case Section.table:
        reader.each(() => tables.push(reader.definedTable()));
        break;
      case Section.memory:
        reader.each(() => memories.push(reader.memory(false)));
        break;
      case Section.global:
        reader.each(() => globals.push(reader.definedGlobal()));
        break;
      case Section.export:
        reader.each(() => {
          const name = reader.name();
          const kind = reader.byte();
          const index = reader.unsigned();
          byKind[kind]?.[index]?.exportedAs.push(name);
          if (kind !== 0) return;
          if (!functionNames.has(index)) functionNames.set(index, name);
          exportedTypes.set(name, functionTypes[index] as number);
        });
        break;
      case Section.start:
        start = reader.unsigned();
        break;
      case Section.element:
        reader.each(() => {
          passive = reader.elementIsPassive() || passive;
        });
        break;
      case Section.data:
        reader.each(() => {
          passive = reader.dataIsPassive() || passive;
        });
        break;
      case Section.code:
        code = { start: reader.at, end };
        reader.at = end;
        break;
      default:
        reader.at = end;
    }
    if (reader.at !== end) throw new RangeError(`a section ${id} with more than is known`);
  }
  const asked = passive || tables.length > 0;
  const traits =
    code === undefined ? NO_CODE : readsCode && asked ? codeTraits(bytes, code) : UNREAD;
  return {
    memories,
    tables,
    globals,
    mutableHeap,
    droppable: passive && traits.drops,
    writesTables: traits.writesTables,
    functions: {
      count: functionTypes.length,
      typeCount: reader.takingFunctions.length,
      referenced: [...new Set(reader.referenced)],
      exportedAs: functionNames,
      exportedTypes,
      takingFunctions: importedTypes.flatMap((type, index) =>
        reader.takingFunctions[type] ? index : [],
      ),
      typeSection,
    },
    start,
  };
}

/** Whether a reference may be to a function: `func`, or a type of the module's own, by its index. */
function isFunctionReference(firstByte: number): boolean {
  return firstByte === 0x70 || firstByte < 0x40 || firstByte >= 0x80;
}

/** What the instructions of a module can do. */
interface CodeTraits {
  drops: boolean;
  writesTables: boolean;
}

const NO_CODE: CodeTraits = { drops: false, writesTables: false };
/** What has to be assumed of code that nobody has read. */
const UNREAD: CodeTraits = { drops: true, writesTables: true };

/** Reads all function bodies, instruction by instruction: WebAssembly Core, 5.5.13 "Code Section". */
function codeTraits(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): CodeTraits {
  const traits = { ...NO_CODE };
  const reader = new InstructionReader(bytes, start);
  try {
    reader.each(() => {
      const bodyEnd = reader.unsigned() + reader.at;
      reader.each(() => {
        reader.skipNumber(); // so many locals
        reader.valueType(); // of this type
      });
      while (reader.at < bodyEnd) noteTraits(reader.instruction(), traits);
      if (reader.at !== bodyEnd) throw new RangeError('a body that ends within an instruction');
    });
  } catch {
    return UNREAD; // V8 accepted the module: it has an instruction that is newer
  }
  return reader.at === end ? traits : UNREAD;
}

function noteTraits(instruction: number, traits: CodeTraits): void {
  switch (instruction) {
    case Instruction.dataDrop:
    case Instruction.elemDrop:
      traits.drops = true;
      break;
    case Instruction.tableSet:
    case Instruction.tableInit:
    case Instruction.tableCopy:
    case Instruction.tableGrow:
    case Instruction.tableFill:
      traits.writesTables = true;
  }
}

/** Limits as they are written: WebAssembly Core, 5.3.11 "Limits", and the extensions of its flags. */
export interface Limits {
  /** 1: has a maximum; 2: shared; 4: 64-bit addresses; 8: has a page size. */
  readonly flags: number;
  readonly min: number;
  readonly max: number | undefined;
  readonly pageBits: number;
}

/** Reads types, constant expressions and segments: WebAssembly Core, 5.3 to 5.5. */
export class TypeReader extends InstructionReader {
  /** Whether a function of a type has a parameter that may be a function, by the index of the type. */
  readonly takingFunctions: boolean[] = [];

  /** The functions that expressions and segments have referred to, by index. */
  readonly referenced: number[] = [];

  protected override onFunctionReference(index: number): void {
    this.referenced.push(index);
  }

  /** Whether a recursive, sub, struct or array type has a mutable field. */
  recursiveType(): boolean {
    const form = this.byte();
    if (form === 0x4e) return this.vector(() => this.recursiveType()).includes(true);
    if (form === 0x50 || form === 0x4f) {
      this.each(() => this.skipNumber());
      return this.recursiveType();
    }
    const index = this.takingFunctions.push(false) - 1;
    if (form === 0x5f) return this.vector(() => this.#mutableField()).includes(true);
    if (form === 0x5e) return this.#mutableField();
    if (form !== 0x60) throw new RangeError(`a type of form ${form}`);
    this.each(() => {
      if (isFunctionReference(this.valueType())) this.takingFunctions[index] = true;
    });
    this.each(() => this.valueType());
    return false;
  }

  #mutableField(): boolean {
    this.valueType();
    return this.byte() === 1;
  }

  /** The limits of a memory or a table, where they are. */
  limits(): Limits {
    const flags = this.byte();
    const min = this.unsigned();
    const max = flags & 1 ? this.unsigned() : undefined;
    const pageBits = flags & 8 ? this.unsigned() : 16; // a page size of its own
    return { flags, min, max, pageBits };
  }

  table(imported: boolean): TableShape {
    const type = this.valueType();
    const { min, max = Number.POSITIVE_INFINITY } = this.limits();
    return { imported, exportedAs: [], type, minElements: min, maxElements: max };
  }

  definedTable(): TableShape {
    if (this.bytes[this.at] !== 0x40) return this.table(false);
    this.skip(2);
    const table = this.table(false);
    this.expression();
    return table;
  }

  memory(imported: boolean): MemoryShape {
    const { flags, min, max = Number.POSITIVE_INFINITY, pageBits } = this.limits();
    const [shared, is64Bit] = [(flags & 2) !== 0, (flags & 4) !== 0];
    const minBytes = min * 2 ** pageBits;
    const maxBytes = Math.min(max * 2 ** pageBits, is64Bit ? 2 ** 64 : 2 ** 32);
    return { imported, exportedAs: [], shared, is64Bit, minBytes, maxBytes };
  }

  globalType(imported: boolean): GlobalShape {
    const type = this.valueType();
    return { imported, exportedAs: [], type, mutable: this.byte() === 1 };
  }

  definedGlobal(): GlobalShape {
    const global = this.globalType(false);
    this.expression();
    return global;
  }

  tag(): void {
    this.byte();
    this.skipNumber();
  }

  elementIsPassive(): boolean {
    const flags = this.unsigned();
    const active = (flags & 1) === 0;
    if (active) {
      if (flags & 2) this.skipNumber();
      this.expression();
    }
    if (flags & 3) {
      if (flags & 4) this.valueType();
      else this.byte();
    }
    this.each(() => {
      if (flags & 4) this.expression();
      else this.referenced.push(this.unsigned());
    });
    return (flags & 3) === 1;
  }

  dataIsPassive(): boolean {
    const flags = this.unsigned();
    if (flags === 2) this.skipNumber();
    if (flags !== 1) this.expression();
    this.skip(this.unsigned());
    return flags === 1;
  }
}
