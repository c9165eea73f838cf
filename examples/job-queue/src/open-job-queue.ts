import type { FastifyInstance } from 'fastify';
import { createApp } from './app.js';
import { Batches } from './batches.js';
import type { Config } from './config.js';
import { Processes } from './processes.js';
import { type RedisServer, startRedis } from './redis-server.js';

/** The whole of it: a Redis server unless one is given, worker processes, and the HTTP server. */
export interface JobQueue {
  readonly app: FastifyInstance;
  readonly batches: Batches;
  readonly processes: Processes;
  /** Takes no further batches, lets running jobs finish, and ends what was started. */
  close(): Promise<void>;
}

/** Starts everything but listening. Rejects where Redis cannot be started or reached. */
export async function openJobQueue(config: Config): Promise<JobQueue> {
  const own: RedisServer | undefined =
    config.redisUrl === undefined ? await startRedis() : undefined;
  const redisUrl = own?.url ?? config.redisUrl ?? '';
  const batches = new Batches(config, redisUrl);
  await batches.ready();
  const processes = new Processes(config, redisUrl);
  const app = createApp(batches, processes);
  return {
    app,
    batches,
    processes,
    async close() {
      await app.close();
      await processes.close();
      await batches.close();
      await own?.close();
    },
  };
}
