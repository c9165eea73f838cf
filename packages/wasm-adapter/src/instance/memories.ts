/** The memories of an instance, and how large they are. */
export class Memories {
  readonly #all: WebAssembly.Memory[] = [];
  /** What each `buffer` was last: asking for it anew, at each return, costs more than the return. */
  readonly #buffers: ArrayBufferLike[] = [];
  /** One grows without detaching its buffer, which keeps its length. */
  #anyShared = false;

  get first(): WebAssembly.Memory | undefined {
    return this.#all[0];
  }

  /** Adds those of `values` that are memories, each once. */
  note(values: readonly unknown[]): void {
    for (const value of values) {
      if (!(value instanceof WebAssembly.Memory) || this.#all.includes(value)) continue;
      this.#all.push(value);
      const { buffer } = value;
      this.#buffers.push(buffer);
      if (!(buffer instanceof ArrayBuffer)) this.#anyShared = true;
    }
  }

  get bytes(): number {
    let bytes = 0;
    for (let index = 0; index < this.#all.length; index++) bytes += this.#bytesOf(index);
    return bytes;
  }

  #bytesOf(index: number): number {
    const { byteLength } = this.#buffers[index] as ArrayBufferLike;
    // One that was detached, because the memory has grown, has no length left.
    if (byteLength > 0 && !this.#anyShared) return byteLength;
    const { buffer } = this.#all[index] as WebAssembly.Memory;
    this.#buffers[index] = buffer;
    return buffer.byteLength;
  }

  clear(): void {
    this.#all.length = 0;
    this.#buffers.length = 0;
  }
}
