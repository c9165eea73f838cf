import type { IncomingMessage, ServerResponse } from 'node:http';
import { createWasmWorkerPool, move } from '@wasm-pool/wasm-adapter';
import type { Config } from './config.js';
import { headersOf, rawHeaders } from './headers.js';
import type { HttpComponent } from './http-component.js';
import { checkStatus, HttpError } from './http-error.js';

type Tasks = typeof import('./preview2-tasks.js');

/**
 * A component for wasi:http of preview 2. Where it waits, it blocks its thread, so each instance has
 * one. A request goes there with its whole body, and so comes the answer.
 */
export async function openPreview2(bytes: Uint8Array, config: Config): Promise<HttpComponent> {
  const { instances, maxWaiting, waitMillis, callMillis, memoryBytes, bodyBytes } = config;
  const pool = await createWasmWorkerPool<Tasks>(bytes, {
    name: 'component',
    module: new URL('./preview2-tasks.js', import.meta.url),
    max: instances,
    maxWaitingClients: maxWaiting,
    acquireTimeoutMillis: waitMillis,
    callTimeoutMillis: callMillis,
    maxMemoryBytes: memoryBytes,
  });

  async function handle(request: IncomingMessage, response: ServerResponse, signal: AbortSignal) {
    const body = await bodyOf(request, bodyBytes);
    const { method = 'GET', url = '/' } = request;
    const { host } = request.headers;
    const asked = { method, path: url, authority: host, headers: headersOf(request), body };
    const moved = move(asked, [body.buffer]);
    const answer = await pool.use(({ run }) => run.handle(moved), { signal });
    if ('error' in answer) throw new HttpError(502, 'ERR_COMPONENT_ANSWER', answer.error);
    const { status, body: content } = answer;
    checkStatus(status);
    // RFC 9110, 8.6: where there is no body to count, it is what another answer's would be, or absent.
    const counted = method !== 'HEAD' && status !== 304;
    const headers = answer.headers.filter(([name]) => !counted || !/^content-length$/i.test(name));
    const length = counted && status !== 204 ? ['content-length', String(content.length)] : [];
    response.writeHead(status, [...rawHeaders(headers), ...length]);
    response.end(content);
  }
  return { pool, handle };
}

async function bodyOf(request: IncomingMessage, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Left early, the connection has to stay: it is where the refusal goes.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= most) continue;
    throw new HttpError(413, 'ERR_REQUEST_SIZE', `the body is larger than ${most} bytes`);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
