// The Common Gateway Interface, RFC 3875, as far as a program needs it that only answers.
import type { IncomingMessage } from 'node:http';

/** The environment and the arguments for a request. */
export function requestOf(request: IncomingMessage, script: string, bodyBytes: number) {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const env: Record<string, string> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    SERVER_SOFTWARE: 'cgi-server',
    REQUEST_METHOD: request.method ?? 'GET',
    SCRIPT_NAME: script,
    PATH_INFO: decodeURI(url.pathname.slice(script.length)),
    QUERY_STRING: url.search.slice(1),
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    CONTENT_LENGTH: String(bodyBytes),
    CONTENT_TYPE: request.headers['content-type'] ?? '',
  };
  for (const [name, value] of Object.entries(request.headers)) {
    // `Proxy` would set HTTP_PROXY, which programs take for the proxy to use. Names are tokens.
    if (name === 'proxy' || name === 'content-type' || name === 'content-length') continue;
    if (typeof value === 'string') env[`HTTP_${name.toUpperCase().replaceAll('-', '_')}`] = value;
  }
  return { env: withoutNul(env), args: [...url.searchParams].map(([name, it]) => `${name}=${it}`) };
}

function withoutNul(env: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replaceAll('\0', '')]),
  );
}

/** A program's answer. */
export interface CgiResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

/** Headers that concern the connection, which is the server's. */
const ofConnection = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'content-length'];

/** Reads the head and the body of what a program wrote; undefined where it has no head. */
export function responseOf(output: Uint8Array): CgiResponse | undefined {
  const end = endOfHead(output);
  if (end === undefined) return undefined;
  const [head, body] = [output.subarray(0, end.start), output.subarray(end.body)];
  let status = 200;
  const headers: [string, string][] = [];
  for (const line of Buffer.from(head).toString('latin1').split(/\r?\n/)) {
    const match = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    const [, name = '', value = ''] = match ?? [];
    if (match === null) return undefined;
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
    else if (!ofConnection.includes(name.toLowerCase())) headers.push([name, value.trim()]);
  }
  return status >= 200 && status <= 599 ? { status, headers, body } : undefined;
}

/** Where the empty line is that ends the head. */
function endOfHead(output: Uint8Array): { start: number; body: number } | undefined {
  const text = Buffer.from(output.subarray(0, 65_536)).toString('latin1');
  const match = /\r?\n\r?\n/.exec(text);
  return match === null ? undefined : { start: match.index, body: match.index + match[0].length };
}
