/** How the server runs. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Threads, and so runs at once, of each program. */
  readonly threads: number;
  /** How long a run may take. */
  readonly timeoutMillis: number;
  /** The largest body of a request. */
  readonly maxBodyBytes: number;
  /** How many requests may wait for a program. */
  readonly maxWaiting: number;
}

/** Reads the configuration from environment variables. Throws an Error for a bad one. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const number = (name: string, fallback: number, least: number, most: number): number => {
    const given = env[name];
    if (given === undefined || given === '') return fallback;
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new Error(`${name} is ${given}; accepted: a whole number from ${least} to ${most}`);
  };
  return {
    host: env.HOST || '127.0.0.1',
    port: number('PORT', 8080, 0, 65_535),
    threads: number('THREADS', 2, 1, 256),
    timeoutMillis: number('TIMEOUT_MILLIS', 5000, 1, 3_600_000),
    maxBodyBytes: number('MAX_BODY_BYTES', 2 ** 20, 0, 2 ** 30),
    maxWaiting: number('MAX_WAITING', 100, 0, 1_000_000),
  };
}
