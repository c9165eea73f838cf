import { fileURLToPath } from 'node:url';
import type { ComponentWasiOptions } from '@wasm-pool/wasm-adapter';
import type { HttpComponentOptions } from '@wasm-pool/wasm-adapter/http';

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

type Env = Readonly<Record<string, string | undefined>>;

const MIB = 2 ** 20;

/**
 * Reads the configuration from the arguments and the environment variables. Throws an Error that
 * names all bad ones.
 */
export function readConfig([component, ...others]: readonly string[], env: Env): Config {
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
  if (others.length > 0) problems.push(`${others.join(' ')}: accepted is one component`);
  const callMillis = number('CALL_MILLIS', 10_000, 1, 600_000);
  const config: Config = {
    host: env.HOST || '127.0.0.1',
    port: number('PORT', 3002, 0, 65_535),
    component: component ?? fileURLToPath(new URL('../guest/preview3.wasm', import.meta.url)),
    wasi: readWasi(env),
    closeMillis: callMillis,
    options: {
      max: number('INSTANCES', 16, 1, 1_000),
      maxWaitingClients: number('MAX_WAITING', 256, 0, 100_000),
      acquireTimeoutMillis: number('WAIT_MILLIS', 10_000, 1, 600_000),
      timeoutMillis: callMillis,
      clientTimeoutMillis: callMillis,
      maxMemoryBytes: number('MEMORY_MIB', 128, 1, 4_096) * MIB,
      maxBodyBytes: number('BODY_MIB', 16, 1, 1_024) * MIB,
      requestsPerInstance: number('REQUESTS_PER_INSTANCE', 16, 1, 1_000),
      ...(env.RESET ? { reset: readReset(env.RESET, problems) } : {}),
    },
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return config;
}

function readReset(given: string, problems: string[]): 'reuse' | 'fresh' | 'restore' {
  if (given === 'reuse' || given === 'fresh' || given === 'restore') return given;
  problems.push(`RESET is ${JSON.stringify(given)}; accepted: reuse, fresh, restore`);
  return 'reuse';
}

/** What a component gets of WASI: `NETWORK=1` the network, and `GUEST_NAME` a variable `NAME`. */
export function readWasi(env: Env): ComponentWasiOptions {
  const given = Object.entries(env).flatMap(([name, value = '']) =>
    name.startsWith('GUEST_') ? [[name.slice('GUEST_'.length), value]] : [],
  );
  return { env: Object.fromEntries(given), network: env.NETWORK === '1' };
}
