import type { ServerResponse } from 'node:http';
import { builtin } from '../platform/builtin.js';
import type { HttpComponent } from './http-component.js';
import type { HttpListener } from './listener.js';

/** Where and how a component is served. */
export interface ServeOptions {
  /** Default `'127.0.0.1'`. */
  host?: string | undefined;
  /** Default 0: any that is free. */
  port?: number | undefined;
  /** The most connections at once; more are closed at once. Default 1024. */
  maxConnections?: number | undefined;
  /** How long requests under way may go on once the server is closed, in milliseconds. Default 10,000. */
  closeMillis?: number | undefined;
  /** Is asked first, for paths of your own: true where it has answered. */
  before?: ((...args: Parameters<HttpListener>) => boolean) | undefined;
}

/** A server that listens. */
export interface HttpComponentServer {
  /** Its URL, without a path. */
  readonly address: string;
  /** Takes no further requests, lets those under way finish, and closes the component. */
  close(): Promise<void>;
}

/** How long a client may take for the headers of its request. */
const HEADERS_MILLIS = 30_000;

/** Serves a component with `node:http`. Rejects with what the system says where it cannot listen. */
export async function serveHttpComponent(
  app: HttpComponent,
  options: ServeOptions = {},
): Promise<HttpComponentServer> {
  const { host = '127.0.0.1', port = 0, maxConnections = 1024, closeMillis = 10_000 } = options;
  const { createServer } = builtin('node:http', 'serving a component');
  const { Server } = builtin('node:net', 'serving a component');
  const answering = new Set<ServerResponse>();
  const server = createServer(
    { headersTimeout: HEADERS_MILLIS, requestTimeout: 0 }, // of bodies: clientTimeoutMillis
    (request, response) => {
      answering.add(response);
      response.once('close', () => answering.delete(response));
      if (options.before?.(request, response) !== true) void app.listener(request, response);
    },
  );
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  const bound = server.address();
  const at = typeof bound === 'object' && bound !== null ? bound.port : port;

  async function close(): Promise<void> {
    const closed = new Promise((resolve) => server.once('close', resolve));
    // Not the one of http.Server: it takes a connection for idle while the end of an answer is on its way.
    Server.prototype.close.call(server);
    const deadline = setTimeout(() => server.closeAllConnections(), closeMillis);
    await app.close({ timeoutMillis: closeMillis });
    while (answering.size > 0) {
      await Promise.all(Array.from(answering, (it) => new Promise((end) => it.once('close', end))));
    }
    server.closeIdleConnections();
    await closed;
    clearTimeout(deadline);
  }
  const name = host.includes(':') ? `[${host}]` : host;
  return { address: `http://${name}:${at}`, close };
}
