import { ByteReader } from './byte-reader.js';

/**
 * The instructions that this package asks about, as `InstructionReader.instruction` returns them: the
 * opcode, or for one with a prefix, the prefix and then its number in four digits.
 */
export const Instruction = {
  end: 0x0b,
  tableSet: 0x26,
  dataDrop: 0xfc_0009,
  tableInit: 0xfc_000c,
  elemDrop: 0xfc_000d,
  tableCopy: 0xfc_000e,
  tableGrow: 0xfc_000f,
  tableFill: 0xfc_0011,
} as const;

/**
 * Reads types and instructions: WebAssembly Core 3.0, 5.3 "Types" and 5.4 "Instructions". Throws a
 * RangeError at an instruction that it does not know, so that what follows is never misread.
 */
export class InstructionReader extends ByteReader {
  /** Passes over one instruction with its immediates. Returns which it was: see `Instruction`. */
  instruction(): number {
    const opcode = this.byte();
    if (opcode < 0xfb) {
      if (!this.#plain(opcode)) throw new RangeError(`an unknown instruction ${opcode}`);
      return opcode;
    }
    const number = this.unsigned();
    if (!this.#prefixed(opcode, number)) {
      throw new RangeError(`an unknown instruction ${opcode} ${number}`);
    }
    return opcode * 0x1_0000 + number;
  }

  /** Passes over a constant expression, which has no blocks: up to its `end`. */
  expression(): void {
    while (this.instruction() !== Instruction.end);
  }

  /** A value type. Returns its first byte, and of a reference the first byte of its heap type. */
  valueType(): number {
    const type = this.byte();
    return type === 0x63 || type === 0x64 ? this.#heapType() : type;
  }

  /** Called for each `ref.func`, with the index of the function. */
  protected onFunctionReference(_: number): void {}

  #heapType(): number {
    const heapType = this.byte();
    if (heapType >= 0x80) this.skipNumber();
    return heapType;
  }

  /** 5.4.1 to 5.4.8. Returns false for an opcode that is none. */
  #plain(opcode: number): boolean {
    if (opcode >= 0x45 && opcode <= 0xc4) return true; // numeric
    if (opcode >= 0x28 && opcode <= 0x3e) return this.#memoryArgument(); // loads and stores
    switch (opcode) {
      case 0x00: // unreachable
      case 0x01: // nop
      case 0x05: // else
      case 0x0a: // throw_ref
      case 0x0b: // end
      case 0x0f: // return
      case 0x19: // catch_all, of the older exceptions, which V8 has on
      case 0x1a: // drop
      case 0x1b: // select
      case 0xd1: // ref.is_null
      case 0xd3: // ref.eq
      case 0xd4: // ref.as_non_null
        return true;
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x06: // try, of the older exceptions
        return this.#blockType();
      case 0x07: // catch
      case 0x08: // throw
      case 0x09: // rethrow
      case 0x0c: // br
      case 0x0d: // br_if
      case 0x10: // call
      case 0x12: // return_call
      case 0x14: // call_ref
      case 0x15: // return_call_ref
      case 0x18: // delegate
      case 0x20: // local.get
      case 0x21: // local.set
      case 0x22: // local.tee
      case 0x23: // global.get
      case 0x24: // global.set
      case 0x25: // table.get
      case 0x26: // table.set
      case 0x3f: // memory.size
      case 0x40: // memory.grow
      case 0x41: // i32.const
      case 0x42: // i64.const
      case 0xd5: // br_on_null
      case 0xd6: // br_on_non_null
        return this.#numbers(1);
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        return this.#numbers(2);
      case 0x0e: // br_table
        return this.#numbers(this.unsigned() + 1);
      case 0x1c: // select, with types
        for (let count = this.unsigned(); count > 0; count--) this.valueType();
        return true;
      case 0x1f: // try_table
        this.#blockType();
        for (let count = this.unsigned(); count > 0; count--) {
          this.#numbers(this.byte() < 2 ? 2 : 1); // catch and catch_ref name a tag
        }
        return true;
      case 0x43: // f32.const
        return this.#bytes(4);
      case 0x44: // f64.const
        return this.#bytes(8);
      case 0xd2: // ref.func
        this.onFunctionReference(this.unsigned());
        return true;
      case 0xd0: // ref.null
        this.#heapType();
        return true;
      default:
        return false;
    }
  }

  #prefixed(prefix: number, number: number): boolean {
    if (prefix === 0xfb) return this.#heap(number);
    if (prefix === 0xfc) return this.#bulk(number);
    return prefix === 0xfd ? this.#vector(number) : prefix === 0xfe && this.#atomic(number);
  }

  /** 5.4.5 "Aggregate Instructions" and casts. */
  #heap(number: number): boolean {
    if (number === 15 || (number >= 26 && number <= 30)) return true;
    if (number <= 1 || number === 6 || number === 7) return this.#numbers(1);
    if (number >= 11 && number <= 14) return this.#numbers(1);
    if (number === 16) return this.#numbers(1); // array.fill
    if (number <= 5 || (number >= 8 && number <= 10)) return this.#numbers(2);
    if (number >= 17 && number <= 19) return this.#numbers(2);
    if (number >= 20 && number <= 23) this.#heapType();
    else if (number === 24 || number === 25) {
      this.byte(); // which of the two types are nullable
      this.skipNumber();
      this.#heapType();
      this.#heapType();
    } else return false;
    return true;
  }

  /** Saturating conversions, memories and tables as a whole, and wide arithmetic. */
  #bulk(number: number): boolean {
    if (number <= 7 || (number >= 19 && number <= 22)) return true;
    if (number === 8 || number === 10 || number === 12 || number === 14) return this.#numbers(2);
    return number <= 17 && this.#numbers(1);
  }

  /** 5.4.9 "Vector Instructions", relaxed ones included. */
  #vector(number: number): boolean {
    if (number <= 11 || number === 92 || number === 93) return this.#memoryArgument();
    if (number === 12 || number === 13) return this.#bytes(16);
    if (number >= 21 && number <= 34) return this.#bytes(1);
    if (number >= 84 && number <= 91) return this.#memoryArgument() && this.#bytes(1);
    return number <= 0x113;
  }

  /** The threads proposal, "Atomic Memory Instructions". */
  #atomic(number: number): boolean {
    if (number === 3) return this.#bytes(1);
    return (number <= 2 || (number >= 0x10 && number <= 0x4e)) && this.#memoryArgument();
  }

  #memoryArgument(): boolean {
    const flags = this.unsigned();
    if (flags > 0x5f || (flags & 0x20) !== 0) return false;
    return this.#numbers(flags & 0x40 ? 2 : 1); // with the index of its memory
  }

  /** Nothing, a value type, or the index of a type. */
  #blockType(): boolean {
    const first = this.bytes[this.at];
    if (first === 0x63 || first === 0x64) this.valueType();
    else this.skipNumber();
    return true;
  }

  #numbers(count: number): boolean {
    for (let left = count; left > 0; left--) this.skipNumber();
    return true;
  }

  #bytes(count: number): boolean {
    this.skip(count);
    return true;
  }
}
