import type { Chunks } from './component-exchange.js';

/** Bytes that somebody puts in, in chunks, and somebody else takes out. */
export class ByteQueue {
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  readonly #onTaken: (bytes: number) => void;
  readonly #onLeft: () => void;
  #end: { readonly error?: unknown } | undefined;
  #wake = () => {};

  /**
   * @param onTaken is called with the length of each chunk that was taken out
   * @param onLeft is called where nobody reads on before the end
   */
  constructor(onTaken: (bytes: number) => void = () => {}, onLeft: () => void = () => {}) {
    this.#onTaken = onTaken;
    this.#onLeft = onLeft;
  }

  push(...chunks: readonly Uint8Array<ArrayBuffer>[]): void {
    this.#chunks.push(...chunks);
    this.#wake();
  }

  end(): void {
    this.#end ??= {};
    this.#wake();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** How many bytes there are to take out, where no more will be put in; otherwise undefined. */
  knownLength(): number | undefined {
    if (this.#end === undefined || 'error' in this.#end) return undefined;
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** The bytes that were put in, and those to come; can be read once. */
  get chunks(): Chunks {
    const next = async (): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> => {
      while (this.#chunks.length === 0 && this.#end === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const value = this.#chunks.shift();
      if (value !== undefined) {
        this.#onTaken(value.length);
        return { done: false, value };
      }
      if (this.#end !== undefined && 'error' in this.#end) throw this.#end.error;
      return { done: true, value: undefined };
    };
    const leave = async (): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> => {
      if (this.#end === undefined) this.#onLeft();
      this.end();
      this.#chunks.length = 0;
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
  }
}
