/** Names and values, as wasi:http has them: the bytes of a value as they came. */
export type HeaderList = [name: string, value: Uint8Array<ArrayBuffer>][];

/**
 * The headers that describe a connection, not a message (RFC 9110, 7.6.1). A component may neither see
 * nor set them. Nor may it set `host`: wasi:http has that as the `authority`.
 */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Whether wasi:http forbids a header, in whatever case it is written. */
export function isForbidden(name: string): boolean {
  return OF_A_CONNECTION.has(name.toLowerCase());
}

/** The headers of a message: all but the forbidden ones, and those that `Connection` names. */
export function endToEnd<Value>(
  headers: readonly (readonly [name: string, value: Value])[],
  text: (value: Value) => string,
): [name: string, value: Value][] {
  const named = new Set<string>();
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const it of text(value).split(',')) named.add(it.trim().toLowerCase());
  }
  return headers.flatMap(([name, value]) =>
    isForbidden(name) || named.has(name.toLowerCase()) ? [] : [[name, value]],
  );
}

/** The text of bytes, with a character for each: what `Headers` and node:http have as values. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** The bytes of such a text. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** What a component is given of headers that are text. */
export function headerList(headers: readonly (readonly [string, string])[]): HeaderList {
  return endToEnd(headers, String).map(([name, value]) => [name, bytesOf(value)]);
}

/** What a client is given of a component's headers. Throws a TypeError for what no header can be. */
export function answerHeaders(list: HeaderList): Headers {
  const headers = new Headers();
  for (const [name, value] of endToEnd(list, latin1)) headers.append(name, latin1(value));
  return headers;
}
