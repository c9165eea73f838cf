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

type Env = Readonly<Record<string, string | undefined>>;

/** What this machine calls itself. */
const LOCAL = ['127.0.0.1', 'localhost', '[::1]'] as const;

const KIB = 1024;
const MIB = 1024 * KIB;

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
  const oneOf = <Word extends string>(name: string, fallback: Word, other: Word): Word => {
    const given = env[name];
    if (given === undefined || given === '' || given === fallback) return fallback;
    if (given === other) return other;
    problems.push(`${name} is ${JSON.stringify(given)}; accepted: ${fallback}, ${other}`);
    return fallback;
  };
  const config: Config = {
    host: env.HOST || '127.0.0.1',
    port: number('PORT', 3000, 0, 65_535),
    hosts: [...LOCAL, env.HOST || LOCAL[0], ...(env.HOSTS ?? '').split(/[\s,]+/)].filter(Boolean),
    maxConnections: number('MAX_CONNECTIONS', 1_024, 1, 100_000),
    max: number('MAX', 4, 1, 1_000),
    maxWaiting: number('MAX_WAITING', 256, 0, 100_000),
    waitMillis: number('WAIT_MILLIS', 10_000, 1, 600_000),
    engines: oneOf<'fresh' | 'reuse'>('ENGINES', 'fresh', 'reuse'),
    maxUses: number('MAX_USES', 100, 1, 1_000_000),
    limits: {
      cpuMillis: number('CPU_MILLIS', 1_000, 1, 600_000),
      deadlineMillis: number('DEADLINE_MILLIS', 5_000, 1, 600_000),
      memoryBytes: number('MEMORY_MIB', 64, 24, 2_048) * MIB,
      // V8's own stack, on which the engine's frames are too, has 984 KiB.
      stackBytes: number('STACK_KIB', 256, 16, 512) * KIB,
      resultBytes: number('RESULT_KIB', 4_096, 1, 65_536) * KIB,
      consoleBytes: number('CONSOLE_KIB', 64, 1, 65_536) * KIB,
      bodyBytes: number('BODY_KIB', 4_096, 1, 65_536) * KIB,
    },
  };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return config;
}
