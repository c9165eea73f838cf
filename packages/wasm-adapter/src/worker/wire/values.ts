import { MAX_VALUES } from './ring.js';

/** The views of a ring that values are written to and read from. */
export interface SlotViews {
  readonly doubles: Float64Array;
  readonly longs: BigInt64Array;
  readonly words: Int32Array;
  readonly chars: Uint16Array;
  readonly bytes: Uint8Array;
  kindsOf(slot: number): number;
  payloadOf(slot: number): number;
  endOf(slot: number): number;
}

const kind = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  number: 4,
  signed: 5,
  unsigned: 6,
  string: 7,
  bytes: 8,
} as const;

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** Writes the values of one request or reply to its slot, and reads them. */
export class SlotWriter {
  readonly #views: SlotViews;
  #kinds = 0;
  #at = 0;
  #end = 0;
  #count = 0;

  constructor(views: SlotViews) {
    this.#views = views;
  }

  begin(slot: number): void {
    this.#kinds = this.#views.kindsOf(slot);
    this.#at = this.#views.payloadOf(slot);
    this.#end = this.#views.endOf(slot);
    this.#count = 0;
  }

  /** Writes a further value. Returns false for one that has to go by message, or for which there is no room. */
  write(value: unknown): boolean {
    if (this.#count === MAX_VALUES) return false;
    const what = this.#writeValue(value);
    if (what === -1) return false;
    this.#views.bytes[this.#kinds + this.#count++] = what;
    return true;
  }

  #writeValue(value: unknown): number {
    switch (typeof value) {
      case 'number':
        if (this.#at + 8 > this.#end) return -1;
        this.#views.doubles[this.#at >> 3] = value;
        this.#at += 8;
        return kind.number;
      case 'undefined':
        return kind.undefined;
      case 'boolean':
        return value ? kind.true : kind.false;
      case 'bigint':
        return this.#writeBigInt(value);
      case 'string':
        return this.#writeString(value);
      default:
        if (value === null) return kind.null;
        return value instanceof Uint8Array ? this.#writeBytes(value) : -1;
    }
  }

  #writeBigInt(value: bigint): number {
    if (value < -MAX_INT64 - 1n || value > MAX_UINT64 || this.#at + 8 > this.#end) return -1;
    this.#views.longs[this.#at >> 3] = value; // modulo 2^64
    this.#at += 8;
    return value > MAX_INT64 ? kind.unsigned : kind.signed;
  }

  #writeString(value: string): number {
    const { length } = value;
    if (this.#at + 4 + 2 * length > this.#end) return -1;
    const { words, chars } = this.#views;
    words[this.#at >> 2] = length;
    const first = (this.#at + 4) >> 1;
    for (let index = 0; index < length; index++) chars[first + index] = value.charCodeAt(index);
    this.#skip(4 + 2 * length);
    return kind.string;
  }

  #writeBytes(value: Uint8Array): number {
    const { byteLength, buffer } = value;
    // Shared memory stays shared, and a detached buffer is an error: both are for a message.
    if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return -1;
    if (this.#at + 4 + byteLength > this.#end) return -1;
    const { words, bytes } = this.#views;
    words[this.#at >> 2] = byteLength;
    bytes.set(value, this.#at + 4);
    this.#skip(4 + byteLength);
    return kind.bytes;
  }

  #skip(bytes: number): void {
    this.#at = (this.#at + bytes + 7) & ~7;
  }
}

/** Reads the values of a slot. Throws a RangeError where it does not hold as many. */
export class SlotReader {
  readonly #views: SlotViews;
  #at = 0;
  #end = 0;

  constructor(views: SlotViews) {
    this.#views = views;
  }

  /** Gives the first `count` values of a slot. */
  readAll(slot: number, count: number): unknown[] {
    if (count < 0 || count > MAX_VALUES) throw new RangeError(`a slot with ${count} values`);
    const kinds = this.#begin(slot);
    const values: unknown[] = [];
    for (let index = 0; index < count; index++) {
      values.push(this.#read(this.#views.bytes[kinds + index] as number));
    }
    return values;
  }

  /** Gives the only value of a slot. */
  readOne(slot: number): unknown {
    const kinds = this.#begin(slot);
    return this.#read(this.#views.bytes[kinds] as number);
  }

  #begin(slot: number): number {
    this.#at = this.#views.payloadOf(slot);
    this.#end = this.#views.endOf(slot);
    return this.#views.kindsOf(slot);
  }

  #read(what: number): unknown {
    switch (what) {
      case kind.number:
        return this.#views.doubles[this.#take(8) >> 3];
      case kind.undefined:
        return undefined;
      case kind.null:
        return null;
      case kind.false:
        return false;
      case kind.true:
        return true;
      case kind.signed:
        return this.#views.longs[this.#take(8) >> 3];
      case kind.unsigned:
        return BigInt.asUintN(64, this.#views.longs[this.#take(8) >> 3] as bigint);
      case kind.string:
        return this.#readString();
      case kind.bytes:
        return this.#readBytes();
      default:
        throw new RangeError(`a slot with a value of kind ${what}`);
    }
  }

  /** Moves on by so many bytes, to the next multiple of 8. Returns where they begin. */
  #take(bytes: number): number {
    const at = this.#at;
    this.#at = (at + bytes + 7) & ~7;
    if (bytes < 0 || this.#at > this.#end)
      throw new RangeError('a value that ends behind its slot');
    return at;
  }

  #length(): number {
    const length = this.#views.words[this.#at >> 2] as number;
    if (length < 0) throw new RangeError('a value of negative length');
    return length;
  }

  #readString(): string {
    const length = this.#length();
    const first = (this.#take(4 + 2 * length) + 4) >> 1;
    return String.fromCharCode(...this.#views.chars.subarray(first, first + length));
  }

  #readBytes(): Uint8Array {
    const length = this.#length();
    const first = this.#take(4 + length) + 4;
    return this.#views.bytes.slice(first, first + length);
  }
}
