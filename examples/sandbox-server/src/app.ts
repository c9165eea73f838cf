import { whileConnected } from '@wasm-pool/core/service';
import { createServer, refuse } from 'example-shared';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Config } from './config.js';
import type { Script } from './execution.js';
import { parseScripts } from './run-request.js';
import { type Report, Sandbox } from './sandbox.js';
import { ScriptError } from './script-error.js';

/** How long clients have, once all scripts are done, to take their answers. */
const CLOSING_MILLIS = 2_000;

/** The server, not listening yet. Closing it lets the scripts under way finish. */
export async function createApp(config: Config): Promise<FastifyInstance> {
  const sandbox = await Sandbox.open(config);
  const app = createServer({
    page: new URL('../page/index.html', import.meta.url),
    pools: [sandbox.pool],
    bodyBytes: config.limits.bodyBytes,
    types: ['text/plain', 'application/javascript', 'application/json'],
  });

  parseScripts(app);
  app.server.maxConnections = config.maxConnections;
  app.addHook('onRequest', async (request, reply) => {
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
    const report = await sandbox.run(request.body, whileConnected(reply.raw));
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
  return app;
}

function isOriginOf(host: string, origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
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
