import type { ServerResponse } from 'node:http';
import { createServer } from 'example-shared';
import type { FastifyInstance } from 'fastify';
import type { Batch, Batches, Outcome } from './batches.js';
import type { Processes } from './processes.js';
import { readBatch } from './read-batch.js';

/** The server, not listening yet: it submits batches, and tells how they do. */
export function createApp(batches: Batches, processes: Processes): FastifyInstance {
  const app = createServer({
    page: new URL('../page/index.html', import.meta.url),
    bodyBytes: 16_384,
  });

  const followed = new Set<ServerResponse>();
  app.addHook('preClose', async () => {
    for (const response of followed) response.end(); // a batch may go on for longer than this server
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
    followed.add(reply.raw);
    reply.raw.once('close', () => followed.delete(reply.raw));
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
