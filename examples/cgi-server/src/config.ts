import { type Env, readEnvironment } from 'example-shared';

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

/** Reads the configuration from environment variables. Throws an Error that names all bad ones. */
export function readConfig(env: Env): Config {
  return readEnvironment(env, (from) => ({
    host: from.host,
    port: from.port(8080),
    threads: from.number('THREADS', 2, 1, 256),
    timeoutMillis: from.number('TIMEOUT_MILLIS', 5000, 1, 3_600_000),
    maxBodyBytes: from.number('MAX_BODY_BYTES', 2 ** 20, 0, 2 ** 30),
    maxWaiting: from.number('MAX_WAITING', 100, 0, 1_000_000),
  }));
}
