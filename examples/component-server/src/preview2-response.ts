import { readConfig } from './config.js';
import type { Headers } from './headers.js';
import { type Fields, ready, resultError, shim } from './preview2-shim.js';

/** What an instance has answered, as it leaves its thread. */
export type Answer =
  | { readonly status: number; readonly headers: Headers; readonly body: Uint8Array<ArrayBuffer> }
  | { readonly error: string };

type Result =
  | { readonly tag: 'ok'; readonly val: OutgoingResponse }
  | { readonly tag: 'err'; readonly val: { readonly tag: string } };

const { bodyBytes: most } = readConfig([], process.env);

/** A `response-outparam` that keeps what it is set to. */
export class Outparam extends shim.ResponseOutparam {
  result: Result | undefined;

  static set(outparam: Outparam, result: Result): void {
    outparam.result = result;
  }

  /** Once the component has returned. */
  answer(): Answer {
    if (this.result === undefined) return { error: 'the component did not answer' };
    if (this.result.tag === 'err') {
      return { error: `the component answered with an error: ${this.result.val.tag}` };
    }
    const { val: response } = this.result;
    const body = response.whole();
    if (body === undefined) return { error: `the component's answer has no end` };
    return { status: response.statusCode(), headers: response.headers().entries(), body };
  }
}

/** An `outgoing-response` whose body is kept in memory. */
export class OutgoingResponse extends shim.OutgoingResponse {
  #body: Body | undefined;

  body(): Body {
    if (this.#body !== undefined) throw resultError(undefined);
    this.#body = new Body();
    return this.#body;
  }

  /** The body, if it was finished; one that was never asked for is empty. */
  whole(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#body === undefined) return new Uint8Array();
    return this.#body.isFinished ? this.#body.bytes() : undefined;
  }
}

/** For jco, any `outgoing-body`: the requests that a component sends have the shim's. */
export class OutgoingBody extends shim.OutgoingBody {
  static override [Symbol.hasInstance](it: unknown): boolean {
    return it instanceof shim.OutgoingBody;
  }

  static override finish(body: object, trailers: Fields | undefined): void {
    if (body instanceof Body) body.isFinished = true;
    else shim.OutgoingBody.finish(body, trailers);
  }
}

class Body extends shim.OutgoingBody {
  readonly #writer = new Writer();
  #isOpen = false;
  isFinished = false;

  write(): Writer {
    if (this.#isOpen) throw resultError(undefined);
    this.#isOpen = true;
    return this.#writer;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#writer.bytes();
  }
}

class Writer extends shim.OutputStream {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  checkWrite(): bigint {
    // 0 would be a promise that there will be room.
    if (this.#length === most) throw resultError({ tag: 'closed' });
    return BigInt(most - this.#length);
  }

  write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > most) throw resultError({ tag: 'closed' });
    this.#length += bytes.length;
    this.#chunks.push(bytes);
  }

  blockingWriteAndFlush(bytes: Uint8Array): void {
    this.write(bytes);
  }

  flush(): void {}

  blockingFlush(): void {}

  writeZeroes(length: bigint): void {
    this.write(new Uint8Array(Math.min(Number(length), most + 1)));
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length);
  }

  splice(source: { read(length: bigint): Uint8Array }, length: bigint): bigint {
    const bytes = source.read(length);
    this.write(bytes);
    return BigInt(bytes.length);
  }

  blockingSplice(source: { blockingRead(length: bigint): Uint8Array }, length: bigint): bigint {
    const bytes = source.blockingRead(length);
    this.write(bytes);
    return BigInt(bytes.length);
  }

  subscribe(): object {
    return ready();
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}
