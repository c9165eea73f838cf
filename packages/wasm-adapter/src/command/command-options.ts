import type { AcquireOptions, PoolOptions } from '@wasm-pool/core';
import {
  aBoolean,
  checkOptions,
  millis,
  type OptionCheck,
  poolOptionChecks,
  wholeNumber,
} from '@wasm-pool/core/internal';
import { type WasiOptions, wasiOptionChecks } from '../instance/wasi/options.js';
import type { WasiOutput } from '../instance/wasi/streams.js';
import { type WasmPoolOptions, wasmOptionChecks } from '../pool/options.js';

/** What each run sees of the world, unless it says otherwise. */
type World = Pick<
  WasiOptions,
  | 'env'
  | 'files'
  | 'preopens'
  | 'cwd'
  | 'clock'
  | 'random'
  | 'maxFilesBytes'
  | 'maxBlockMillis'
  | 'maxInputBytes'
  | 'maxOutputBytes'
>;

/** How a pool of commands behaves; `World` is what its runs have in common. */
export interface WasmCommandPoolOptions
  extends Pick<
      PoolOptions<unknown>,
      | 'acquireTimeoutMillis'
      | 'createTimeoutMillis'
      | 'idleTimeoutMillis'
      | 'max'
      | 'maxAgeMillis'
      | 'maxUses'
      | 'maxWaitingClients'
      | 'min'
    >,
    Pick<WasmPoolOptions, 'imports' | 'limits' | 'maxMemoryBytes'>,
    World {
  /** The program's name, which its runs see as their first argument. Default `'command'`. */
  name?: string | undefined;
  /**
   * The name of an export that prepares the program, such as `'wizer.initialize'`: it is called once,
   * and all runs start from what it left. It sees the pool's environment and files. Default: none.
   */
  preinitialize?: string | undefined;
  /** The longest that a run may take, from when it begins; 0 (default): no limit. See `run`. */
  timeoutMillis?: number | undefined;
  /**
   * Runs on so many worker threads: a run that takes too long is ended, and this thread is free
   * meanwhile. `max` is this number then. Default: on this thread.
   */
  threads?: number | undefined;
  /**
   * Whether a run that waits (for its input, to sleep) is suspended, and its thread free, rather than
   * blocked. Default: where the engine can (JSPI). It costs some microseconds a run.
   */
  suspends?: boolean | undefined;
}

/** How one run is made. What is not given is as the pool's options say. */
export interface CommandRunOptions<Encoding extends CommandEncoding = 'bytes'>
  extends World,
    Pick<WasiOptions, 'args' | 'stdin'>,
    Pick<AcquireOptions, 'priority'> {
  /** The arguments, without the program's name. Default: none. */
  args?: readonly string[] | undefined;
  /** Files in memory: beside those of the pool, and in the place of those of the same paths. */
  files?: WasiOptions['files'];
  /** Where its output goes: it is collected, and in the result, unless this says otherwise. */
  stdout?: WasiOutput | undefined;
  stderr?: WasiOutput | undefined;
  /** What the collected output is: `'bytes'` (default), or `'utf8'` for text. */
  encoding?: Encoding | undefined;
  /** An exit code other than 0 rejects, as a `WasmCommandError`. Default false. */
  reject?: boolean | undefined;
  /** In place of the pool's. */
  timeoutMillis?: number | undefined;
  /** Gives the run up: it rejects with the signal's reason. See `run` for what that ends. */
  signal?: AbortSignal | undefined;
}

export type CommandEncoding = 'bytes' | 'utf8';

/** What the output of a run is. */
export type CommandOutput<Encoding extends CommandEncoding> = Encoding extends 'utf8'
  ? string
  : Uint8Array<ArrayBuffer>;

const world: Readonly<Record<keyof World, OptionCheck>> = {
  env: wasiOptionChecks.env,
  files: wasiOptionChecks.files,
  preopens: wasiOptionChecks.preopens,
  cwd: wasiOptionChecks.cwd,
  clock: wasiOptionChecks.clock,
  random: wasiOptionChecks.random,
  maxFilesBytes: wasiOptionChecks.maxFilesBytes,
  maxBlockMillis: wasiOptionChecks.maxBlockMillis,
  maxInputBytes: wasiOptionChecks.maxInputBytes,
  maxOutputBytes: wasiOptionChecks.maxOutputBytes,
};

const checks: Readonly<Record<keyof WasmCommandPoolOptions, OptionCheck>> = {
  ...world,
  acquireTimeoutMillis: poolOptionChecks.acquireTimeoutMillis,
  createTimeoutMillis: poolOptionChecks.createTimeoutMillis,
  idleTimeoutMillis: poolOptionChecks.idleTimeoutMillis,
  imports: wasmOptionChecks.imports,
  limits: wasmOptionChecks.limits,
  max: poolOptionChecks.max,
  maxAgeMillis: poolOptionChecks.maxAgeMillis,
  maxMemoryBytes: wasmOptionChecks.maxMemoryBytes,
  maxUses: poolOptionChecks.maxUses,
  maxWaitingClients: poolOptionChecks.maxWaitingClients,
  min: poolOptionChecks.min,
  name: poolOptionChecks.name,
  preinitialize: poolOptionChecks.name,
  suspends: aBoolean,
  threads: wholeNumber(1),
  timeoutMillis: millis,
};

const runChecks: Readonly<Record<keyof CommandRunOptions, OptionCheck>> = {
  ...world,
  args: wasiOptionChecks.args,
  stdin: wasiOptionChecks.stdin,
  stdout: wasiOptionChecks.stdout,
  stderr: wasiOptionChecks.stderr,
  encoding: {
    accepts: "'bytes' or 'utf8'",
    test: (value) => value === 'bytes' || value === 'utf8',
  },
  reject: aBoolean,
  timeoutMillis: millis,
  priority: { accepts: 'a whole number', test: Number.isInteger },
  signal: { accepts: 'an AbortSignal', test: (value) => value instanceof AbortSignal },
};

/** Throws an `OptionError` for an option of a pool that is unknown or not acceptable. */
export function checkCommandPool(options: WasmCommandPoolOptions): void {
  checkOptions('createWasmCommandPool', options, checks);
}

/** The same for the options of a run. */
export function checkRun(name: string, options: object): void {
  checkOptions(`${name}: run`, options, runChecks);
}

/** The options of a pool, sorted by whose they are. */
export function sortOptions({
  name = 'command',
  timeoutMillis = 0,
  threads,
  suspends,
  preinitialize,
  imports,
  limits,
  maxMemoryBytes,
  ...rest
}: WasmCommandPoolOptions) {
  const shared: World = {};
  const core: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(rest)) {
    if (Object.hasOwn(world, option)) Object.assign(shared, { [option]: value });
    else if (value !== undefined) core[option] = value;
  }
  const pool: Pick<WasmCommandPoolOptions, 'max' | 'min' | 'acquireTimeoutMillis'> = core;
  return {
    ...{ name, timeoutMillis, threads, suspends, preinitialize, shared },
    pool: { ...pool, name, imports, limits, maxMemoryBytes },
  };
}

/** What a run sees: what the pool's runs have in common, and what is its own. */
export function worldOf(
  name: string,
  shared: World,
  own: CommandRunOptions<CommandEncoding>,
): WasiOptions {
  const given: WasiOptions = { ...shared };
  for (const option of [...Object.keys(world), 'stdin', 'stdout', 'stderr']) {
    const value = (own as Readonly<Record<string, unknown>>)[option];
    if (value !== undefined) Object.assign(given, { [option]: value });
  }
  if (shared.env !== undefined && own.env !== undefined) given.env = { ...shared.env, ...own.env };
  if (shared.files !== undefined && own.files !== undefined) {
    given.files = new Map([...entriesOf(shared.files), ...entriesOf(own.files)]);
  }
  return { ...given, args: [name, ...(own.args ?? [])] };
}

function entriesOf(files: NonNullable<WasiOptions['files']>) {
  return files instanceof Map ? [...files] : Object.entries(files);
}
