import { checkOptions, millis, type OptionCheck, wholeNumber } from '@wasm-pool/core/internal';

/** A header: its name, and the bytes of its value. */
export type Header = [name: string, value: Uint8Array];

/** What a component may ask of other servers by `wasi:http`, and how. */
export interface OutgoingOptions {
  /**
   * The hosts that may be asked: `'api.example.com'`, `'*.example.com'` for all below it, with a port
   * (`'localhost:8080'`) for that one only. Default: all.
   */
  hosts?: readonly string[] | undefined;
  /** How many requests may be under way at once; more wait. Default 64. */
  maxConnections?: number | undefined;
  /** How long the first byte of an answer may take, unless the component says otherwise. Default 600,000. */
  firstByteTimeoutMillis?: number | undefined;
  /** How long there may be nothing between two parts of a body. Default 600,000. */
  betweenBytesTimeoutMillis?: number | undefined;
  /** Sends the requests. Default: the platform's `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** wasmtime's default for both. */
const TIMEOUT_MILLIS = 600_000;
const MAX_CONNECTIONS = 64;

/** A body whose length is known and not larger than this is sent in one piece, with its length. */
const WHOLE_BYTES = 2 ** 20;

export const outgoingChecks: Readonly<Record<keyof OutgoingOptions, OptionCheck>> = {
  hosts: {
    accepts: "an array of hosts, as in 'api.example.com', '*.example.com', 'localhost:8080'",
    test: (value) =>
      Array.isArray(value) && value.every((it) => typeof it === 'string' && isPattern(it)),
  },
  maxConnections: wholeNumber(1),
  firstByteTimeoutMillis: millis,
  betweenBytesTimeoutMillis: millis,
  fetch: { accepts: 'a function', test: (value) => typeof value === 'function' },
};

function isPattern(pattern: string): boolean {
  return (
    /^(\*\.)?[^\s*/:@]+(:\d{1,5})?$/.test(pattern) || /^\[[0-9a-f:]+\](:\d{1,5})?$/i.test(pattern)
  );
}

/** A request of a component. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly Header[];
  readonly body: AsyncIterable<Uint8Array<ArrayBuffer>> | undefined;
  readonly firstByteTimeoutMillis?: number | undefined;
  readonly betweenBytesTimeoutMillis?: number | undefined;
  /** Aborts the request, for one. */
  readonly signal?: AbortSignal | undefined;
}

/** The answer to it. */
export interface IncomingResponse {
  readonly status: number;
  readonly headers: Header[];
  readonly body: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** A request that failed; `payload` is an `error-code` of `wasi:http/types`. */
export class OutgoingError extends Error {
  readonly payload: { readonly tag: string; readonly val?: unknown };

  constructor(payload: { readonly tag: string; readonly val?: unknown }, options?: ErrorOptions) {
    super(`the request failed: ${payload.tag}`, options);
    this.name = 'OutgoingError';
    this.payload = payload;
  }

  /** What went wrong, as an `error-code`. The codes are of Node.js's undici and of the system. */
  static from(error: unknown): OutgoingError {
    if (error instanceof OutgoingError) return error;
    let first = error;
    while (first instanceof Error && first.cause !== undefined) first = first.cause;
    if (first instanceof AggregateError) [first] = first.errors;
    if (first instanceof OutgoingError) return first;
    const code = first instanceof Error ? Reflect.get(first, 'code') : undefined;
    const message = first instanceof Error ? first.message : String(first);
    const payload = CODES.get(String(code)) ?? { tag: 'internal-error', val: message };
    return new OutgoingError(payload, { cause: error });
  }
}

const CODES = new Map<string, { readonly tag: string; readonly val?: unknown }>([
  ['ECONNREFUSED', { tag: 'connection-refused' }],
  ['ECONNRESET', { tag: 'connection-terminated' }],
  ['EPIPE', { tag: 'connection-terminated' }],
  ['UND_ERR_SOCKET', { tag: 'connection-terminated' }],
  ['UND_ERR_CONNECT_TIMEOUT', { tag: 'connection-timeout' }],
  ['ETIMEDOUT', { tag: 'connection-timeout' }],
  ['ENOTFOUND', { tag: 'DNS-error', val: { rcode: 'ENOTFOUND', infoCode: undefined } }],
  ['EAI_AGAIN', { tag: 'DNS-timeout' }],
]);

/** What fetch does by itself to what it receives, and what is of one connection only: RFC 9110, 7.6.1. */
const NOT_SENT = new Set([
  'content-length',
  'host',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'proxy-connection',
]);
const NOT_RECEIVED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
]);

const shared = new WeakMap<OutgoingOptions, OutgoingRequests>();
const defaults: OutgoingOptions = {};

/** What sends the requests of all instances with the same options: they share its connections. */
export function requestsFor(options: OutgoingOptions | undefined, where: string): OutgoingRequests {
  const key = options ?? defaults;
  const requests = shared.get(key) ?? new OutgoingRequests(key, where);
  shared.set(key, requests);
  return requests;
}

/** Sends what components ask of other servers, through the platform's `fetch`. */
export class OutgoingRequests {
  readonly #options: OutgoingOptions;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** Throws an `OptionError` for an option that is unknown or not acceptable. */
  constructor(options: OutgoingOptions, where: string) {
    checkOptions(where, options, outgoingChecks);
    this.#options = options;
    this.#free = options.maxConnections ?? MAX_CONNECTIONS;
  }

  /** Sends one. Rejects with an `OutgoingError`; so does reading the answer's body. */
  async send(request: OutgoingRequest): Promise<IncomingResponse> {
    const url = this.#check(request.url);
    const timeoutMillis = Math.min(
      request.firstByteTimeoutMillis ?? Number.POSITIVE_INFINITY,
      this.#options.firstByteTimeoutMillis ?? TIMEOUT_MILLIS,
    );
    await this.#enter();
    const abort = new AbortController();
    const stop = () => abort.abort(request.signal?.reason);
    request.signal?.addEventListener('abort', stop, { once: true });
    const leave = () => {
      request.signal?.removeEventListener('abort', stop);
      this.#leave();
    };
    try {
      request.signal?.throwIfAborted();
      const response = await within(timeoutMillis, 'HTTP-response-timeout', abort, async () => {
        const send = this.#options.fetch ?? fetch;
        return send(url, await init(request, abort.signal));
      });
      const body = this.#body(response, request, abort, leave);
      return { status: response.status, headers: receivedHeaders(response), body };
    } catch (error) {
      leave();
      throw OutgoingError.from(error);
    }
  }

  #check(address: string): URL {
    if (!URL.canParse(address)) throw new OutgoingError({ tag: 'HTTP-request-URI-invalid' });
    const url = new URL(address);
    const { hosts } = this.#options;
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    if (isWeb && (hosts === undefined || hosts.some((it) => matches(it, url)))) return url;
    throw new OutgoingError({ tag: 'HTTP-request-denied' });
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  /** The chunks of an answer. It has the connection until they are read, or nobody reads on. */
  #body(
    response: Response,
    request: OutgoingRequest,
    abort: AbortController,
    leave: () => void,
  ): AsyncIterable<Uint8Array<ArrayBuffer>> {
    const timeoutMillis = Math.min(
      request.betweenBytesTimeoutMillis ?? Number.POSITIVE_INFINITY,
      this.#options.betweenBytesTimeoutMillis ?? TIMEOUT_MILLIS,
    );
    const reader = response.body?.getReader();
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      leave();
    };
    if (reader === undefined) end();
    abort.signal.addEventListener('abort', end, { once: true });
    const next = async (): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> => {
      if (reader === undefined || isOver) return { done: true, value: undefined };
      try {
        const read = () => reader.read();
        const { done, value } = await within(timeoutMillis, 'connection-read-timeout', abort, read);
        if (!done) return { done: false, value };
        end();
        return { done: true, value: undefined };
      } catch (error) {
        end();
        throw OutgoingError.from(error);
      }
    };
    const stop = async (): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> => {
      end();
      await reader?.cancel().catch(() => {});
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: stop }) };
  }
}

/** TypeScript's DOM library lacks what Fetch asks for where a body is a stream. */
type Init = RequestInit & { readonly duplex?: 'half' };

async function init(request: OutgoingRequest, signal: AbortSignal): Promise<Init> {
  const headers = new Headers();
  let length: number | undefined;
  for (const [name, value] of request.headers) {
    if (/^content-length$/i.test(name)) length = Number(latin1(value));
    if (!NOT_SENT.has(name.toLowerCase())) headers.append(name, latin1(value));
  }
  // What fetch unpacks by itself the component could not unpack any more.
  if (!headers.has('accept-encoding')) headers.set('accept-encoding', 'identity');
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  const base = { method: request.method, headers, signal, redirect: 'manual' } as const;
  if (!hasBody || request.body === undefined) return base;
  if (length !== undefined && length <= WHOLE_BYTES) {
    return { ...base, body: await whole(request.body, length) };
  }
  const body = streamOf(request.body);
  return { ...base, body, duplex: 'half' };
}

/** Throws an `OutgoingError` where the body is not as long as was said. */
async function whole(
  body: AsyncIterable<Uint8Array<ArrayBuffer>>,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of body) {
    if (at + chunk.length > length) throw new OutgoingError({ tag: 'HTTP-request-body-size' });
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at === length) return bytes;
  throw new OutgoingError({ tag: 'HTTP-request-body-size', val: BigInt(at) });
}

/** A stream of an iterable, which is read when the stream is. */
export function streamOf(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function receivedHeaders(response: Response): Header[] {
  // fetch has unpacked the body, and leaves these as they were.
  const wasPacked = response.headers.has('content-encoding');
  const changed = wasPacked ? ['content-encoding', 'content-length'] : [];
  return Array.from(response.headers, ([name, value]): Header => [name, bytesOf(value)]).filter(
    ([name]) => !NOT_RECEIVED.has(name) && !changed.includes(name),
  );
}

/** Headers have a character for each byte: Fetch, "isomorphic decode". */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function matches(pattern: string, { hostname, port, protocol }: URL): boolean {
  const [, wildcard, host = '', wantedPort] =
    /^(\*\.)?(.*?)(?::(\d+))?$/.exec(pattern.toLowerCase()) ?? [];
  const isHost = wildcard === undefined ? hostname === host : hostname.endsWith(`.${host}`);
  const actualPort = port || (protocol === 'https:' ? '443' : '80');
  return isHost && (wantedPort === undefined || wantedPort === actualPort);
}

/** Rejects with an `OutgoingError` of that tag, and aborts, where the work takes too long. */
async function within<R>(
  timeoutMillis: number,
  tag: string,
  abort: AbortController,
  work: () => Promise<R>,
): Promise<R> {
  const timer = setTimeout(
    () => abort.abort(new OutgoingError({ tag })),
    Math.min(timeoutMillis, 2 ** 31 - 1),
  );
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
