import type { FastifyInstance, FastifyReply } from 'fastify';
import { checkOptions, type OptionCheck, OptionError } from '../check-options.js';
import { createInspector } from '../inspector/create-inspector.js';
import type { WatchedPool } from '../live-pools.js';
import type { CloseOptions } from '../pool.js';
import { Answers } from '../service/answers.js';
import { healthOf } from '../service/health.js';

/** What the plugin does with pools. */
export interface FastifyPoolsOptions {
  /**
   * They are closed when the server is: after the requests under way were answered. Their connections
   * end behind their answers, so that no client that keeps one keeps the server.
   */
  pools: readonly (WatchedPool & { close(options?: CloseOptions): Promise<void> })[];
  /** The path that says whether they are healthy: 200 or 503. Default `'/healthz'`; false: none. */
  health?: string | false | undefined;
  /** The path that says whether they are ready: 200 or 503. Default `'/readyz'`; false: none. */
  ready?: string | false | undefined;
  /** The path of a page for operators, see `createInspector`. Default false: none. */
  inspector?: string | false | undefined;
}

const pathOrFalse: OptionCheck = {
  accepts: 'a path, or false',
  test: (value) => value === false || (typeof value === 'string' && value.startsWith('/')),
};

/**
 * Registers pools with a server: `app.register(fastifyPools, { pools: [pool] })`. Errors of pools are
 * answered right without it. Rejects with an `OptionError`.
 */
export async function fastifyPools(
  app: FastifyInstance,
  options: FastifyPoolsOptions,
): Promise<void> {
  // Fastify has options of its own there.
  const { pools, health = '/healthz', ready = '/readyz', inspector = false } = options;
  if (!Array.isArray(pools)) {
    throw new OptionError('fastifyPools: pools is missing; accepted: an array of pools');
  }
  const checks = { health: pathOrFalse, ready: pathOrFalse, inspector: pathOrFalse };
  checkOptions('fastifyPools', { health, ready, inspector }, checks);

  const tell = (reply: FastifyReply, isWell: boolean, told: object) =>
    reply
      .code(isWell ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(told);
  if (health !== false) {
    app.get(health, { logLevel: 'warn' }, (_request, reply) => {
      const told = healthOf(pools);
      return tell(reply, told.healthy, told);
    });
  }
  if (ready !== false) {
    app.get(ready, { logLevel: 'warn' }, (_request, reply) => {
      const told = healthOf(pools);
      return tell(reply, told.ready && told.healthy, told);
    });
  }
  if (inspector !== false) {
    const { listener, close } = createInspector(pools);
    app.get(inspector, (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
    app.addHook('preClose', async () => close()); // open pages would keep the server
  }
  // Whoever has Fastify end all connections at once does not want to wait for answers.
  if (app.initialConfig.forceCloseConnections !== true) {
    const answers = new Answers(app.server);
    app.addHook('preClose', () => answers.finish());
  }
  app.addHook('onClose', async () => {
    await Promise.all(pools.map((pool) => pool.close()));
  });
}

// What fastify-plugin puts on a plugin: it is not encapsulated, and says for which Fastify it is.
Object.assign(fastifyPools, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@wasm-pool/core/fastify',
  [Symbol.for('plugin-meta')]: { name: '@wasm-pool/core/fastify', fastify: '5.x' },
});
