import { resultError } from '../../component/jco-code.js';
import { type Exchange, type Sent, sentRequests } from './exchange.js';
import { Fields } from './fields.js';
import { after, InputStream, type OutgoingSink, OutputStream, Pollable } from './io.js';
import type { RequestHead } from './wire.js';

interface Tagged {
  readonly tag: string;
  readonly val?: unknown;
}

/** The cases of wasi:http's variant `method`. */
const METHODS = ['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const failure = (payload?: unknown) => resultError(payload);

/** A `wasi:http/types` incoming request. */
export class IncomingRequest {
  readonly #head: RequestHead;
  readonly #exchange: Exchange;
  readonly #headers: Fields;
  #isConsumed = false;

  constructor(head: RequestHead, exchange: Exchange) {
    this.#head = head;
    this.#exchange = exchange;
    this.#headers = Fields.received(head.headers);
  }

  method(): Tagged {
    const tag = this.#head.method.toLowerCase();
    return METHODS.includes(tag) ? { tag } : { tag: 'other', val: this.#head.method };
  }

  pathWithQuery(): string {
    return this.#head.path;
  }

  scheme(): Tagged {
    const { scheme } = this.#head;
    const tag = scheme.toUpperCase();
    return tag === 'HTTP' || tag === 'HTTPS' ? { tag } : { tag: 'other', val: scheme };
  }

  authority(): string | undefined {
    return this.#head.authority;
  }

  headers(): Fields {
    return this.#headers;
  }

  consume(): IncomingBody {
    if (this.#isConsumed) throw failure();
    this.#isConsumed = true;
    const { source } = this.#exchange;
    return new IncomingBody(new InputStream(source), () => {
      const { trailers } = source;
      if (trailers === undefined) return undefined;
      if (trailers instanceof Error) {
        return { tag: 'err', val: { tag: 'HTTP-protocol-error' } };
      }
      const fields = trailers.length > 0 ? Fields.received(trailers) : undefined;
      return { tag: 'ok', val: fields };
    });
  }
}

type TrailersResult = { readonly tag: 'ok' | 'err'; readonly val: unknown } | undefined;

/** A `wasi:http/types` incoming body. */
export class IncomingBody {
  readonly #stream: InputStream;
  readonly #trailers: () => TrailersResult;
  #isOpen = false;

  constructor(stream: InputStream, trailers: () => TrailersResult) {
    this.#stream = stream;
    this.#trailers = trailers;
  }

  stream(): InputStream {
    if (this.#isOpen) throw failure();
    this.#isOpen = true;
    return this.#stream;
  }

  static finish(body: IncomingBody): FutureTrailers {
    return new FutureTrailers(body.#trailers);
  }
}

/** A `wasi:http/types` future of trailers. */
export class FutureTrailers {
  readonly #trailers: () => TrailersResult;
  #isTaken = false;

  constructor(trailers: () => TrailersResult) {
    this.#trailers = trailers;
  }

  subscribe(): Pollable {
    return new Pollable(() => this.#trailers() !== undefined, 'body');
  }

  get(): Tagged | undefined {
    if (this.#isTaken) return { tag: 'err', val: undefined };
    const trailers = this.#trailers();
    if (trailers === undefined) return undefined;
    this.#isTaken = true;
    return { tag: 'ok', val: trailers };
  }
}

/** A `wasi:http/types` outgoing response. */
export class OutgoingResponse {
  readonly #headers: Fields;
  #status = 200;
  #body: OutgoingBody | undefined;

  constructor(headers: Fields) {
    this.#headers = headers.lock();
  }

  statusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 999) throw failure();
    this.#status = status;
  }

  headers(): Fields {
    return this.#headers;
  }

  body(): OutgoingBody {
    if (this.#body !== undefined) throw failure();
    this.#body = new OutgoingBody();
    return this.#body;
  }

  static bodyOf(response: OutgoingResponse): OutgoingBody | undefined {
    return response.#body;
  }
}

/** A `wasi:http/types` outgoing body: of an answer, or of a request to another server. */
export class OutgoingBody {
  #sink: OutgoingSink | undefined;
  #isOpen = false;
  readonly #early: Uint8Array<ArrayBuffer>[] = [];
  #earlyBytes = 0;
  isFinished = false;
  trailers: Fields | undefined;
  onFinish: (() => void) | undefined;

  write(): OutputStream {
    if (this.#isOpen) throw failure();
    this.#isOpen = true;
    return new OutputStream({
      room: () => {
        if (this.#sink !== undefined) return this.#sink.room();
        return Math.max(EARLY_BYTES - this.#earlyBytes, 0);
      },
      put: (bytes) => {
        // The component's memory is about to change under it.
        const copy = new Uint8Array(bytes);
        if (this.#sink !== undefined) this.#sink.put(copy);
        else {
          this.#early.push(copy);
          this.#earlyBytes += copy.length;
        }
      },
      flush: () => this.#sink?.flush(),
    });
  }

  /** Says where the bytes go. Bytes that were written before go there now. */
  connect(sink: OutgoingSink): void {
    this.#sink = sink;
    for (const bytes of this.#early.splice(0)) sink.put(bytes);
  }

  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    body.isFinished = true;
    body.trailers = trailers;
    body.onFinish?.();
  }
}

/** How much may be written to a body before it is said whose it is. */
const EARLY_BYTES = 65_536;

/** What a component answers with: a response, or an `error-code`. */
export type Answered =
  | { readonly tag: 'ok'; readonly val: OutgoingResponse }
  | { readonly tag: 'err'; readonly val: Tagged };

/** A `wasi:http/types` response outparam. */
export class ResponseOutparam {
  readonly #set: (answered: Answered) => void;

  constructor(set: (answered: Answered) => void) {
    this.#set = set;
  }

  static set(outparam: ResponseOutparam, answered: Answered): void {
    outparam.#set(answered);
  }
}

/** `wasi:http/types` request options. Durations are in nanoseconds. */
export class RequestOptions {
  #connect: bigint | undefined;
  #firstByte: bigint | undefined;
  #betweenBytes: bigint | undefined;

  connectTimeout(): bigint | undefined {
    return this.#connect;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#connect = duration;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByte;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#firstByte = duration;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytes;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#betweenBytes = duration;
  }
}

/** A `wasi:http/types` outgoing request. */
export class OutgoingRequest {
  readonly #headers: Fields;
  #method: Tagged = { tag: 'get' };
  #scheme: Tagged | undefined;
  #authority: string | undefined;
  #path: string | undefined;
  #body: OutgoingBody | undefined;

  constructor(headers: Fields) {
    this.#headers = headers.lock();
  }

  body(): OutgoingBody {
    if (this.#body !== undefined) throw failure();
    this.#body = new OutgoingBody();
    return this.#body;
  }

  method(): Tagged {
    return this.#method;
  }

  setMethod(method: Tagged): void {
    if (method.tag === 'other' && !TOKEN.test(String(method.val))) throw failure();
    this.#method = method;
  }

  pathWithQuery(): string | undefined {
    return this.#path;
  }

  setPathWithQuery(path: string | undefined): void {
    if (
      path !== undefined &&
      !URL.canParse(`http://host${path.startsWith('/') ? path : `/${path}`}`)
    ) {
      throw failure();
    }
    this.#path = path;
  }

  scheme(): Tagged | undefined {
    return this.#scheme;
  }

  setScheme(scheme: Tagged | undefined): void {
    if (scheme?.tag === 'other' && !/^[a-z][a-z0-9+.-]*$/i.test(String(scheme.val)))
      throw failure();
    this.#scheme = scheme;
  }

  authority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !/^[^\s/?#@]+$/.test(authority)) throw failure();
    this.#authority = authority;
  }

  headers(): Fields {
    return this.#headers;
  }

  /** The URL that is asked for; undefined where there is no server to ask. */
  static urlOf(request: OutgoingRequest): string | undefined {
    const scheme = request.#scheme;
    const authority = request.#authority;
    const path = request.#path;
    if (authority === undefined) return undefined;
    const protocol = scheme?.tag === 'other' ? String(scheme.val) : (scheme?.tag ?? 'HTTP');
    return `${protocol.toLowerCase()}://${authority}${path ?? '/'}`;
  }

  static bodyOf(request: OutgoingRequest): OutgoingBody | undefined {
    return request.#body;
  }
}

/** A `wasi:http/types` incoming response: another server's. */
export class IncomingResponse {
  readonly #sent: Sent;
  readonly #status: number;
  readonly #headers: Fields;
  #isConsumed = false;

  constructor(sent: Sent, status: number, headers: Fields) {
    this.#sent = sent;
    this.#status = status;
    this.#headers = headers;
  }

  status(): number {
    return this.#status;
  }

  headers(): Fields {
    return this.#headers;
  }

  consume(): IncomingBody {
    if (this.#isConsumed) throw failure();
    this.#isConsumed = true;
    const { source } = this.#sent;
    return new IncomingBody(new InputStream(source), () => {
      if (source.trailers === undefined) return undefined;
      if (source.trailers instanceof Error)
        return { tag: 'err', val: { tag: 'connection-terminated' } };
      return { tag: 'ok', val: undefined };
    });
  }
}

/** A `wasi:http/types` future of another server's answer. */
export class FutureIncomingResponse {
  readonly #sent: Sent;
  #isTaken = false;

  constructor(sent: Sent) {
    this.#sent = sent;
  }

  subscribe(): Pollable {
    return new Pollable(() => this.#sent.outcome !== undefined);
  }

  get(): Tagged | undefined {
    if (this.#isTaken) return { tag: 'err', val: undefined };
    after(0).ready(); // takes what has arrived
    const { outcome } = this.#sent;
    if (outcome === undefined) return undefined;
    this.#isTaken = true;
    if ('error' in outcome) return { tag: 'ok', val: { tag: 'err', val: outcome.error } };
    const headers = Fields.received(outcome.head.headers);
    const response = new IncomingResponse(this.#sent, outcome.head.status, headers);
    return { tag: 'ok', val: { tag: 'ok', val: response } };
  }
}

const NANOS_PER_MILLI = 1_000_000n;
const millis = (nanos: bigint | undefined) =>
  nanos === undefined ? undefined : Number(nanos / NANOS_PER_MILLI);

/** `wasi:http/outgoing-handler`: has the thread that serves send a request. */
export function handle(
  request: OutgoingRequest,
  options: RequestOptions | undefined,
): FutureIncomingResponse {
  const url = OutgoingRequest.urlOf(request);
  if (url === undefined) throw failure({ tag: 'HTTP-request-URI-invalid' });
  const body = OutgoingRequest.bodyOf(request);
  const { tag, val } = request.method();
  const sent = sentRequests.send({
    method: tag === 'other' ? String(val) : tag.toUpperCase(),
    url,
    headers: request.headers().entries(),
    hasBody: body !== undefined,
    firstByteTimeoutMillis: millis(options?.firstByteTimeout()),
    betweenBytesTimeoutMillis: millis(options?.betweenBytesTimeout()),
  });
  if (body !== undefined) {
    body.connect(sent.sink);
    if (body.isFinished) sent.end();
    else body.onFinish = () => sent.end();
  }
  return new FutureIncomingResponse(sent);
}
