import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { PoolError } from '@wasm-pool/core';
import { WasmError } from '@wasm-pool/wasm-adapter';
import type { Config } from './config.js';
import { HttpError } from './http-error.js';
import { openComponent } from './open-component.js';

/**
 * The server, not listening yet. Closing it lets the requests under way finish, for as long as a call
 * may take.
 */
export async function createApp(config: Config) {
  const component = await openComponent(config);
  const answering = new Set<ServerResponse>();
  const server = createServer({ requestTimeout: 30_000 }, (request, response) => {
    const gone = new AbortController();
    answering.add(response);
    response.once('close', () => {
      answering.delete(response);
      gone.abort();
    });
    component
      .handle(request, response, gone.signal)
      .catch((error) => {
        if (gone.signal.aborted) return;
        if (response.headersSent) breakOff(response, error);
        else refuse(response, error, config);
      })
      // What is left of its body stands before the connection's next request.
      .finally(() => request.resume());
  });

  async function listen(): Promise<string> {
    server.listen(config.port, config.host);
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    return `http://${config.host}:${port}`;
  }
  async function close(): Promise<void> {
    const { callMillis } = config;
    const closed = server.listening ? once(server, 'close') : undefined;
    // Not the one of http.Server: it takes a connection for idle while the end of an answer is on its way.
    Server.prototype.close.call(server);
    const deadline = setTimeout(() => server.closeAllConnections(), callMillis);
    await component.pool.close({ timeoutMillis: callMillis });
    while (answering.size > 0) {
      await Promise.all(Array.from(answering, (it) => new Promise((end) => it.once('close', end))));
    }
    server.closeIdleConnections();
    await closed;
    clearTimeout(deadline);
  }
  return { pool: component.pool, listen, close };
}

/** All that can be done about an answer that has begun. */
function breakOff(response: ServerResponse, error: unknown): void {
  console.error(error);
  response.destroy();
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
