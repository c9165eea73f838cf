import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { PoolError } from '@wasm-pool/core';
import { WasmError } from '@wasm-pool/wasm-adapter';
import type { Config } from './config.js';
import { openComponent } from './http-component.js';
import { HttpError } from './http-error.js';

/** The server, not listening yet. Closing it lets the requests under way finish. */
export async function createApp(config: Config) {
  const component = await openComponent(config);
  const server = createServer({ requestTimeout: 30_000 }, (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    component.handle(request, response, gone.signal).catch((error) => {
      if (gone.signal.aborted) return;
      // An answer that has begun can only be broken off.
      if (response.headersSent) response.destroy();
      else refuse(response, error, config);
    });
  });

  async function listen(): Promise<string> {
    server.listen(config.port, config.host);
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    return `http://${config.host}:${port}`;
  }
  async function close(): Promise<void> {
    const closed = server.listening ? once(server, 'close') : undefined;
    server.close();
    await component.pool.close();
    server.closeIdleConnections();
    await closed;
  }
  return { pool: component.pool, listen, close };
}

/** Says that there is no answer: 5xx with `{"error": {"code", "message"}}`. */
function refuse(response: ServerResponse, error: unknown, config: Config): void {
  const { status, code, message } = httpErrorOf(error, config);
  if (status === 503) response.setHeader('retry-after', '1');
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ error: { code, message } })}\n`);
}

function httpErrorOf(error: unknown, config: Config): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof PoolError) {
    switch (error.code) {
      case 'ERR_POOL_QUEUE_FULL':
        return new HttpError(503, error.code, `${config.maxWaiting} others wait already`);
      case 'ERR_POOL_ACQUIRE_TIMEOUT':
        return new HttpError(503, error.code, `no instance was free for ${config.waitMillis} ms`);
      case 'ERR_POOL_CLOSED':
        return new HttpError(503, error.code, 'the server is shutting down');
    }
  }
  if (error instanceof WasmError && error.code === 'ERR_WASM_CALL_TIMEOUT') {
    return new HttpError(504, error.code, `the component took longer than ${config.callMillis} ms`);
  }
  console.error(error);
  return new HttpError(500, 'ERR_COMPONENT', 'the component failed');
}
