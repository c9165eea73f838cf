import { type Env, readEnvironment } from 'example-shared';

/** What one script may use up. */
export interface Limits {
  /** Time in the engine. */
  readonly cpuMillis: number;
  /** Time from its first step to its result, with what it slept. */
  readonly deadlineMillis: number;
  /** The WebAssembly memory of its instance, of which the engine itself takes some 6 MiB. */
  readonly memoryBytes: number;
  readonly stackBytes: number;
  readonly resultBytes: number;
  readonly consoleBytes: number;
  /** The request's body. */
  readonly bodyBytes: number;
}

/** How the server runs. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /**
   * The names under which clients may reach the server: requests with another `Host` are refused, or a
   * web page could have its own name point here, and run scripts from its visitors' browsers.
   */
  readonly hosts: readonly string[];
  /** The most connections at once; further ones are closed. */
  readonly maxConnections: number;
  /** The most instances, and so the most scripts under way. */
  readonly max: number;
  /** How many requests may wait for an instance. */
  readonly maxWaiting: number;
  /** How long each of them may. */
  readonly waitMillis: number;
  /**
   * `'fresh'`: each script has an engine that no script was in before, a copy of one that is ready.
   * `'reuse'`: it has a context of its own in an engine that others had before.
   */
  readonly engines: 'fresh' | 'reuse';
  /** After how many scripts an instance is replaced, with `reuse`. */
  readonly maxUses: number;
  readonly limits: Limits;
}

/** What this machine calls itself. */
const LOCAL = ['127.0.0.1', 'localhost', '[::1]'] as const;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Reads the configuration from environment variables. Throws an Error that names all bad ones. */
export function readConfig(env: Env): Config {
  return readEnvironment(env, (from) => ({
    host: from.host,
    port: from.port(3000),
    hosts: [...LOCAL, from.host, ...(env.HOSTS ?? '').split(/[\s,]+/)].filter(Boolean),
    maxConnections: from.number('MAX_CONNECTIONS', 1_024, 1, 100_000),
    max: from.number('MAX', 4, 1, 1_000),
    maxWaiting: from.number('MAX_WAITING', 256, 0, 100_000),
    waitMillis: from.number('WAIT_MILLIS', 10_000, 1, 600_000),
    engines: from.oneOf('ENGINES', ['fresh', 'reuse']),
    maxUses: from.number('MAX_USES', 100, 1, 1_000_000),
    limits: {
      cpuMillis: from.number('CPU_MILLIS', 1_000, 1, 600_000),
      deadlineMillis: from.number('DEADLINE_MILLIS', 5_000, 1, 600_000),
      memoryBytes: from.number('MEMORY_MIB', 64, 24, 2_048) * MIB,
      // V8's own stack, on which the engine's frames are too, has 984 KiB.
      stackBytes: from.number('STACK_KIB', 256, 16, 512) * KIB,
      resultBytes: from.number('RESULT_KIB', 4_096, 1, 65_536) * KIB,
      consoleBytes: from.number('CONSOLE_KIB', 64, 1, 65_536) * KIB,
      bodyBytes: from.number('BODY_KIB', 4_096, 1, 65_536) * KIB,
    },
  }));
}
