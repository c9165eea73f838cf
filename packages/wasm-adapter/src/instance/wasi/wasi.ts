import { openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { WASI, WASIOptions } from 'node:wasi';
import { checkOptions, type OptionCheck } from '@wasm-pool/core/internal';
import { WasmExit } from '../../errors.js';
import { suspending } from '../jspi.js';
import type { WasmImports } from '../link.js';
import type { PooledInstance } from '../pooled-instance.js';
import { Descriptors, NOT_SUPPORTED, STDERR, type WasiFunction } from './descriptors.js';
import { suspendingPoll } from './poll.js';

/** node:wasi's options, but for `version` and `returnOnExit`, which are the pool's to say. */
export type WasiOptions = Omit<WASIOptions, 'version' | 'returnOnExit'>;

const anything: OptionCheck = {
  accepts: "what node:wasi's option of that name does",
  test: () => true,
};
const checks: Readonly<Record<keyof WasiOptions, OptionCheck>> = {
  args: anything,
  env: anything,
  preopens: anything,
  stdin: anything,
  stdout: anything,
  stderr: anything,
};

/** The pool's standard input for guests: empty. Opened once, and only on use. */
let emptyInput: number | undefined;

/** The functions of preview 1 that leave a context other than they found it. */
const changing = [
  'fd_allocate',
  'fd_close',
  'fd_fdstat_set_flags',
  'fd_fdstat_set_rights',
  'fd_renumber',
  'fd_seek',
  'path_open',
  'sock_accept',
  'sock_shutdown',
];

/** Those that move a file's position; of the standard streams, which all share, that is no state. */
const moving = ['fd_read', 'fd_write'];

type WasiFunctions = Record<string, WasiFunction> &
  ConstructorParameters<typeof Descriptors>[0] & { readonly poll_oneoff: WasiFunction };

/** One instance's WASI. */
export interface WasiContext {
  readonly imports: WasmImports;
  /** To be called before the instance runs. */
  bind(memory: WebAssembly.Memory): void;
}

/**
 * A WASI preview 1 context from node:wasi. Nothing is preopened, standard input is empty, and there
 * are no arguments and no environment, unless `options` has them. With `suspends`, a guest that sleeps
 * is suspended. Rejects with an `OptionError` for an option that node:wasi does not have.
 */
export async function wasiContext(
  module: WebAssembly.Module,
  options: WasiOptions,
  instance: PooledInstance,
  suspends: boolean,
): Promise<WasiContext> {
  const { WASI: Wasi } = await import('node:wasi'); // on use: it prints an ExperimentalWarning
  const old = WebAssembly.Module.imports(module).some((it) => it.module === 'wasi_unstable');
  checkOptions(`${instance.name}: wasi`, options, checks);
  emptyInput ??= openSync(devNull, 'r');
  const wasi = new Wasi({
    stdin: emptyInput, // the process's own would block its thread
    ...options,
    args: options.args?.length ? options.args : ['wasm'], // args_get of node:wasi fails on none
    version: old ? 'unstable' : 'preview1',
  });

  let memory: WebAssembly.Memory | undefined;
  const { poll_oneoff: poll, ...given } = wasi.wasiImport as WasiFunctions;
  const descriptors = new Descriptors(given, Object.keys(options.preopens ?? {}).length);
  instance.dropped.addEventListener('abort', () => {
    if (memory === undefined) bind(wasi, new WebAssembly.Memory({ initial: 0 })); // it asks for one
    descriptors.close();
  });
  const noted = Object.entries({ ...given, ...descriptors.functions }).map(([name, call]) => [
    name,
    markingDirty(name, call, instance),
  ]);
  const suspended = suspends && !old; // whose subscriptions are laid out differently
  const own: Record<string, unknown> = {
    // node:wasi's own throws a bare symbol that only its start() understands.
    proc_exit: (code: number) => {
      throw new WasmExit(code, instance.name);
    },
    proc_raise: () => NOT_SUPPORTED, // node:wasi's own sends the signal to the process
    poll_oneoff: suspended ? suspending(suspendingPoll(instance, () => memory, poll)) : poll,
  };
  const functions = { ...Object.fromEntries(noted), ...own };
  return {
    imports: { [old ? 'wasi_unstable' : 'wasi_snapshot_preview1']: functions },
    bind(bound) {
      memory = bound;
      bind(wasi, bound);
    },
  };
}

/** The function, which notes on the instance where it leaves its context other than it found it. */
function markingDirty(name: string, call: WasiFunction, instance: PooledInstance): WasiFunction {
  const always = changing.includes(name);
  if (!always && !moving.includes(name)) return call;
  return (...args) => {
    if (always || Number(args[0]) > STDERR) instance.dirtyOutside = true;
    return call(...args);
  };
}

/** What finalizeBindings() does, which Node.js 22 lacks: initialize() asks for no more than this. */
function bind(wasi: WASI, memory: WebAssembly.Memory): void {
  wasi.initialize({ exports: { memory } });
}
