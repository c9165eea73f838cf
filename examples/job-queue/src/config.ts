import { type Env, readEnvironment } from 'example-shared';

/** How the job queue runs. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** The Redis server to use; undefined: one is started, as Debian's `redis-server`. */
  readonly redisUrl: string | undefined;
  /** Worker processes. */
  readonly processes: number;
  /** Threads in each of them, and so the jobs that each runs at once. */
  readonly threads: number;
  /** The longest that one job may run. */
  readonly callMillis: number;
  /** How often a job is tried whose instance trapped. */
  readonly attempts: number;
  /** Jobs that may wait in the queue; a batch beyond that is refused. */
  readonly maxWaiting: number;
  /** How long a job stays with a process that does not report; then another runs it. */
  readonly lockMillis: number;
}

/** Reads the configuration from environment variables. Throws an Error that names all bad ones. */
export function readConfig(env: Env): Config {
  return readEnvironment(env, (from) => {
    const config: Config = {
      host: from.host,
      port: from.port(3003),
      redisUrl: from.text('REDIS_URL'),
      processes: from.number('PROCESSES', 2, 1, 64),
      threads: from.number('THREADS', 1, 1, 1_000),
      callMillis: from.number('CALL_MILLIS', 5_000, 1, 600_000),
      attempts: from.number('ATTEMPTS', 3, 1, 100),
      maxWaiting: from.number('MAX_WAITING', 10_000, 1, 1_000_000),
      lockMillis: from.number('LOCK_MILLIS', 10_000, 500, 600_000),
    };
    const { redisUrl } = config;
    if (redisUrl !== undefined && !/^rediss?:\/\/./.test(redisUrl)) {
      from.refuse('REDIS_URL', 'redis://… or rediss://…');
    }
    return config;
  });
}
