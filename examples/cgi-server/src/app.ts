import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { closerOf, healthOf, whileConnected } from '@wasm-pool/core/service';
import {
  createWasmCommandPool,
  WasmCommandError,
  type WasmCommandPool,
  WasmError,
} from '@wasm-pool/wasm-adapter';
import { type CgiResponse, requestOf, responseOf } from './cgi.js';
import type { Config } from './config.js';

/** The programs by their paths. */
const programs = { '/request': 'request.wasm', '/words': 'words.wasm', '/upper': 'upper.wasm' };

/** An answer that the server gives by itself. */
class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A server whose programs are ready; `close` lets the runs under way end. */
export async function createApp(
  config: Config,
): Promise<{ server: Server; close(): Promise<void> }> {
  const pools = new Map<string, WasmCommandPool>();
  for (const [path, file] of Object.entries(programs)) {
    const url = new URL(`../commands/${file}`, import.meta.url);
    const { threads, timeoutMillis, maxWaiting } = config;
    const options = { name: file, threads, timeoutMillis, maxWaitingClients: maxWaiting };
    pools.set(path, await createWasmCommandPool(url, options));
  }
  const page = await readFile(new URL('../page/index.html', import.meta.url));
  const server = createServer((request, response) => {
    answer(request, response, pools, page, config).then(
      (given) => send(response, given),
      (error: unknown) => send(response, errorResponse(error)),
    );
  });
  const closeServer = closerOf(server);
  const close = async () => {
    await closeServer();
    await Promise.all(Array.from(pools.values(), (pool) => pool.close()));
  };
  return { server, close };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pools: ReadonlyMap<string, WasmCommandPool>,
  page: Uint8Array,
  config: Config,
): Promise<CgiResponse> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/') {
    return { status: 200, headers: [['content-type', 'text/html; charset=utf-8']], body: page };
  }
  if (pathname === '/healthz') {
    const health = healthOf([...pools.values()]);
    const headers = [['content-type', 'application/json']] as const;
    const body = Buffer.from(`${JSON.stringify(health)}\n`);
    return { status: health.healthy ? 200 : 503, headers, body };
  }
  const script = [...pools.keys()].find((it) => pathname === it || pathname.startsWith(`${it}/`));
  const pool = script === undefined ? undefined : pools.get(script);
  if (script === undefined || pool === undefined) {
    throw new HttpError(
      404,
      `there is no program ${pathname}; there are ${[...pools.keys()].join(', ')}`,
    );
  }
  const body = await bodyOf(request, config.maxBodyBytes);
  const { env, args } = requestOf(request, script, body.length);
  const end = await pool.run({
    args,
    env,
    stdin: body,
    signal: whileConnected(response),
    reject: true,
  });
  const given = responseOf(end.stdout);
  if (given !== undefined) return given;
  throw new WasmCommandError('ERR_WASM_COMMAND', `${pool.name}: it wrote no head`, end);
}

async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new HttpError(413, `the body is more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function errorResponse(error: unknown): CgiResponse {
  const message = error instanceof Error ? error.message : String(error);
  const stderr =
    error instanceof WasmCommandError ? `\n${new TextDecoder().decode(error.stderr)}` : '';
  const headers = [['content-type', 'text/plain; charset=utf-8']] as const;
  return { status: statusOf(error), headers, body: Buffer.from(`${message}${stderr}\n`) };
}

function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  if (error instanceof URIError) return 400;
  const { statusCode = 500 } = error as { statusCode?: number };
  // A program that failed is what is behind a gateway.
  return error instanceof WasmError && statusCode === 500 ? 502 : statusCode;
}

function send(response: ServerResponse, { status, headers, body }: CgiResponse): void {
  if (response.destroyed) return;
  for (const [name, value] of headers) response.appendHeader(name, value);
  if (status === 413) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-length': body.length }).end(body);
}
