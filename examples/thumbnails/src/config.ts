import { availableParallelism } from 'node:os';
import { type Env, readEnvironment } from 'example-shared';

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
  /** How many thumbnails `/measure` makes. */
  readonly measured: number;
}

const MIB = 2 ** 20;

/** Reads the configuration from environment variables. Throws an Error that names all bad ones. */
export function readConfig(env: Env): Config {
  return readEnvironment(env, (from) => ({
    host: from.host,
    port: from.port(3001),
    threads: from.number('THREADS', availableParallelism(), 1, 1_000),
    maxWaiting: from.number('MAX_WAITING', 64, 0, 100_000),
    waitMillis: from.number('WAIT_MILLIS', 10_000, 1, 600_000),
    callMillis: from.number('CALL_MILLIS', 5_000, 1, 600_000),
    memoryBytes: from.number('MEMORY_MIB', 128, 32, 4_096) * MIB,
    bodyBytes: from.number('BODY_MIB', 16, 1, 1_024) * MIB,
    measured: from.number('MEASURED', 54, 1, 10_000),
    maxPixels: from.number('MEGAPIXELS', 40, 1, 500) * 1_000_000,
  }));
}
