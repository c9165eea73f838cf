import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ComponentAnswer, ComponentRequest } from './component-exchange.js';
import { endToEnd, type HeaderList, headerList, latin1 } from './headers.js';
import { HttpError } from './http-error.js';

/** What `http.createServer` takes. Resolves once the answer is sent, or its connection is gone. */
export type HttpListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

type Answer = (request: ComponentRequest) => Promise<ComponentAnswer>;
type Refuse = (error: HttpError, request: Request) => Promise<Response>;

/**
 * A listener for `node:http`, which says what a `Request` cannot: trailers both ways, the bytes of
 * headers as they came, and a refusal before the body is taken in.
 */
export function httpListener(answer: Answer, refuse: Refuse): HttpListener {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => gone.abort(new Error('the client has left')));
    outgoing.on('error', () => {}); // 'close' follows
    let asked = false;
    const continues = () => {
      if (asked) return;
      asked = true;
      if (/^100-continue$/i.test(incoming.headers.expect ?? '')) outgoing.writeContinue();
    };
    try {
      const answered = await answer(componentRequest(incoming, gone.signal, continues));
      await send(answered, incoming, outgoing, gone.signal);
    } catch (error) {
      if (gone.signal.aborted || outgoing.headersSent || !(error instanceof HttpError)) {
        outgoing.destroy(); // all that can be done about an answer that has begun
      } else await sendRefusal(await refuse(error, webRequest(incoming)), incoming, outgoing);
    } finally {
      // The rest of its body stands before the connection's next request.
      incoming.resume();
    }
  };
}

/** Pairs of names and values, of raw headers as node:http has them. */
function pairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    list.push([String(raw[at]).toLowerCase(), String(raw[at + 1])]);
  }
  return list;
}

function componentRequest(
  incoming: IncomingMessage,
  signal: AbortSignal,
  continues: () => void,
): ComponentRequest {
  const { method = 'GET', url = '/', headers, rawHeaders } = incoming;
  const length = headers['content-length'];
  const hasBody = headers['transfer-encoding'] !== undefined || Number(length ?? 0) > 0;
  const isEncrypted = 'encrypted' in incoming.socket;
  const { promise: trailers, resolve } = Promise.withResolvers<HeaderList>();
  incoming.once('end', () => resolve(headerList(pairs(incoming.rawTrailers))));
  incoming.once('close', () => resolve([]));
  return {
    method,
    path: pathOf(url),
    scheme: isEncrypted ? 'https' : 'http',
    authority: headers.host,
    headers: headerList(pairs(rawHeaders)).filter(([name]) => name !== 'expect'),
    body: hasBody ? chunksOf(incoming, continues) : undefined,
    length: length === undefined ? undefined : Number(length),
    trailers,
    signal,
    context: undefined,
  };
}

/** The path of a request's target, which a proxy has as a whole URL: RFC 9112, 3.2. */
function pathOf(target: string): string {
  if (target.startsWith('/') || !URL.canParse(target)) return target;
  const { pathname, search } = new URL(target);
  return pathname + search;
}

async function* chunksOf(
  incoming: IncomingMessage,
  continues: () => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  continues();
  // Left early, the connection has to stay: it is where the refusal goes.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    yield new Uint8Array(chunk);
  }
}

async function send(
  { status, headers, body, knownLength, trailers }: ComponentAnswer,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  let isWhole = false;
  try {
    const list = endToEnd(headers, latin1);
    const raw = list.flatMap(([name, value]) => [name, latin1(value)]);
    // RFC 9110, 8.6: of an answer without content it is what another answer's would be.
    const hasContent = incoming.method !== 'HEAD' && status !== 304 && status !== 204;
    const isSized = list.some(([name]) => name.toLowerCase() === 'content-length');
    const length = knownLength();
    if (hasContent && !isSized && length !== undefined) raw.push('content-length', String(length));
    outgoing.strictContentLength = hasContent;
    writeHead(outgoing, status, raw);
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      if (hasContent) await write(outgoing, next.value, gone);
      else gone.throwIfAborted();
    }
    isWhole = true;
    const last = endToEnd(await trailers, latin1);
    if (last.length > 0 && outgoing.chunkedEncoding) {
      outgoing.addTrailers(last.map(([name, value]): [string, string] => [name, latin1(value)]));
    }
    outgoing.end();
  } finally {
    if (!isWhole) void iterator.return?.();
  }
}

/** Throws a `HttpError` for what no header can be. */
function writeHead(outgoing: ServerResponse, status: number, raw: string[]): void {
  try {
    outgoing.writeHead(status, raw);
  } catch (cause) {
    const message = 'the component answered with a header that is none';
    throw new HttpError('ERR_HTTP_ANSWER', message, { cause });
  }
}

/** Waits where the connection is full. Rejects once it is gone. */
async function write(
  outgoing: ServerResponse,
  chunk: Uint8Array,
  gone: AbortSignal,
): Promise<void> {
  gone.throwIfAborted();
  if (outgoing.write(chunk)) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => reject(gone.reason);
  outgoing.once('drain', resolve);
  gone.addEventListener('abort', leave, { once: true });
  try {
    await promise;
  } finally {
    outgoing.off('drain', resolve);
    gone.removeEventListener('abort', leave);
  }
}

/** The longest body that is read though nobody wants it. */
const MAX_DISCARDED_BYTES = 2 ** 25;

async function sendRefusal(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const content = new Uint8Array(await response.arrayBuffer());
  const raw = [...response.headers].flat();
  // The rest of the request is read if it is short, and the connection goes on.
  const length = Number(incoming.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (!incoming.complete && length > MAX_DISCARDED_BYTES) raw.push('connection', 'close');
  outgoing.writeHead(response.status, [...raw, 'content-length', String(content.length)]);
  outgoing.end(incoming.method === 'HEAD' ? undefined : content);
}

/** A request without its body, for `onError`. */
function webRequest({ method = 'GET', headers, url = '/', rawHeaders }: IncomingMessage): Request {
  const address = `http://${headers.host ?? 'localhost'}${pathOf(url)}`;
  const list = headerList(pairs(rawHeaders)).map(([name, value]): [string, string] => [
    name,
    latin1(value),
  ]);
  try {
    return new Request(address, { method, headers: list });
  } catch {
    return new Request('http://localhost/'); // a method or an address that `Request` does not take
  }
}
