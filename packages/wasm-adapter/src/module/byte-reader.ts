/** Reads the primitives of the binary format: WebAssembly Core, 5.2 "Values". */
export class ByteReader {
  at: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new RangeError('the module ends too early');
    return byte;
  }

  /** An unsigned LEB128 number; precise up to 2^53. */
  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  /** Passes over any LEB128 number. */
  skipNumber(): void {
    while (this.byte() >= 0x80);
  }

  skip(count: number): void {
    this.at += count;
  }

  name(): string {
    const length = this.unsigned();
    this.at += length;
    // A byte order mark is part of the name.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return decoder.decode(this.bytes.subarray(this.at - length, this.at));
  }

  /** A vector: calls `read` for each element. */
  each(read: () => unknown): void {
    for (let left = this.unsigned(); left > 0; left--) read();
  }

  /** A vector, whose elements `read` gives. */
  vector<R>(read: () => R): R[] {
    return Array.from({ length: this.unsigned() }, read);
  }
}
