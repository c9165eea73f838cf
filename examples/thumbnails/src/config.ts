import { availableParallelism } from 'node:os';

/** How the server runs. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Worker threads, each with an instance of the codec. */
  readonly threads: number;
  /** How many requests may wait for a thread. */
  readonly maxWaiting: number;
  /** How long each of them may. */
  readonly waitMillis: number;
  /** The longest that one image may take. */
  readonly callMillis: number;
  /** An instance whose memory has grown beyond this is replaced. */
  readonly memoryBytes: number;
  /** The largest upload. */
  readonly bodyBytes: number;
  /** The most pixels of an image, which takes four bytes for each when it is decoded. */
  readonly maxPixels: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const MIB = 2 ** 20;

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
    port: number('PORT', 3001, 0, 65_535),
    threads: number('THREADS', availableParallelism(), 1, 1_000),
    maxWaiting: number('MAX_WAITING', 64, 0, 100_000),
    waitMillis: number('WAIT_MILLIS', 10_000, 1, 600_000),
    callMillis: number('CALL_MILLIS', 5_000, 1, 600_000),
    memoryBytes: number('MEMORY_MIB', 128, 32, 4_096) * MIB,
    bodyBytes: number('BODY_MIB', 16, 1, 1_024) * MIB,
    maxPixels: number('MEGAPIXELS', 40, 1, 500) * 1_000_000,
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return config;
}
