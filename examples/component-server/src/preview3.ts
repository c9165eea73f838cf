import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { type Config, readWasi } from './config.js';
import { headersOf, rawHeaders } from './headers.js';
import type { HttpComponent } from './http-component.js';
import { HttpError } from './http-error.js';
import { type Body, bodyOf, newRequest, type Request, type Response } from './preview3-shim.js';

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
    await pool.use(
      async ({ exports: { handler } }) => {
        const call = handler.handle(wasiRequest(request)).catch(refuse);
        await send(await within(callMillis, call), response);
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
  it.setAuthority(request.headers.host);
  it.setPathWithQuery(request.url);
  return it;
}

async function send(answer: Response, response: ServerResponse): Promise<void> {
  const { body, trailers } = bodyOf(answer);
  response.strictContentLength = true;
  response.writeHead(answer.getStatusCode(), rawHeaders(answer.getHeaders().copyAll()));
  await pipeline(body === null ? [] : chunksOf(body), response);
  await trailers;
}

async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  try {
    for (let chunk = await body.read(); chunk !== null; chunk = await body.read()) yield chunk;
  } finally {
    body.close();
  }
}

/** A call that takes longer is left to itself: its instance, which is still in it, is replaced. */
async function within<T>(millis: number, call: Promise<T>): Promise<T> {
  const { promise: never, reject } = Promise.withResolvers<never>();
  const message = `the component took longer than ${millis} ms`;
  const timer = setTimeout(
    () => reject(new HttpError(504, 'ERR_COMPONENT_TIMEOUT', message)),
    millis,
  );
  try {
    return await Promise.race([call, never]);
  } finally {
    clearTimeout(timer);
  }
}
