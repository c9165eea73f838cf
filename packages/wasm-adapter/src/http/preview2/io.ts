import { isResultError, resultError } from '../../component/jco-code.js';

/** A piece of work that can be waited for: `wasi:io/poll`. */
export class Pollable {
  readonly #isReady: () => boolean;
  /** When it is ready for sure, in milliseconds of `performance.now()`. */
  readonly readyAt: number;
  readonly waits: 'body' | 'client' | 'other';

  constructor(
    isReady: () => boolean,
    waits: 'body' | 'client' | 'other' = 'other',
    readyAt = Number.POSITIVE_INFINITY,
  ) {
    this.#isReady = isReady;
    this.waits = waits;
    this.readyAt = readyAt;
  }

  ready(): boolean {
    loop.drain();
    return this.isReady();
  }

  isReady(): boolean {
    return performance.now() >= this.readyAt || this.#isReady();
  }

  block(): void {
    if (!this.ready()) loop.block([this]);
  }
}

/** What the thread does while its component waits. */
interface Loop {
  drain(): void;
  /** Blocks until one of them is ready. */
  block(pollables: readonly Pollable[]): void;
}

/** While no request is served there is nothing that could arrive. */
const idle: Loop = {
  drain() {},
  block(pollables) {
    const until = Math.min(...pollables.map((it) => it.readyAt));
    const cell = new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, Math.max(until - performance.now(), 0));
  },
};
let loop: Loop = idle;

/** Has the thread wait as the request needs that it serves; undefined: it serves none. */
export function setLoop(next: Loop | undefined): void {
  loop = next ?? idle;
}

/** `wasi:io/poll`'s function: the indices of the pollables that are ready, at least one of them. */
export function poll(list: readonly Pollable[]): Uint32Array {
  if (list.length === 0) throw new Error('poll: an empty list, which WASI has as a trap');
  for (;;) {
    loop.drain();
    const ready = list.flatMap((it, at) => (it.isReady() ? at : []));
    if (ready.length > 0) return Uint32Array.from(ready);
    loop.block(list);
  }
}

/** A pollable that is ready so many milliseconds from now. */
export function after(millis: number): Pollable {
  return new Pollable(() => false, 'other', performance.now() + millis);
}

/** `wasi:io/error`: what a stream failed with. */
export class IoError extends Error {
  toDebugString(): string {
    return this.message;
  }
}

/** What a function of a stream throws where its last operation failed. */
export function streamFailed(error: IoError): Error {
  return resultError({ tag: 'last-operation-failed', val: error });
}

const closed = () => resultError({ tag: 'closed' });

/** Where an input stream has its bytes from. */
export interface Source {
  /** Up to so many bytes; empty where there are none yet; undefined at the end. Throws an Error where it broke off. */
  take(length: number): Uint8Array | undefined;
  readonly waits: 'body' | 'other';
  /** Whether `take` has something to say. */
  isReady(): boolean;
}

const MAX_READ_BYTES = 2 ** 20;

/** `wasi:io/streams`' input stream. */
export class InputStream {
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  read(length: bigint): Uint8Array {
    loop.drain();
    return this.#take(length);
  }

  blockingRead(length: bigint): Uint8Array {
    if (length > 0n) this.subscribe().block();
    return this.#take(length);
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).length);
  }

  blockingSkip(length: bigint): bigint {
    return BigInt(this.blockingRead(length).length);
  }

  subscribe(): Pollable {
    return new Pollable(() => this.#source.isReady(), this.#source.waits);
  }

  #take(length: bigint): Uint8Array {
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.#source.take(Number(length < MAX_READ_BYTES ? length : MAX_READ_BYTES));
    } catch (error) {
      if (isResultError(error)) throw error; // the source has said how it failed
      throw streamFailed(new IoError(error instanceof Error ? error.message : String(error)));
    }
    if (bytes === undefined) throw closed();
    return bytes;
  }
}

/** Where the bytes of a body go; a sink that keeps what it is given. */
export interface OutgoingSink {
  room(): number | undefined;
  put(bytes: Uint8Array<ArrayBuffer>): void;
  flush(): void;
}

/** Where the bytes of an output stream go. */
export interface Sink {
  /** How many bytes there is room for; undefined where nothing can be written any more. */
  room(): number | undefined;
  put(bytes: Uint8Array): void;
  /** Has what was put sent on. */
  flush(): void;
}

const ZEROES_BYTES = 65_536;

/** `wasi:io/streams`' output stream. Writing more than was permitted is a trap, of the instance alone. */
export class OutputStream {
  readonly #sink: Sink;
  #permitted = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  checkWrite(): bigint {
    loop.drain();
    this.#permitted = this.#room();
    return BigInt(this.#permitted);
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > this.#permitted)
      throw new Error('more was written than check-write permits');
    this.#permitted -= bytes.length;
    this.#room(); // it may be closed meanwhile
    this.#sink.put(bytes);
  }

  blockingWriteAndFlush(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const room = this.#waitForRoom();
      this.#sink.put(bytes.subarray(at, at + room));
      at += room;
    }
    this.blockingFlush();
  }

  flush(): void {
    this.#room();
    this.#sink.flush();
  }

  blockingFlush(): void {
    this.flush();
  }

  writeZeroes(length: bigint): void {
    if (length > BigInt(this.#permitted)) {
      throw new Error('more zeroes were written than check-write permits');
    }
    this.write(new Uint8Array(Number(length)));
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    for (let rest = length; rest > 0n; rest -= BigInt(ZEROES_BYTES)) {
      this.blockingWriteAndFlush(
        new Uint8Array(Number(rest < BigInt(ZEROES_BYTES) ? rest : BigInt(ZEROES_BYTES))),
      );
    }
  }

  splice(source: { read(length: bigint): Uint8Array }, length: bigint): bigint {
    const room = this.checkWrite();
    const bytes = source.read(length < room ? length : room);
    this.write(bytes);
    return BigInt(bytes.length);
  }

  blockingSplice(source: { blockingRead(length: bigint): Uint8Array }, length: bigint): bigint {
    const room = BigInt(this.#waitForRoom());
    const bytes = source.blockingRead(length < room ? length : room);
    this.checkWrite();
    this.write(bytes);
    return BigInt(bytes.length);
  }

  subscribe(): Pollable {
    return new Pollable(() => this.#sink.room() !== 0, 'client');
  }

  #room(): number {
    const room = this.#sink.room();
    if (room === undefined) throw closed();
    return room;
  }

  #waitForRoom(): number {
    loop.drain();
    if (this.#room() === 0) this.subscribe().block();
    return this.#room();
  }
}
