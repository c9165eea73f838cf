import { readFileSync } from 'node:fs';
import { type HttpAnswer, PoolError } from '@wasm-pool/core';
import { type FastifyPoolsOptions, fastifyPools } from '@wasm-pool/core/fastify';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';

/** Why a request has no answer. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** What is the example's own. */
export interface ServerOptions extends Partial<Pick<FastifyPoolsOptions, 'pools'>> {
  /** Its page, at `/`. */
  readonly page: URL;
  /** Bodies that are larger are refused. */
  readonly bodyBytes: number;
  /** The content types that it takes, for the refusal of others. */
  readonly types?: readonly string[];
  readonly cacheControl?: 'no-store' | 'no-cache';
  /** What to answer to an error; undefined: it is none of the example's own. */
  explain?(error: Error): Refusal | undefined;
}

/** Images of the page may be its own data, and what its script makes. */
const pagePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * A server, not listening yet, that has its page at `/`, and `/healthz`, `/readyz` and `/pools` of the pools.
 * It answers an error as `{"error": {"code", "message"}}`.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const { pools = [], cacheControl = 'no-store', bodyBytes } = options;
  const app = fastify({ bodyLimit: bodyBytes, requestTimeout: 30_000 });
  const page = readFileSync(options.page);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', cacheControl);
  });
  app.register(fastifyPools, { pools, inspector: '/pools' });
  app.get('/', (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page),
  );
  app.setNotFoundHandler(({ method, url }, reply) =>
    refuse(reply, 404, 'ERR_NOT_FOUND', `there is no ${method} ${url}`),
  );
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const own = options.explain?.(error);
    if (own !== undefined) return refuse(reply, own.status, own.code, own.message);
    return answerError(reply, error, options);
  });
  return app;
}

/** Sends an error to the client. */
export function refuse(
  reply: FastifyReply,
  status: number,
  code: string,
  message: string,
): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}

function answerError(reply: FastifyReply, error: FastifyError, options: ServerOptions): unknown {
  if (error.statusCode === 503) {
    // A pool that is closed for good lends nothing, but another server may answer soon.
    const { headers } = error as Partial<HttpAnswer>;
    return refuse(
      reply.headers({ 'retry-after': '1', ...headers }),
      503,
      error.code,
      error instanceof PoolError ? messageOf(error) : error.message,
    );
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const message = `the body is larger than ${options.bodyBytes} bytes`;
      return refuse(reply, 413, 'ERR_REQUEST_SIZE', message);
    }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const given = JSON.stringify(reply.request.headers['content-type'] ?? '');
      const message = `the content type is ${given}; accepted: ${options.types?.join(', ')}`;
      return refuse(reply, 415, 'ERR_REQUEST_TYPE', message);
    }
  }
  const { statusCode = 500 } = error;
  if (statusCode < 500) {
    const code = error.code?.startsWith('ERR_') ? error.code : 'ERR_REQUEST';
    return refuse(reply, statusCode, code, error.message);
  }
  if (error.name === 'AbortError') return refuse(reply, 499, 'ERR_REQUEST', 'the client is gone');
  console.error(error);
  return refuse(reply, 500, 'ERR_INTERNAL', 'something went wrong on our side');
}

/** In words for a client: the error's own names counters. */
function messageOf({ code, state }: PoolError): string {
  switch (code) {
    case 'ERR_POOL_QUEUE_FULL':
      return `${state.pending} others wait already`;
    case 'ERR_POOL_CLOSED':
      return 'the server is shutting down';
    default:
      return 'nothing was free in time';
  }
}
