import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { type Config, readWasi } from './config.js';
import { headersOf, rawHeaders } from './headers.js';
import type { HttpComponent } from './http-component.js';
import { checkStatus, HttpError } from './http-error.js';
import { bodyOf, newRequest, type Request, type Response } from './preview3-shim.js';

/** The world wasi:http/service@0.3, as jco gives it. */
interface Service {
  readonly handler: { handle(request: Request): Promise<Response> };
}

/**
 * A component for wasi:http of preview 3. Its instances are on this thread: one that waits suspends
 * its call, and others go on. Bodies are streams, of requests and of answers, and an instance is lent
 * until its answer's body has been read.
 */
export async function openPreview3(bytes: Uint8Array, config: Config): Promise<HttpComponent> {
  const { instances, maxWaiting, waitMillis, callMillis, memoryBytes } = config;
  const pool = await createWasmPool<Service>(bytes, {
    name: 'component',
    max: instances,
    maxWaitingClients: maxWaiting,
    acquireTimeoutMillis: waitMillis,
    maxMemoryBytes: memoryBytes,
    wasi: readWasi(process.env),
  });

  async function handle(request: IncomingMessage, response: ServerResponse, signal: AbortSignal) {
    const asked = wasiRequest(request);
    await pool.use(
      async ({ exports: { handler } }) => {
        const call = handler.handle(asked).catch(refuse);
        await send(await within(callMillis, call), response, callMillis, signal);
      },
      { signal },
    );
  }
  return { pool, handle };
}

/** jco throws what a WIT `result` has as its error, here an `error-code`. */
function refuse(error: Error & { payload?: { tag: string } }): never {
  if (error.payload === undefined) throw error;
  throw new HttpError(
    502,
    'ERR_COMPONENT_ANSWER',
    `the component answered with an error: ${error.payload.tag}`,
  );
}

function wasiRequest(request: IncomingMessage): Request {
  const it = newRequest(headersOf(request), request);
  it.setMethod(request.method);
  it.setScheme({ tag: 'HTTP' });
  try {
    it.setAuthority(request.headers.host);
    it.setPathWithQuery(request.url);
  } catch (error) {
    throw new HttpError(400, 'ERR_REQUEST', error instanceof Error ? error.message : String(error));
  }
  return it;
}

/** Sends an answer on as it comes. Neither the component nor the client may stop for longer than a call may take. */
async function send(answer: Response, response: ServerResponse, millis: number, gone: AbortSignal) {
  const { body, trailers } = bodyOf(answer);
  const status = answer.getStatusCode();
  checkStatus(status);
  response.strictContentLength = true;
  response.writeHead(status, rawHeaders(answer.getHeaders().copyAll()));
  try {
    for (;;) {
      const chunk = await within(millis, body?.read() ?? null, gone);
      if (chunk === null) break;
      if (!response.write(chunk)) await within(millis, once(response, 'drain'), gone);
    }
  } finally {
    body?.close();
  }
  response.end();
  await within(millis, trailers);
}

/** What takes longer is left to itself: an instance that is still at it is replaced. */
async function within<T>(millis: number, work: PromiseLike<T> | T, gone?: AbortSignal): Promise<T> {
  gone?.throwIfAborted();
  const { promise: never, reject } = Promise.withResolvers<never>();
  const message = `the component took longer than ${millis} ms`;
  const timer = setTimeout(
    () => reject(new HttpError(504, 'ERR_COMPONENT_TIMEOUT', message)),
    millis,
  );
  const leave = () => reject(gone?.reason);
  gone?.addEventListener('abort', leave);
  try {
    return await Promise.race([work, never]);
  } finally {
    clearTimeout(timer);
    gone?.removeEventListener('abort', leave);
  }
}
