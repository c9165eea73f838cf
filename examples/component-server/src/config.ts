import { fileURLToPath } from 'node:url';
import type { ComponentWasiOptions } from '@wasm-pool/wasm-adapter';
import type { HttpComponentOptions } from '@wasm-pool/wasm-adapter/http';
import { type Env, readEnvironment } from 'example-shared';

/** How the server runs. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** The path of the component. */
  readonly component: string;
  /** What the component gets of WASI. */
  readonly wasi: ComponentWasiOptions;
  /** How long requests under way may go on when the server is closed. */
  readonly closeMillis: number;
  readonly options: HttpComponentOptions;
}

const MIB = 2 ** 20;

/**
 * Reads the configuration from the arguments and the environment variables. Throws an Error that
 * names all bad ones.
 */
export function readConfig([component, ...others]: readonly string[], env: Env): Config {
  return readEnvironment(env, (from) => {
    if (others.length > 0) from.problem(`${others.join(' ')}: accepted is one component`);
    const callMillis = from.number('CALL_MILLIS', 10_000, 1, 600_000);
    return {
      host: from.host,
      port: from.port(3002),
      component: component ?? fileURLToPath(new URL('../guest/preview3.wasm', import.meta.url)),
      wasi: readWasi(env),
      closeMillis: callMillis,
      options: {
        max: from.number('INSTANCES', 16, 1, 1_000),
        maxWaitingClients: from.number('MAX_WAITING', 256, 0, 100_000),
        acquireTimeoutMillis: from.number('WAIT_MILLIS', 10_000, 1, 600_000),
        timeoutMillis: callMillis,
        clientTimeoutMillis: callMillis,
        maxMemoryBytes: from.number('MEMORY_MIB', 128, 1, 4_096) * MIB,
        maxBodyBytes: from.number('BODY_MIB', 16, 1, 1_024) * MIB,
        requestsPerInstance: from.number('REQUESTS_PER_INSTANCE', 16, 1, 1_000),
        ...(from.text('RESET') && { reset: from.oneOf('RESET', ['reuse', 'fresh', 'restore']) }),
      },
    };
  });
}

/** What a component gets of WASI: `NETWORK=1` the network, and `GUEST_NAME` a variable `NAME`. */
export function readWasi(env: Env): ComponentWasiOptions {
  const given = Object.entries(env).flatMap(([name, value = '']) =>
    name.startsWith('GUEST_') ? [[name.slice('GUEST_'.length), value]] : [],
  );
  return { env: Object.fromEntries(given), network: env.NETWORK === '1' };
}
