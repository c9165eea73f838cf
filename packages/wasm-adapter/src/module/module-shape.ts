import { ByteReader } from './byte-reader.js';

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
}

export interface TableShape extends ShapeItem {
  readonly type: number;
}

export interface GlobalShape extends ShapeItem {
  readonly mutable: boolean;
  /**
   * The first byte of its type, and of a reference the first byte of its heap type, which comes to
   * the same for the abstract ones: WebAssembly Core, 5.3 "Types".
   */
  readonly type: number;
}

/** What of a core module matters for counting and restoring the state of its instances. */
export interface ModuleShape {
  readonly memories: readonly MemoryShape[];
  readonly tables: readonly TableShape[];
  readonly globals: readonly GlobalShape[];
  /** Has structs or arrays with mutable fields. */
  readonly mutableHeap: boolean;
  /** Has passive segments, and code that may drop one. */
  readonly droppable: boolean;
  readonly functions: FunctionsShape;
  /** The function that the start section names. */
  readonly start: number | undefined;
}

/** Functions by their index: imported ones first. */
export interface FunctionsShape {
  /**
   * Those to which there can be references: in a segment, or in an initial value. Code may refer to
   * these and to exported ones only: WebAssembly Core, 3.5.16 "Modules", `refs`.
   */
  readonly referenced: readonly number[];
  /** A name of each that is exported. */
  readonly exportedAs: ReadonlyMap<number, string>;
}

const Section = {
  type: 1,
  import: 2,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
} as const;

/** Reads a valid core module. Throws a RangeError at what it does not know. */
export function moduleShape(bytes: Uint8Array): ModuleShape {
  const memories: MemoryShape[] = [];
  const tables: TableShape[] = [];
  const globals: GlobalShape[] = [];
  const byKind: Record<number, readonly ShapeItem[]> = { 1: tables, 2: memories, 3: globals };
  const functionNames = new Map<number, string>();
  let start: number | undefined;
  let mutableHeap = false;
  let passive = false;
  let drops = false;

  const reader = new TypeReader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.unsigned();
    const end = reader.at + size;
    switch (id) {
      case Section.type:
        mutableHeap = reader.vector(() => reader.recursiveType()).includes(true);
        break;
      case Section.import:
        reader.vector(() => {
          reader.name();
          reader.name();
          const kind = reader.byte();
          if (kind === 0) reader.skipNumber();
          else if (kind === 1) tables.push(reader.table(true));
          else if (kind === 2) memories.push(reader.memory(true));
          else if (kind === 3) globals.push(reader.globalType(true));
          else if (kind === 4) reader.tag();
          else throw new RangeError(`an import of kind ${kind}`);
        });
        break;
      case Section.table:
        tables.push(...reader.vector(() => reader.definedTable()));
        break;
      case Section.memory:
        memories.push(...reader.vector(() => reader.memory(false)));
        break;
      case Section.global:
        globals.push(...reader.vector(() => reader.definedGlobal()));
        break;
      case Section.export:
        reader.vector(() => {
          const name = reader.name();
          const kind = reader.byte();
          const index = reader.unsigned();
          byKind[kind]?.[index]?.exportedAs.push(name);
          if (kind === 0 && !functionNames.has(index)) functionNames.set(index, name);
        });
        break;
      case Section.start:
        start = reader.unsigned();
        break;
      case Section.element:
        passive = reader.vector(() => reader.elementIsPassive()).includes(true) || passive;
        break;
      case Section.data:
        passive = reader.vector(() => reader.dataIsPassive()).includes(true) || passive;
        break;
      case Section.code:
        drops = mayDrop(bytes.subarray(0, end), reader.at);
        reader.at = end;
        break;
      default:
        reader.at = end;
    }
    if (reader.at !== end) throw new RangeError(`a section ${id} with more than is known`);
  }
  const referenced = [...new Set(reader.referenced)];
  return {
    memories,
    tables,
    globals,
    mutableHeap,
    droppable: passive && drops,
    functions: { referenced, exportedAs: functionNames },
    start,
  };
}

/**
 * Whether `data.drop` (fc 9) or `elem.drop` (fc 13) may be in the code. Their bytes can stand for
 * something else too: this can be a false alarm, but misses nothing.
 */
function mayDrop(bytes: Uint8Array, start: number): boolean {
  for (let at = bytes.indexOf(0xfc, start); at !== -1; at = bytes.indexOf(0xfc, at + 1)) {
    // It may be padded. The section's last byte ends any number: it ends the last function.
    const opcode = new ByteReader(bytes, at + 1).unsigned();
    if (opcode === 9 || opcode === 13) return true;
  }
  return false;
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
export class TypeReader extends ByteReader {
  /** The functions that expressions and segments have referred to, by index. */
  readonly referenced: number[] = [];

  /** Whether a recursive, sub, struct or array type has a mutable field. */
  recursiveType(): boolean {
    const form = this.byte();
    if (form === 0x4e) return this.vector(() => this.recursiveType()).includes(true);
    if (form === 0x50 || form === 0x4f) {
      this.vector(() => this.skipNumber());
      return this.recursiveType();
    }
    if (form === 0x5f) return this.vector(() => this.#mutableField()).includes(true);
    if (form === 0x5e) return this.#mutableField();
    if (form !== 0x60) throw new RangeError(`a type of form ${form}`);
    this.vector(() => this.valueType());
    this.vector(() => this.valueType());
    return false;
  }

  #mutableField(): boolean {
    this.valueType();
    return this.byte() === 1;
  }

  valueType(): number {
    const type = this.byte();
    if (type !== 0x63 && type !== 0x64) return type;
    const heapType = this.byte(); // of (ref null? heaptype)
    if (heapType >= 0x80) this.skipNumber();
    return heapType;
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
    this.limits();
    return { imported, exportedAs: [], type };
  }

  definedTable(): TableShape {
    if (this.bytes[this.at] !== 0x40) return this.table(false);
    this.skip(2);
    const table = this.table(false);
    this.expression();
    return table;
  }

  memory(imported: boolean): MemoryShape {
    const { flags, min, pageBits } = this.limits();
    const [shared, is64Bit] = [(flags & 2) !== 0, (flags & 4) !== 0];
    return { imported, exportedAs: [], shared, is64Bit, minBytes: min * 2 ** pageBits };
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

  /** Passes over a constant expression: WebAssembly Core, 3.3.13 and the extensions of 3.0. */
  expression(): void {
    for (;;) {
      const opcode = this.byte();
      if (opcode === 0x0b) return;
      if (opcode === 0xd2) this.referenced.push(this.unsigned());
      else if ([0x41, 0x42, 0x23, 0xd0].includes(opcode)) this.skipNumber();
      else if (opcode === 0x43) this.skip(4);
      else if (opcode === 0x44) this.skip(8);
      else if (opcode === 0xfb) this.#gcInstruction();
      else if (opcode === 0xfd) {
        this.skipNumber(); // v128.const
        this.skip(16);
      } else if (![0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e].includes(opcode)) {
        throw new RangeError(`instruction ${opcode} in a constant expression`);
      }
    }
  }

  #gcInstruction(): void {
    const opcode = this.unsigned();
    if ([0x00, 0x01, 0x06, 0x07].includes(opcode)) this.skipNumber();
    else if (opcode === 0x08) {
      this.skipNumber();
      this.skipNumber();
    } else if (![0x1a, 0x1b, 0x1c].includes(opcode)) {
      throw new RangeError(`instruction 251 ${opcode} in a constant expression`);
    }
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
    this.vector(() => {
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
