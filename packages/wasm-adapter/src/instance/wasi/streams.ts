import { isThenable } from '@wasm-pool/core/internal';
import { WasmError } from '../../errors.js';
import { isTerminal, readDescriptor, writeDescriptor } from '../../platform/host-streams.js';
import { CollectedOutput, joined, outputError } from './collected-output.js';
import { Errno, fail } from './errno.js';
import { utf8 } from './guest-memory.js';

/** What a standard input gives next; nothing, an empty text or no bytes: the end. */
export type InputChunk = string | Uint8Array | null | undefined;

/**
 * A standard input: a text, bytes, a function that is called for more, a stream, the process's own
 * (`'inherit'`), or a descriptor of the process.
 */
export type WasiInput =
  | string
  | Uint8Array
  | ((maxBytes: number) => InputChunk | PromiseLike<InputChunk>)
  | AsyncIterable<InputChunk>
  | ReadableStream<InputChunk>
  | 'inherit'
  | number;

/**
 * Where a standard output goes: nowhere (`'ignore'`), to a function, into a stream, to what
 * `collectOutput` made, to the process's own (`'inherit'`), or to a descriptor of the process.
 */
export type WasiOutput =
  | 'ignore'
  | ((bytes: Uint8Array<ArrayBuffer>) => unknown)
  | WritableStream<Uint8Array<ArrayBuffer>>
  | CollectedOutput
  | 'inherit'
  | number;

/** A standard input, as a descriptor reads it. */
export interface InputStream {
  /** Returns how many bytes were read; 0 at the end. */
  read(into: Uint8Array): number | Promise<number>;
  /** Where it is; undefined: it cannot go back to where it is. */
  position(): number | undefined;
  /** Goes back. Returns false where it cannot. */
  rewind(position: number | undefined): boolean;
}

/** A standard output, as a descriptor writes to it. */
export interface OutputStream {
  /** Takes all of it, as a copy of its own. */
  write(bytes: Uint8Array): undefined | Promise<undefined>;
}

class BytesInput implements InputStream {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(into: Uint8Array): number {
    const part = this.#bytes.subarray(this.#at, this.#at + into.length);
    into.set(part);
    this.#at += part.length;
    return part.length;
  }

  position(): number {
    return this.#at;
  }

  rewind(position: number): boolean {
    this.#at = position;
    return true;
  }
}

/** An input that comes bit by bit: what was taken from it is gone. */
class ChunkInput implements InputStream {
  readonly #next: (maxBytes: number) => InputChunk | PromiseLike<InputChunk>;
  readonly #suspends: boolean;
  #rest = new Uint8Array();
  #ended = false;
  #taken = 0;

  constructor(next: (maxBytes: number) => InputChunk | PromiseLike<InputChunk>, suspends: boolean) {
    this.#next = next;
    this.#suspends = suspends;
  }

  read(into: Uint8Array): number | Promise<number> {
    if (this.#rest.length > 0 || this.#ended || into.length === 0) return this.#give(into);
    this.#taken++;
    const chunk = this.#next(into.length);
    if (!isThenable(chunk)) return this.#take(chunk).#give(into);
    if (!this.#suspends) {
      throw new WasmError(
        'ERR_WASM_JSPI',
        'the standard input gave a promise, and the guest cannot be suspended to wait for it; accepted: a text or bytes, or the exports that read it among the promising ones',
      );
    }
    return Promise.resolve(chunk).then((given) => this.#take(given).#give(into));
  }

  #take(chunk: InputChunk): this {
    const bytes = typeof chunk === 'string' ? utf8(chunk) : (chunk ?? new Uint8Array());
    if (!(bytes instanceof Uint8Array)) {
      throw new WasmError(
        'ERR_WASM_STDIO',
        `the standard input gave ${Object.prototype.toString.call(bytes)}; accepted: a text, a Uint8Array, or null at the end`,
      );
    }
    this.#rest = bytes.slice();
    this.#ended = bytes.length === 0;
    return this;
  }

  #give(into: Uint8Array): number {
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  position(): number {
    return this.#taken;
  }

  rewind(position: number): boolean {
    return position === this.#taken && this.#rest.length === 0;
  }
}

/** A descriptor of the process. Its position is not ours to put back. */
class DescriptorInput implements InputStream {
  readonly #descriptor: number;
  #reads = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  read(into: Uint8Array): number {
    this.#reads++;
    return readDescriptor(this.#descriptor, into);
  }

  position(): number {
    return this.#reads;
  }

  rewind(position: number): boolean {
    return position === this.#reads;
  }
}

/** The stream for an input. `suspends`: a guest that reads may be suspended. */
export function inputStream(input: WasiInput | undefined, suspends: boolean): InputStream {
  if (input === 'inherit') return new DescriptorInput(0);
  if (typeof input === 'number') return new DescriptorInput(input);
  if (input === undefined) return new BytesInput(new Uint8Array());
  if (typeof input === 'string') return new BytesInput(utf8(input));
  if (input instanceof Uint8Array) return new BytesInput(input);
  if (typeof input === 'function') return new ChunkInput(input, suspends);
  const iterator = chunksOf(input);
  const next = async () => {
    try {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) return undefined;
        if (value !== null && value !== undefined && value.length > 0) return value;
      }
    } catch {
      return fail(Errno.io); // the stream broke
    }
  };
  return new ChunkInput(next, suspends);
}

/** Whether an input has to be waited for. */
export function isAsyncInput(
  input: WasiInput | undefined,
): input is AsyncIterable<InputChunk> | ReadableStream<InputChunk> {
  return typeof input === 'object' && input !== null && !(input instanceof Uint8Array);
}

/** All of a stream, for a guest that cannot wait for it. Rejects with a `WasmError` beyond the limit. */
export async function collectInput(
  input: AsyncIterable<InputChunk> | ReadableStream<InputChunk>,
  maxBytes: number,
  name: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const iterator = chunksOf(input);
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) break;
    if (value === null || value === undefined) continue;
    const bytes = typeof value === 'string' ? utf8(value) : value;
    length += bytes.length;
    if (length > maxBytes) {
      await iterator.return?.();
      throw new WasmError(
        'ERR_WASM_STDIO',
        `${name}: its standard input is more than ${maxBytes} bytes, and it cannot be suspended to read as it comes; accepted: less, a higher maxInputBytes, or promising exports`,
      );
    }
    chunks.push(bytes);
  }
  return joined(chunks, length);
}

function chunksOf(
  input: AsyncIterable<InputChunk> | ReadableStream<InputChunk>,
): AsyncIterator<InputChunk> {
  if (Symbol.asyncIterator in input) return input[Symbol.asyncIterator]();
  const reader = (input as ReadableStream<InputChunk>).getReader(); // not iterable in each browser
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done, value };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

class FunctionOutput implements OutputStream {
  readonly #take: (bytes: Uint8Array<ArrayBuffer>) => unknown;
  readonly #suspends: boolean;

  constructor(take: (bytes: Uint8Array<ArrayBuffer>) => unknown, suspends: boolean) {
    this.#take = take;
    this.#suspends = suspends;
  }

  write(bytes: Uint8Array): undefined | Promise<undefined> {
    const taken = this.#take(bytes.slice());
    if (!isThenable(taken)) return undefined;
    const done = Promise.resolve(taken).then(() => undefined);
    if (this.#suspends) return done;
    done.catch(() => {}); // nobody can wait for it
    return undefined;
  }
}

/** A stream of the platform. Where it broke, the guest is told so: EPIPE. */
class StreamOutput implements OutputStream {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #maxBytes: number;
  readonly #suspends: boolean;
  #waiting = 0;
  #broken = false;

  constructor(
    stream: WritableStream<Uint8Array<ArrayBuffer>>,
    maxBytes: number,
    suspends: boolean,
  ) {
    this.#writer = stream.getWriter();
    this.#maxBytes = maxBytes;
    this.#suspends = suspends;
    this.#writer.closed.catch(() => {
      this.#broken = true;
    });
    this.#writer.ready.catch(() => {});
  }

  write(bytes: Uint8Array): undefined | Promise<undefined> {
    if (this.#broken) fail(Errno.brokenPipe);
    if (this.#waiting + bytes.length > this.#maxBytes) throw outputError(this.#maxBytes);
    this.#waiting += bytes.length;
    const written = this.#writer.write(bytes.slice()).then(
      () => {
        this.#waiting -= bytes.length;
      },
      () => {
        this.#broken = true;
      },
    );
    if (!this.#suspends || (this.#writer.desiredSize ?? 0) > 0) return undefined;
    return Promise.race([written, this.#writer.ready]).then(
      () => (this.#broken ? fail(Errno.brokenPipe) : undefined),
      () => fail(Errno.brokenPipe),
    );
  }
}

/** A descriptor of the process; what controls a terminal is taken out of what a terminal is sent. */
class DescriptorOutput implements OutputStream {
  readonly #descriptor: number;
  readonly #filter: TerminalFilter | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#filter = isTerminal(descriptor) ? new TerminalFilter() : undefined;
  }

  write(bytes: Uint8Array): undefined {
    writeDescriptor(this.#descriptor, this.#filter?.filter(bytes) ?? bytes);
  }
}

/** Puts U+FFFD in the place of each control character but tab, line feed and carriage return. */
export class TerminalFilter {
  /** The last byte was 0xC2, which a second byte of 0x80 to 0x9F makes a control character. */
  #afterC2 = false;

  filter(bytes: Uint8Array): Uint8Array {
    const kept: number[] = [];
    for (const byte of bytes) {
      const afterC2 = this.#afterC2;
      this.#afterC2 = byte === 0xc2;
      if (this.#afterC2) {
        if (afterC2) kept.push(0xc2);
        continue;
      }
      const isC1 = afterC2 && byte >= 0x80 && byte < 0xa0;
      const isC0 = (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) || byte === 0x7f;
      if (afterC2 && !isC1) kept.push(0xc2);
      if (isC1 || isC0) kept.push(0xef, 0xbf, 0xbd);
      else kept.push(byte);
    }
    return Uint8Array.from(kept);
  }
}

/** Takes everything, and keeps nothing. */
const ignored: OutputStream = { write: () => undefined };

/** The stream for an output. `descriptor` is the one that `'inherit'` stands for. */
export function outputStream(
  output: WasiOutput | undefined,
  descriptor: number,
  maxBytes: number,
  suspends: boolean,
): OutputStream {
  if (output === undefined || output === 'ignore') return ignored;
  if (output === 'inherit') return new DescriptorOutput(descriptor);
  if (typeof output === 'number') return new DescriptorOutput(output);
  if (typeof output === 'function') return new FunctionOutput(output, suspends);
  if (output instanceof CollectedOutput) return output;
  return new StreamOutput(output, maxBytes, suspends);
}
