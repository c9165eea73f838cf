import { type Env, readEnvironment } from 'example-shared';

/** How the server runs. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Whether pages are cross-origin isolated, so that threads share memory. */
  readonly isolated: boolean;
}

/** Reads the configuration from environment variables. Throws an Error that names all bad ones. */
export function readConfig(env: Env): Config {
  return readEnvironment(env, (from) => ({
    host: from.host,
    port: from.port(8080),
    isolated: from.number('ISOLATED', 1, 0, 1) === 1,
  }));
}
