import { OptionError } from '@wasm-pool/core';
import { isTranspiledComponent } from '../component/transpiled-source.js';
import { WasmError } from '../errors.js';
import { hasJspi } from '../instance/jspi.js';
import { CommandSlot } from '../instance/wasi/command-wasi.js';
import { checkWasiForThreads, type WasiOptions, wasiDefaults } from '../instance/wasi/options.js';
import { collectInput, isAsyncInput } from '../instance/wasi/streams.js';
import { type At, ownFile } from '../platform/own-file.js';
import { checkWasmOptions, type WasmPoolOptions } from '../pool/options.js';
import { startPool } from '../pool/start-pool.js';
import { makeProgram } from '../program.js';
import { isComponent } from '../source/describe-bytes.js';
import type { Loaded } from '../wasm-source.js';
import type { WasmWorkerPool } from '../worker/pool/wasm-worker-pool.js';
import { WasmCommandError } from './command-error.js';
import {
  type CommandEncoding,
  type CommandOutput,
  type CommandRunOptions,
  checkCommandPool,
  checkRun,
  sortOptions,
  type WasmCommandPoolOptions,
  worldOf,
} from './command-options.js';
import type {
  CommandProcess,
  CommandResult,
  CommandSpawnOptions,
  WasmCommandPool,
} from './command-pool.js';
import { assertCommand, type CommandEnd, runOnInstance } from './run-on-instance.js';
import { type Runner, runOnBorrowed } from './runner.js';
import { PipedOutput } from './spawn.js';
import type { PostedEnd } from './thread-tasks.js';

/** What `createWasmCommandPool` does, and loads when it is first called. */
export async function makeWasmCommandPool(
  loading: Promise<Loaded>,
  options: WasmCommandPoolOptions,
): Promise<WasmCommandPool> {
  checkCommandPool(options);
  const sorted = sortOptions(options);
  return new CommandPool(await runnerOf(loading, sorted), sorted);
}

type Sorted = ReturnType<typeof sortOptions>;

async function runnerOf(loading: Promise<Loaded>, sorted: Sorted): Promise<Runner> {
  if (isOfComponent(await loading)) {
    const { componentRunner } = await import('./component-runner.js');
    return componentRunner(await loading, sorted);
  }
  return sorted.threads === undefined ? onThisThread(loading, sorted) : onThreads(loading, sorted);
}

async function onThisThread(loading: Promise<Loaded>, settings: Sorted): Promise<Runner> {
  const { name, pool, suspends, preinitialize, shared } = settings;
  const waits = suspends ?? hasJspi();
  const slots = new Map<number, CommandSlot>();
  const { cwd: _, ...prepared } = shared; // whose folder may come with the files of a run
  const options: WasmPoolOptions = {
    ...pool,
    ...{ reset: 'restore', promising: waits ? ['_start'] : false },
    wasi: (instance) => {
      const slot = new CommandSlot({ ...prepared, args: [name] });
      slots.set(instance.id, slot);
      return slot;
    },
    ...(preinitialize !== undefined && {
      preinitialize: ({ exports }) => prepare(exports, preinitialize, name),
    }),
  };
  checkWasmOptions('createWasmCommandPool', options);
  const program = await makeProgram(await loading, options);
  assertCommand(program.mainModule(name), name);
  // What no instance can be restored to is made anew, ahead of the runs.
  const reset = program.restoreBlockers.length > 0 ? 'fresh' : 'restore';
  const made = await startPool(program, { ...options, reset });
  made.on('destroy', ({ id }) => slots.delete(id));
  return {
    ...{ suspends: waits, pool: made },
    run: (world, limits) =>
      runOnBorrowed(made, name, world, limits, ({ id, exports }, run) => {
        const { context } = slots.get(id) as CommandSlot;
        const end = runOnInstance(exports as WebAssembly.Exports, context, run);
        return { end, stop: () => context.stop() };
      }),
  };
}

/** Calls the function that prepares the program. Throws where there is none of that name. */
function prepare(exports: WebAssembly.Exports, preinitialize: string, name: string): unknown {
  const call = exports[preinitialize];
  if (typeof call === 'function') return call();
  const names = Object.keys(exports).join(', ');
  throw new WasmError(
    'ERR_WASM_LINK',
    `${name}: preinitialize names ${preinitialize}, which is no function that the program exports; accepted: ${names}`,
  );
}

/** Whether a source is a component. */
function isOfComponent(loaded: Loaded): boolean {
  if (isTranspiledComponent(loaded)) return true;
  return !(loaded instanceof WebAssembly.Module) && isComponent(loaded.bytes);
}

type ThreadPool = WasmWorkerPool<{ runCommand(options: WasiOptions): Promise<PostedEnd> }>;

async function onThreads(loading: Promise<Loaded>, settings: Sorted): Promise<Runner> {
  const { name, pool, threads = 1, preinitialize } = settings;
  if (preinitialize !== undefined) {
    throw new OptionError(
      'createWasmCommandPool: both preinitialize and threads are given; accepted: one of them',
    );
  }
  const { imports, max: _, ...given } = pool;
  if (imports !== undefined) {
    throw new OptionError(
      'createWasmCommandPool: both imports and threads are given; accepted: one of them, or a pool of createWasmWorkerPool whose module exports imports',
    );
  }
  // From `src`, where the tests are run, it is the built one too.
  const file = (at: At) => at(new URL('../../dist/command-tasks.mjs', import.meta.url));
  const module = ownFile(file, `${name}: commands on threads`);
  const { makeWasmWorkerPool } = await import('../worker/pool/make-wasm-worker-pool.js');
  const made = (await makeWasmWorkerPool(loading, {
    ...given,
    ...{ module, max: threads, reset: 'restore' },
  })) as ThreadPool;
  try {
    assertCommand(made.module, name);
  } catch (error) {
    await made.close();
    throw error;
  }
  return {
    ...{ suspends: false, pool: made },
    async run(world, { timeoutMillis, signal, priority }) {
      checkWasiForThreads(`${name}: run`, world);
      const end = await made.call('runCommand', [world], {
        ...{ callTimeoutMillis: timeoutMillis, signal },
        ...(priority !== undefined && { priority }),
      });
      const { failure, ...rest } = end;
      return { ...rest, error: failure && errorOf(failure) };
    },
  };
}

function errorOf({ code, message }: NonNullable<PostedEnd['failure']>): Error {
  if (code === 'ERR_WASM_OUTPUT' || code === 'ERR_WASM_SLEEP') return new WasmError(code, message);
  return new WebAssembly.RuntimeError(message);
}

class CommandPool implements WasmCommandPool {
  readonly name: string;
  readonly #runner: Runner;
  readonly #settings: Sorted;

  constructor(runner: Runner, settings: Sorted) {
    this.name = settings.name;
    this.#runner = runner;
    this.#settings = settings;
  }

  async run<Encoding extends CommandEncoding = 'bytes'>(
    options: CommandRunOptions<Encoding> = {},
  ): Promise<CommandResult<Encoding>> {
    checkRun(this.name, options);
    const end = await this.#run(options);
    const shown = (bytes: Uint8Array<ArrayBuffer>) =>
      (options.encoding === 'utf8'
        ? new TextDecoder().decode(bytes)
        : bytes) as CommandOutput<Encoding>;
    const { exitCode, files } = end;
    return { exitCode, stdout: shown(end.stdout), stderr: shown(end.stderr), files };
  }

  async #run(
    options: CommandRunOptions<CommandEncoding>,
  ): Promise<CommandEnd & { readonly exitCode: number }> {
    const { shared, timeoutMillis } = this.#settings;
    const { signal } = options;
    signal?.throwIfAborted();
    const world = worldOf(this.name, shared, options);
    if (isAsyncInput(world.stdin) && !this.#runner.suspends) {
      const { maxInputBytes = wasiDefaults.maxInputBytes } = world;
      world.stdin = await collectInput(world.stdin, maxInputBytes, this.name);
    }
    const end = await this.#runner.run(world, {
      timeoutMillis: options.timeoutMillis ?? timeoutMillis,
      ...{ signal, priority: options.priority },
    });
    const { exitCode, error } = end;
    const failure = { ...end, cause: error };
    if (exitCode === undefined) {
      if (error instanceof WasmError)
        throw new WasmCommandError(error.code, error.message, failure);
      const what = error instanceof Error ? error.message : String(error);
      throw new WasmCommandError(
        'ERR_WASM_COMMAND',
        `${this.name}: the run ended by ${what}`,
        failure,
      );
    }
    if (options.reject && exitCode !== 0) {
      const message = `${this.name}: the run exited with code ${exitCode}`;
      throw new WasmCommandError('ERR_WASM_COMMAND', message, failure);
    }
    return { ...end, exitCode };
  }

  spawn(options: CommandSpawnOptions = {}): CommandProcess {
    checkRun(this.name, options);
    const { shared } = this.#settings;
    const maxBytes = options.maxOutputBytes ?? shared.maxOutputBytes ?? wasiDefaults.maxOutputBytes;
    const { suspends } = this.#runner;
    const threaded = this.#settings.threads !== undefined;
    const input = new TransformStream<Uint8Array | string, Uint8Array | string>();
    const [stdout, stderr] = [
      new PipedOutput(maxBytes, suspends),
      new PipedOutput(maxBytes, suspends),
    ];
    const killed = new AbortController();
    const signal = options.signal
      ? AbortSignal.any([options.signal, killed.signal])
      : killed.signal;
    const run = async () => {
      try {
        const end = await this.#run({
          ...options,
          ...{ signal, stdin: options.stdin ?? input.readable },
          ...(!threaded && { stdout: stdout.write, stderr: stderr.write }),
        });
        if (threaded) {
          stdout.write(end.stdout);
          stderr.write(end.stderr);
        }
        return { exitCode: end.exitCode, files: end.files };
      } finally {
        stdout.end();
        stderr.end();
        if (!input.readable.locked) void input.readable.cancel().catch(() => {});
      }
    };
    const exited = run();
    exited.catch(() => {}); // whoever looks at it has it all the same
    return {
      ...{ stdin: input.writable, stdout: stdout.readable, stderr: stderr.readable, exited },
      kill: (reason) => killed.abort(reason),
    };
  }

  stats() {
    return this.#runner.pool.stats();
  }

  close(options?: { timeoutMillis?: number | undefined }): Promise<void> {
    return this.#runner.pool.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
