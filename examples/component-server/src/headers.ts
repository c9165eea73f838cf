import type { IncomingMessage } from 'node:http';

/** Names and values, as wasi:http has them. */
export type Headers = [name: string, value: Uint8Array][];

// RFC 9110, 7.6.1: these are about one connection, and wasi:http keeps `host` elsewhere.
const CONNECTION = new Set([
  'connection',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a component is told of a request's headers. */
export function headersOf(request: IncomingMessage): Headers {
  const encoder = new TextEncoder();
  return Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
    CONNECTION.has(name) ? [] : values.map((it) => [name, encoder.encode(it)] as Headers[number]),
  );
}

/** What a client is told of a component's, as `writeHead` takes them. */
export function rawHeaders(headers: Headers): string[] {
  const decoder = new TextDecoder();
  return headers.flatMap(([name, value]) =>
    CONNECTION.has(name.toLowerCase()) ? [] : [name, decoder.decode(value)],
  );
}
