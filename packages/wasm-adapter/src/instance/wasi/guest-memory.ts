import { Errno, fail } from './errno.js';

/** The most that one call moves: buffers may overlap, and so add up to far more than there is memory. */
const MAX_TRANSFER_BYTES = 2 ** 24;

/** The most buffers of one call: IOV_MAX of Linux. */
const MAX_BUFFERS = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const NO_VIEW = new DataView(new ArrayBuffer(0));
const NO_BYTES = new Uint8Array();

/**
 * The memory of a guest, as WASI's functions read and write it. Pointers and lengths are unsigned: the
 * numbers that WebAssembly hands to JavaScript are not, and are taken modulo 2 ** 32. What is out of
 * range, and anything while there is no memory yet, is EFAULT.
 */
export class GuestMemory {
  readonly #memoryOf: () => WebAssembly.Memory | undefined;
  #view: DataView = NO_VIEW;
  #bytes: Uint8Array = NO_BYTES;

  constructor(memoryOf: () => WebAssembly.Memory | undefined) {
    this.#memoryOf = memoryOf;
  }

  /** Where a stretch begins, as an unsigned number. EFAULT where it is not all in the memory. */
  #check(pointer: number, length: number): number {
    const at = pointer >>> 0;
    // Of a memory that has grown, the old buffer is empty, or, where it is shared, shorter.
    if (at + length > this.#bytes.byteLength) this.#refresh(at + length);
    return at;
  }

  #refresh(end: number): void {
    const buffer = this.#memoryOf()?.buffer;
    if (buffer === undefined) fail(Errno.fault);
    if (buffer !== this.#view.buffer) {
      this.#view = new DataView(buffer);
      this.#bytes = new Uint8Array(buffer);
    }
    if (end > buffer.byteLength) fail(Errno.fault);
  }

  /** Throws EFAULT unless all of it is there: to be asked before anything is done. */
  require(pointer: number, length: number): void {
    this.#check(pointer, length);
  }

  /** The bytes themselves, not a copy. They are gone once the guest runs on. */
  bytes(pointer: number, length: number): Uint8Array {
    const size = length >>> 0;
    const at = this.#check(pointer, size);
    return this.#bytes.subarray(at, at + size);
  }

  u8(pointer: number): number {
    return this.#view.getUint8(this.#check(pointer, 1));
  }

  u16(pointer: number): number {
    const at = this.#check(pointer, 2);
    return this.#view.getUint16(at, true);
  }

  u32(pointer: number): number {
    const at = this.#check(pointer, 4);
    return this.#view.getUint32(at, true);
  }

  u64(pointer: number): bigint {
    const at = this.#check(pointer, 8);
    return this.#view.getBigUint64(at, true);
  }

  setU8(pointer: number, value: number): void {
    const at = this.#check(pointer, 1);
    this.#view.setUint8(at, value);
  }

  setU16(pointer: number, value: number): void {
    const at = this.#check(pointer, 2);
    this.#view.setUint16(at, value, true);
  }

  setU32(pointer: number, value: number): void {
    const at = this.#check(pointer, 4);
    this.#view.setUint32(at, value, true);
  }

  /** A whole number, or a bigint of which the lowest 64 bits are kept. */
  setU64(pointer: number, value: bigint | number): void {
    const at = this.#check(pointer, 8);
    if (typeof value === 'bigint') this.#view.setBigUint64(at, value, true);
    else {
      const high = Math.floor(value / 2 ** 32);
      this.#view.setUint32(at, value - high * 2 ** 32, true);
      this.#view.setUint32(at + 4, high, true);
    }
  }

  /** Well-formed UTF-8 (EILSEQ otherwise) without a NUL (EINVAL), as paths are. */
  path(pointer: number, length: number): string {
    const size = length >>> 0;
    this.#check(pointer, size);
    if (size > 4096) fail(Errno.nameTooLong); // PATH_MAX of Linux
    let text: string;
    try {
      text = decoder.decode(this.bytes(pointer, size).slice()); // of a shared memory, none but a copy
    } catch {
      return fail(Errno.illegalSequence);
    }
    return text.includes('\0') ? fail(Errno.invalid) : text;
  }

  /** Writes as many of the bytes as there is room for. Returns how many. */
  write(pointer: number, room: number, bytes: Uint8Array): number {
    const target = this.bytes(pointer, Math.min(bytes.length, room >>> 0));
    target.set(bytes.subarray(0, target.length));
    return target.length;
  }

  /**
   * The buffers of an `iovec_array`, without the empty ones. All of them are checked, and no more of
   * them are given than one call moves. EINVAL for more than `MAX_BUFFERS`.
   */
  buffers(pointer: number, count: number): Uint8Array[] {
    const given = count >>> 0;
    if (given > MAX_BUFFERS) fail(Errno.invalid);
    this.#check(pointer, given * 8);
    const start = pointer >>> 0;
    const buffers: Uint8Array[] = [];
    let left = MAX_TRANSFER_BYTES;
    for (let index = 0; index < given; index++) {
      const at = this.u32(start + index * 8);
      const length = this.u32(start + index * 8 + 4);
      const buffer = this.bytes(at, length);
      if (length === 0 || left === 0) continue;
      buffers.push(length > left ? buffer.subarray(0, left) : buffer);
      left -= Math.min(length, left);
    }
    return buffers;
  }
}

/** The UTF-8 of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
