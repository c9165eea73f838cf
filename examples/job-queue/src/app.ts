import { readFileSync } from 'node:fs';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { type Batch, type Batches, type Outcome, QueueFullError } from './batches.js';
import type { Processes } from './processes.js';
import { readBatch } from './read-batch.js';

const page = readFileSync(new URL('../page/index.html', import.meta.url));
const pagePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The server, not listening yet: it submits batches, and tells how they do. */
export function createApp(batches: Batches, processes: Processes): FastifyInstance {
  const app = fastify({ bodyLimit: 16_384, requestTimeout: 30_000, forceCloseConnections: true });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
  });

  app.post('/batches', async (request, reply) => {
    const { tiles, priority } = readBatch(request.body);
    const { id } = await batches.submit(tiles, priority);
    return reply.code(201).send({ id, jobs: tiles.length });
  });
  app.get<{ Params: { id: string } }>('/batches/:id/events', (request, reply) => {
    const batch = batches.get(request.params.id);
    if (batch === undefined) return reply.callNotFound();
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    follow(batch, reply.raw);
    return reply;
  });
  app.get('/stats', async () => ({
    queue: await batches.counts(),
    processes: processes.reports(),
  }));
  app.post<{ Params: { pid: string } }>('/processes/:pid/kill', async (request, reply) => {
    if (!processes.kill(Number(request.params.pid))) return reply.callNotFound();
    return { killed: Number(request.params.pid) };
  });
  app.get('/healthz', () => ({ ok: true }));
  app.get('/', (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page),
  );

  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error instanceof QueueFullError) reply.code(503).header('retry-after', '5');
    else reply.code(error.statusCode ?? 500);
    if (reply.statusCode === 500) console.error(error);
    const message = reply.statusCode === 500 ? 'something went wrong on our side' : error.message;
    return reply.send({ error: { code: error.code ?? 'ERR_INTERNAL', message } });
  });
  return app;
}

/** Sends what is over of a batch, and then each further job as it ends: server-sent events. */
function follow(batch: Batch, response: NodeJS.WritableStream): void {
  const send = (outcome: Outcome) => response.write(`data: ${JSON.stringify(outcome)}\n\n`);
  const finish = () => {
    if (batch.outcomes.size === batch.tiles.length) response.end('event: done\ndata: {}\n\n');
  };
  const onOutcome = (outcome: Outcome) => {
    send(outcome);
    finish();
  };
  batch.events.on('outcome', onOutcome);
  response.once('close', () => batch.events.off('outcome', onOutcome));
  for (const outcome of batch.outcomes.values()) send(outcome);
  finish();
}
