import type { PoolStats } from '@wasm-pool/core';
import type { CommandEncoding, CommandOutput, CommandRunOptions } from './command-options.js';

/** What a run came to. */
export interface CommandResult<Encoding extends CommandEncoding = 'bytes'> {
  /** What it exited with: 0 also where it returned. */
  readonly exitCode: number;
  /** What it wrote, unless the run's options sent it elsewhere: then it is empty. */
  readonly stdout: CommandOutput<Encoding>;
  readonly stderr: CommandOutput<Encoding>;
  /** All files in memory, by their absolute paths, as the run left them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** A run under way, whose streams are read and written while it runs. */
export interface CommandProcess {
  /** Its standard input, which the one who writes closes. Not used where `stdin` is an option. */
  readonly stdin: WritableStream<Uint8Array | string>;
  /** Its output, as it comes; a guest that can be suspended waits for whoever reads it. */
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Resolves once it has ended; rejects as `run`. */
  readonly exited: Promise<Pick<CommandResult, 'exitCode' | 'files'>>;
  /** Gives it up, as a signal does: `exited` rejects with the reason. */
  kill(reason?: unknown): void;
}

/** What `spawn` takes: a run's options, but for what its streams are there for. */
export type CommandSpawnOptions = Omit<CommandRunOptions, 'encoding' | 'stderr' | 'stdout'>;

/**
 * A pool of one command: a program built for WASI, whose `_start` runs once for each run. No run sees
 * anything of another one: its instance is put back to what it was before `_start`, or replaced.
 */
export interface WasmCommandPool {
  /** The program's name. */
  readonly name: string;

  /**
   * Runs the command once. An exit code is a result, whatever it is, unless `reject` is set.
   *
   * On this thread a guest that computes cannot be interrupted: `timeoutMillis` and `signal` take
   * effect where it waits, or has not begun. With `threads` they end it.
   *
   * Rejects with an `OptionError`, with a `WasmCommandError`, with the signal's reason, and as an
   * acquire does.
   */
  run<Encoding extends CommandEncoding = 'bytes'>(
    options?: CommandRunOptions<Encoding>,
  ): Promise<CommandResult<Encoding>>;

  /**
   * Runs it with its streams open. Where it cannot be suspended, it begins once `stdin` is closed;
   * with `threads`, its output comes when it has ended. Throws an `OptionError`.
   */
  spawn(options?: CommandSpawnOptions): CommandProcess;

  /** As the stats of any pool. */
  stats(): PoolStats;

  /** Waits for the runs under way, and ends the pool. */
  close(options?: { timeoutMillis?: number | undefined }): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}
