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
  return Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
    CONNECTION.has(name) ? [] : values.map((it) => [name, bytesOf(it)] as Headers[number]),
  );
}

/** What a client is told of a component's, as `writeHead` takes them. */
export function rawHeaders(headers: Headers): string[] {
  return headers.flatMap(([name, value]) =>
    CONNECTION.has(name.toLowerCase()) ? [] : [name, Buffer.from(value).toString('latin1')],
  );
}

/** Node.js has a character for each byte of a value; plain bytes, for they are posted to threads. */
function bytesOf(value: string): Uint8Array {
  return Uint8Array.from(Buffer.from(value, 'latin1'));
}
