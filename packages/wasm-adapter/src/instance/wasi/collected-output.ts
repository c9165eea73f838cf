import { WasmError } from '../../errors.js';

/** What a guest wrote, kept in order. */
export class CollectedOutput {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** @param maxBytes more than this ends the guest: its call throws `ERR_WASM_OUTPUT` */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many bytes are kept. */
  get byteLength(): number {
    return this.#length;
  }

  /** Called by the guest's writes. Throws a `WasmError` `ERR_WASM_OUTPUT` for too much. */
  write(bytes: Uint8Array): undefined {
    if (this.#length + bytes.length > this.#maxBytes) {
      const room = Math.max(0, this.#maxBytes - this.#length);
      this.#keep(bytes.subarray(0, room));
      throw outputError(this.#maxBytes);
    }
    this.#keep(bytes);
  }

  #keep(bytes: Uint8Array): void {
    this.#chunks.push(bytes.slice());
    this.#length += bytes.length;
  }

  /** All that was written, in one piece. */
  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = joined(this.#chunks, this.#length);
    this.#chunks = [bytes];
    return bytes;
  }

  /** The same as text, by UTF-8; what is none is shown as U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** Forgets what was written. */
  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}

/**
 * Keeps what guests write: `wasi: { stdout: output }`. More than `maxBytes` (default 16 MiB) ends the
 * guest's call with a `WasmError` `ERR_WASM_OUTPUT`.
 */
export function collectOutput({ maxBytes = 16 * 2 ** 20 } = {}): CollectedOutput {
  return new CollectedOutput(maxBytes);
}

/** For a guest that wrote more than an output keeps. */
export function outputError(maxBytes: number): WasmError {
  return new WasmError(
    'ERR_WASM_OUTPUT',
    `a guest wrote more than ${maxBytes} bytes to an output that keeps no more; raise its limit (maxOutputBytes, or maxBytes of collectOutput), or take the output by a function`,
  );
}

/** All of some bytes, in one piece. */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
