import { readFileSync } from 'node:fs';
import { PoolError } from '@wasm-pool/core';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import type { Config } from './config.js';
import type { Script } from './execution.js';
import { parseScripts } from './run-request.js';
import { type Report, Sandbox } from './sandbox.js';
import { ScriptError } from './script-error.js';

const page = readFileSync(new URL('../page/index.html', import.meta.url));
const pagePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** How long clients have, once all scripts are done, to take their answers. */
const CLOSING_MILLIS = 2_000;

/** The server, not listening yet. Closing it lets the scripts under way finish. */
export async function createApp(config: Config): Promise<FastifyInstance> {
  const sandbox = await Sandbox.open(config);
  const app = fastify({ bodyLimit: config.limits.bodyBytes, requestTimeout: 30_000 });

  parseScripts(app);
  app.server.maxConnections = config.maxConnections;
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    const { host = '', origin } = request.headers;
    if (!config.hosts.includes(host.replace(/:\d+$/, '').toLowerCase())) {
      const message = `the host is ${JSON.stringify(host)}; accepted: ${config.hosts.join(', ')}`;
      return refuse(reply, 421, 'ERR_HOST', message);
    }
    // A browser says which page sends a request; only the page of this server may.
    if (origin !== undefined && !isOriginOf(host, origin)) {
      return refuse(reply, 403, 'ERR_ORIGIN', `accepted: requests from pages of ${host}`);
    }
    return undefined;
  });
  // Both wait for what is under way: the pool, which lends no more, and behind it the connections.
  app.addHook('preClose', async () => {
    await sandbox.close();
    // Node.js watches no request's time once it closes: who sends half of one could keep it for ever.
    setTimeout(() => app.server.closeAllConnections(), CLOSING_MILLIS).unref();
  });

  app.post<{ Body: Script | undefined }>('/run', async (request, reply) => {
    if (request.body === undefined) {
      return refuse(reply, 400, 'ERR_REQUEST', 'there is no code in the body');
    }
    const report = await sandbox.run(request.body, whileConnected(reply));
    return sendReport(reply, report);
  });
  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: '/run',
    handler: (_request, reply) =>
      refuse(reply.header('allow', 'POST'), 405, 'ERR_METHOD', 'accepted: POST'),
  });
  app.get('/stats', () => sandbox.stats());
  app.get('/limits', () => sandbox.limits);
  app.get('/healthz', () => ({ ok: true }));
  app.get('/', (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page),
  );

  app.setNotFoundHandler((request, reply) =>
    refuse(reply, 404, 'ERR_NOT_FOUND', `there is no ${request.method} ${request.url}`),
  );
  app.setErrorHandler((error: FastifyError, _request, reply) => sendError(reply, error, config));
  return app;
}

function isOriginOf(host: string, origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

/** Aborted when the client is gone before it had an answer. */
function whileConnected(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

function sendReport(reply: FastifyReply, report: Report): FastifyReply {
  const { outcome, console, instance, waitedMillis, ranMillis } = report;
  const about = {
    console,
    instance,
    waitedMillis: round(waitedMillis),
    ranMillis: round(ranMillis),
  };
  if (outcome instanceof ScriptError) {
    const { code, message, thrown } = outcome;
    return reply.code(422).send({ error: { code, message, thrown }, ...about });
  }
  // The result is JSON as it is; parsing it to have it made JSON again would be for nothing.
  return reply
    .type('application/json; charset=utf-8')
    .send(`{"result":${outcome},${JSON.stringify(about).slice(1)}`);
}

function round(millis: number): number {
  return Math.round(millis * 1000) / 1000;
}

/** What is not the script's doing: the request's, the pool's, or a mistake of ours. */
function sendError(reply: FastifyReply, error: FastifyError, config: Config): unknown {
  if (error instanceof PoolError) {
    switch (error.code) {
      case 'ERR_POOL_QUEUE_FULL':
        return retryLater(reply, error.code, `${config.maxWaiting} others wait already`);
      case 'ERR_POOL_ACQUIRE_TIMEOUT':
        return retryLater(reply, error.code, `no instance was free for ${config.waitMillis} ms`);
      case 'ERR_POOL_CLOSED':
        return retryLater(reply, error.code, 'the server is shutting down');
    }
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const message = `the body is larger than ${config.limits.bodyBytes} bytes`;
      return refuse(reply, 413, 'ERR_REQUEST_SIZE', message);
    }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refuse(
        reply,
        415,
        'ERR_REQUEST_TYPE',
        'accepted as content-type: text/plain, application/javascript, application/json',
      );
  }
  const { statusCode = 500 } = error;
  if (statusCode < 500) return refuse(reply, statusCode, 'ERR_REQUEST', error.message);
  if (error.name === 'AbortError') return refuse(reply, 499, 'ERR_REQUEST', 'the client is gone');
  console.error(error);
  return refuse(reply, 500, 'ERR_INTERNAL', 'something went wrong on our side');
}

function retryLater(reply: FastifyReply, code: string, message: string): FastifyReply {
  return refuse(reply.header('retry-after', '1'), 503, code, message);
}

function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).send({ error: { code, message } });
}
