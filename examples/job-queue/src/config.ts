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

type Env = Readonly<Record<string, string | undefined>>;

/** Reads the configuration from environment variables. Throws an Error that names all bad ones. */
export function readConfig(env: Env): Config {
  const problems: string[] = [];
  const number = (name: string, fallback: number, least: number, most: number): number => {
    const given = env[name];
    if (given === undefined || given === '') return fallback;
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    problems.push(
      `${name} is ${JSON.stringify(given)}; accepted: a whole number from ${least} to ${most}`,
    );
    return fallback;
  };
  const config: Config = {
    host: env.HOST || '127.0.0.1',
    port: number('PORT', 3003, 0, 65_535),
    redisUrl: env.REDIS_URL || undefined,
    processes: number('PROCESSES', 2, 1, 64),
    threads: number('THREADS', 1, 1, 1_000),
    callMillis: number('CALL_MILLIS', 5_000, 1, 600_000),
    attempts: number('ATTEMPTS', 3, 1, 100),
    maxWaiting: number('MAX_WAITING', 10_000, 1, 1_000_000),
    lockMillis: number('LOCK_MILLIS', 10_000, 500, 600_000),
  };
  const { redisUrl } = config;
  if (redisUrl !== undefined && !/^rediss?:\/\/./.test(redisUrl)) {
    problems.push(`REDIS_URL is ${JSON.stringify(redisUrl)}; accepted: redis://… or rediss://…`);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return config;
}
