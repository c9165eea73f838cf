import type { Headers } from './headers.js';
import { type Fields, ready, resultError, shim } from './preview2-shim.js';

/** A request as it comes to an instance's thread. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authority: string | undefined;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

// The cases of wasi:http's variant `method`.
const METHODS = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'];

/** An `incoming-request` whose body is in memory. */
export class Request extends shim.IncomingRequest {
  readonly #asked: Asked;
  #isConsumed = false;

  constructor(asked: Asked) {
    super();
    this.#asked = asked;
  }

  method() {
    const tag = this.#asked.method.toLowerCase();
    return METHODS.includes(tag) ? { tag } : { tag: 'other', val: this.#asked.method };
  }

  pathWithQuery() {
    return this.#asked.path;
  }

  scheme() {
    return { tag: 'HTTP' };
  }

  authority() {
    return this.#asked.authority;
  }

  headers(): Fields {
    return shim.Fields.fromList(this.#asked.headers);
  }

  consume() {
    if (this.#isConsumed) throw resultError(undefined);
    this.#isConsumed = true;
    return new Body(this.#asked.body);
  }
}

class Body extends shim.IncomingBody {
  readonly #bytes: Uint8Array;
  #isOpen = false;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }

  stream() {
    if (this.#isOpen) throw resultError(undefined);
    this.#isOpen = true;
    return new Reader(this.#bytes);
  }
}

class Reader extends shim.InputStream {
  #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.#rest = bytes;
  }

  read(length: bigint): Uint8Array {
    if (this.#rest.length === 0) throw resultError({ tag: 'closed' });
    const bytes = this.#rest.subarray(0, Number(length));
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  blockingRead(length: bigint): Uint8Array {
    return this.read(length);
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).length);
  }

  blockingSkip(length: bigint): bigint {
    return this.skip(length);
  }

  subscribe(): object {
    return ready();
  }
}
