/** The memories of an instance, and how large they are. */
export class Memories {
  readonly #all: WebAssembly.Memory[] = [];
  /** What each `buffer` was last: asking for it anew, at each return, costs more than the return. */
  readonly #buffers: ArrayBufferLike[] = [];
  /** How large they were when they were made, and the engine counted them. */
  #countedBytes = 0;
  /** One grows without detaching its buffer, which keeps its length. */
  #anyShared = false;

  get first(): WebAssembly.Memory | undefined {
    return this.#all[0];
  }

  /**
   * Adds those of `values` that are memories, each once.
   *
   * @param areNew whether they have the size that they were made with
   */
  note(values: readonly unknown[], areNew: boolean): void {
    for (const value of values) {
      if (!(value instanceof WebAssembly.Memory) || this.#all.includes(value)) continue;
      this.#all.push(value);
      const { buffer } = value;
      this.#buffers.push(buffer);
      if (areNew) this.#countedBytes += buffer.byteLength;
      if (!(buffer instanceof ArrayBuffer)) this.#anyShared = true;
    }
  }

  get bytes(): number {
    let bytes = 0;
    for (let index = 0; index < this.#all.length; index++) bytes += this.#bytesOf(index);
    return bytes;
  }

  /** What they have grown by since they were made, as far as that is known, or else all. */
  get grownBytes(): number {
    return this.bytes - this.#countedBytes;
  }

  #bytesOf(index: number): number {
    const { byteLength } = this.#buffers[index] as ArrayBufferLike;
    // A buffer that was detached, because the memory has grown, has no length left.
    if (byteLength > 0 && !this.#anyShared) return byteLength;
    const { buffer } = this.#all[index] as WebAssembly.Memory;
    this.#buffers[index] = buffer;
    return buffer.byteLength;
  }

  clear(): void {
    this.#all.length = 0;
    this.#buffers.length = 0;
    this.#countedBytes = 0;
  }
}
