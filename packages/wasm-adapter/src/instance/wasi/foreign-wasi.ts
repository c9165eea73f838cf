import type { WASI, WASIOptions } from 'node:wasi';
import { builtin } from '../../platform/builtin.js';
import { suspending } from '../jspi.js';
import type { WasmImports } from '../link.js';
import { DescriptorFlag, preview1, TimeFlag, unstable } from './abi.js';
import { Clocks } from './clocks.js';
import { type WasiContext, type WasiOwner, wasiModules } from './context.js';
import { Descriptors, inputDescriptor, outputDescriptor } from './descriptors.js';
import { Errno } from './errno.js';
import { wasiFunction } from './functions.js';
import type { Guest } from './guest.js';
import { GuestMemory } from './guest-memory.js';
import { type NodeWasiOptions, type WasiImplementation, wasiDefaults } from './options.js';
import { isWasiName, signatures, typed } from './signatures.js';
import { inputStream, outputStream } from './streams.js';

type AnyFunction = (...args: (number | bigint)[]) => unknown;
type Functions = Record<string, AnyFunction>;

/** The last of the standard streams. */
const STDERR = 2;

/** Functions that leave nothing changed, whatever they are called with. */
const pure = [
  'args_get',
  'args_sizes_get',
  'environ_get',
  'environ_sizes_get',
  'clock_res_get',
  'clock_time_get',
  'fd_fdstat_get',
  'fd_filestat_get',
  'fd_prestat_get',
  'fd_prestat_dir_name',
  'path_filestat_get',
  'path_readlink',
  'poll_oneoff',
  'proc_exit',
  'proc_raise',
  'random_get',
  'sched_yield',
];

/** What both kinds share: functions of somebody else, whose state cannot be put back. */
abstract class ForeignWasi implements WasiContext {
  abstract readonly imports: WasmImports;
  readonly startsLater = false;
  /** The first call that may have left something changed. */
  #changedBy: string | undefined = undefined;

  abstract bind(memory: WebAssembly.Memory | undefined): void;

  /** The functions, each of which notes where it may leave its context other than it found it. */
  protected marking(functions: Functions): Functions {
    const marked = Object.entries(functions).map(([name, call]): [string, AnyFunction] => {
      if (pure.includes(name)) return [name, call];
      const noting: AnyFunction = (...args) => {
        this.#changedBy ??= name;
        return call(...args);
      };
      return [name, noting];
    });
    return Object.fromEntries(marked);
  }

  snapshot(): void {
    this.#changedBy = undefined;
  }

  isUnchanged(): boolean {
    return this.#changedBy === undefined;
  }

  restore(): string | undefined {
    if (this.#changedBy === undefined) return undefined;
    return `it called ${this.#changedBy} of a WASI whose state cannot be put back`;
  }

  close(): void {}
}

/** Functions that the options gave, as they are. */
export class GivenWasi extends ForeignWasi {
  readonly imports: WasmImports;
  readonly #given: WasiImplementation;

  constructor(given: WasiImplementation) {
    super();
    this.#given = given;
    const functions = this.marking(functionsOf(given.wasiImport));
    this.imports = Object.fromEntries(wasiModules.map((name) => [name, functions]));
  }

  bind(memory: WebAssembly.Memory | undefined): void {
    if (memory !== undefined) this.#given.initialize?.({ exports: { memory } });
  }
}

function functionsOf(given: object): Functions {
  const entries = Object.entries(given).filter(([, value]) => typeof value === 'function');
  return Object.fromEntries(entries);
}

/**
 * node:wasi, behind a list of its functions that are known to be safe, with arguments that are. It is
 * native code: four of its functions on sockets end the process, file times with contradictory flags
 * leave a lock behind, and sleeping cannot be ended. Those never reach it.
 */
export class NodeWasi extends ForeignWasi {
  readonly imports: WasmImports;
  readonly #wasi: WASI;
  readonly #native: Functions;
  readonly #closedStreams = new Set<number>();
  #memory: WebAssembly.Memory | undefined;
  /** How many descriptors are open beyond the standard streams, and how many ever were at once. */
  #open: number;
  #most: number;
  #ended = false;

  constructor(
    module: WebAssembly.Module,
    { implementation: _, ...options }: NodeWasiOptions,
    owner: WasiOwner,
    suspends: boolean,
  ) {
    super();
    const { WASI: Wasi } = builtin('node:wasi', "wasi: 'node'"); // prints an ExperimentalWarning
    const old = WebAssembly.Module.imports(module).some((it) => it.module === 'wasi_unstable');
    const given: WASIOptions = {
      stdin: emptyInput(), // the process's own would block its thread
      ...(options as Partial<WASIOptions>),
      args: options.args?.length ? [...options.args] : ['wasm'], // args_get fails on none
      version: old ? 'unstable' : 'preview1',
    };
    this.#wasi = new Wasi(given);
    this.#native = functionsOf(this.#wasi.wasiImport);
    this.#open = Object.keys(options.preopens ?? {}).length;
    this.#most = this.#open;
    const guest = this.#guest(owner, suspends, old);
    const functions: Functions = this.marking(this.#checked());
    const poll = wasiFunction(guest, 'poll_oneoff') as AnyFunction;
    this.imports = {
      [old ? 'wasi_unstable' : 'wasi_snapshot_preview1']: {
        ...typed({
          ...functions,
          proc_exit: wasiFunction(guest, 'proc_exit'),
          proc_raise: wasiFunction(guest, 'proc_raise'),
          poll_oneoff: suspends ? suspending(poll) : poll,
        }),
      },
    };
  }

  #guest(owner: WasiOwner, suspends: boolean, old: boolean): Guest {
    const descriptors = new Descriptors();
    const output = () => outputDescriptor(outputStream('ignore', 1, 0, false));
    descriptors.replaceAll([inputDescriptor(inputStream('', false)), output(), output()]);
    return {
      ...{ name: owner.name, descriptors, layout: old ? unstable : preview1 },
      ...{ args: [], env: [], clocks: new Clocks(undefined), random: undefined },
      memory: new GuestMemory(() => this.#memory),
      sleeper: {
        ...{ name: owner.name, suspends, maxBlockMillis: wasiDefaults.maxBlockMillis },
        get dropped() {
          return owner.dropped;
        },
        assertRunning() {
          if (!owner.calls.callable) throw owner.calls.notCallable();
        },
      },
    };
  }

  /** The functions that may be called, each behind its checks; what is not here is ENOTSUP. */
  #checked(): Functions {
    const functions: Functions = {};
    for (const name of Object.keys(signatures).filter(isWasiName)) {
      const native = this.#native[name];
      if (native === undefined) continue;
      functions[name] = (...args) => {
        if (this.#ended) return Errno.notCapable; // a suspended call outlived its instance
        if (this.#memory === undefined) return Errno.fault; // in a start section
        const refused = this.#refuse(name, args);
        if (refused !== undefined) return refused;
        const errno = native(...args);
        if (errno === 0) this.#count(name);
        return errno;
      };
    }
    return functions;
  }

  #count(name: string): void {
    if (name === 'path_open') this.#most = Math.max(this.#most, ++this.#open);
    if (name === 'fd_close' || name === 'fd_renumber') this.#open--;
  }

  /** The error number for what must not reach native code; undefined where it may. */
  #refuse(name: string, args: readonly (number | bigint)[]): number | undefined {
    const [first = 0, second = 0] = args.map(Number);
    if (name.startsWith('sock_')) return first > STDERR ? Errno.notSocket : Errno.notSupported;
    if (name.endsWith('_filestat_set_times')) {
      const flags = Number(args.at(-1));
      const both = (a: number, b: number) => (flags & a) !== 0 && (flags & b) !== 0;
      if (both(TimeFlag.atim, TimeFlag.atimNow) || both(TimeFlag.mtim, TimeFlag.mtimNow)) {
        return Errno.invalid;
      }
      if ((flags & ~15) !== 0) return Errno.invalid;
    }
    if (name === 'path_open') {
      const flags = Number(args[7]);
      if ((flags & ~(DescriptorFlag.sync * 2 - 1)) !== 0) return Errno.invalid;
    }
    if (name.startsWith('fd_')) return this.#refuseDescriptor(name, first, second);
    if (name.startsWith('path_')) return isStream(pathFd(name, args)) ? Errno.notFolder : undefined;
    return undefined;
  }

  /** Of a standard input a guest may read, to an output it may write; it may close them, for itself. */
  #refuseDescriptor(name: string, fd: number, other: number): number | undefined {
    if (name === 'fd_renumber') {
      return isStream(fd) || isStream(other) ? Errno.notSupported : undefined;
    }
    if (!isStream(fd)) return fd < 0 ? Errno.badDescriptor : undefined;
    if (this.#closedStreams.has(fd)) return Errno.badDescriptor;
    if (name === 'fd_close') {
      this.#closedStreams.add(fd);
      return Errno.success;
    }
    if (name === 'fd_read' && fd === 0) return undefined;
    if (name === 'fd_write' && fd !== 0) return undefined;
    if (name === 'fd_prestat_get') return Errno.badDescriptor;
    return name === 'fd_fdstat_get' || name === 'fd_filestat_get' ? undefined : Errno.notCapable;
  }

  /** What finalizeBindings() does, which Node.js 22 lacks: initialize() asks for no more than this. */
  bind(memory: WebAssembly.Memory | undefined): void {
    if (memory === undefined) return;
    this.#memory = memory;
    this.#wasi.initialize({ exports: { memory } });
  }

  /** Closes what is open: node:wasi never does. A descriptor gets the lowest number that is free. */
  override close(): void {
    if (this.#ended) return;
    // Its functions ask for a memory, also where the instance was never made.
    if (this.#memory === undefined) this.bind(new WebAssembly.Memory({ initial: 0 }));
    this.#ended = true;
    for (let fd = STDERR + 1; fd <= STDERR + this.#most; fd++) this.#native.fd_close?.(fd);
  }
}

/** Standard input for guests: empty. Opened once, and only on use. */
let empty: number | undefined;

function emptyInput(): number {
  const { openSync } = builtin('node:fs', "wasi: 'node'");
  empty ??= openSync(builtin('node:os', "wasi: 'node'").devNull, 'r');
  return empty;
}

function isStream(fd: number): boolean {
  return fd >= 0 && fd <= STDERR;
}

/** The folder's descriptor, which path_symlink has third. */
function pathFd(name: string, args: readonly (number | bigint)[]): number {
  return Number(args[name === 'path_symlink' ? 2 : 0]);
}
