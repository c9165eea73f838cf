/** What `process.env` is. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads a configuration from environment variables; an empty variable counts as none. Throws an Error
 * that names all bad ones.
 */
export function readEnvironment<Config>(env: Env, read: (from: Environment) => Config): Config {
  const from = new Environment(env);
  const config = read(from);
  from.throwIfBad();
  return config;
}

/** Environment variables, and what is wrong with them. */
export class Environment {
  readonly #env: Env;
  readonly #problems: string[] = [];

  constructor(env: Env) {
    this.#env = env;
  }

  /** The address to listen at: `HOST`. */
  get host(): string {
    return this.text('HOST') ?? '127.0.0.1';
  }

  /** `PORT`; 0: any that is free. */
  port(fallback: number): number {
    return this.number('PORT', fallback, 0, 65_535);
  }

  text(name: string): string | undefined {
    return this.#env[name] || undefined;
  }

  /** A whole number. */
  number(name: string, fallback: number, least: number, most: number): number {
    const given = this.text(name);
    if (given === undefined) return fallback;
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    this.refuse(name, `a whole number from ${least} to ${most}`);
    return fallback;
  }

  oneOf<const Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word {
    const given = this.text(name);
    if (given === undefined) return words[0];
    const word = words.find((it) => it === given);
    if (word === undefined) this.refuse(name, words.join(', '));
    return word ?? words[0];
  }

  /** Notes that a variable is not what is accepted. */
  refuse(name: string, accepted: string): void {
    this.problem(`${name} is ${JSON.stringify(this.#env[name])}; accepted: ${accepted}`);
  }

  problem(message: string): void {
    this.#problems.push(message);
  }

  throwIfBad(): void {
    if (this.#problems.length > 0) throw new Error(this.#problems.join('\n'));
  }
}
