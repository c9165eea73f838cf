import { OptionError } from '@wasm-pool/core';
import { messageOf } from '../../errors.js';
import { hostFs } from '../../platform/host-fs.js';
import { suspending } from '../jspi.js';
import type { WasmImports } from '../link.js';
import { Filetype, preview1, unstable } from './abi.js';
import { Clocks } from './clocks.js';
import {
  type Descriptor,
  Descriptors,
  inputDescriptor,
  outputDescriptor,
  preopenDescriptor,
} from './descriptors.js';
import type { WasiFolder } from './files.js';
import { type WasiFunction, waiting, wasiFunction } from './functions.js';
import type { Guest } from './guest.js';
import { GuestMemory, utf8 } from './guest-memory.js';
import { openHostFolder } from './host-files.js';
import { MemoryFiles } from './memory-files.js';
import { type WasiOptions, wasiDefaults } from './options.js';
import { walk } from './paths.js';
import type { Sleeper } from './poll.js';
import { isWasiName, typed, type WasiName } from './signatures.js';
import { collectInput, inputStream, isAsyncInput, outputStream } from './streams.js';

/** The owner of a context: an instance of the pool, as far as WASI looks at it. */
export interface WasiOwner {
  readonly name: string;
  readonly memory: WebAssembly.Memory | undefined;
  readonly dropped: AbortSignal;
  readonly calls: { readonly callable: boolean; notCallable(): Error };
}

/** One instance's WASI. */
export interface WasiContext {
  readonly imports: WasmImports;
  /** To be called once the instance is linked, before it runs. */
  bind(memory: WebAssembly.Memory | undefined): void;
  /** Remembers its state, for `restore`. */
  snapshot(): void;
  /** Whether the state is the one that was remembered. */
  isUnchanged(): boolean;
  /** Puts that state back; in words, why that cannot be done exactly. */
  restore(): string | undefined;
  /** Closes what it has open. */
  close(): void;
  /** The instance is a command that whoever borrows it starts: `_start` does not run before. */
  readonly startsLater: boolean;
}

/** The two versions of preview 1, by the names under which modules import them. */
export const wasiModules = ['wasi_snapshot_preview1', 'wasi_unstable'] as const;

/** The name of the program, as long as nobody says another. */
const DEFAULT_ARGS: readonly Uint8Array[] = [utf8('wasm\0')];

/** Our own WASI: JavaScript that a guest cannot crash, block or end. */
export class OwnWasi implements WasiContext {
  readonly imports: WasmImports;
  readonly startsLater: boolean = false;
  readonly #guest: Guest;
  readonly #owner: WasiOwner;
  readonly #suspends: boolean;
  readonly #wanted: WantedOfWasi;
  readonly #sleeper: OwnSleeper;
  #bound: WebAssembly.Memory | undefined;
  #files: MemoryFiles | undefined;

  /**
   * @param suspends a guest that waits may be suspended: its exports are promising
   * @param own what the module is given beside, which stands before functions of the same names
   */
  constructor(module: WebAssembly.Module, owner: WasiOwner, suspends: boolean, own: WasmImports) {
    this.#owner = owner;
    this.#suspends = suspends;
    this.#wanted = wantedOfWasi(module);
    this.#bound = givenMemory(this.#wanted, own);
    this.#sleeper = new OwnSleeper(owner, suspends);
    this.#guest = {
      name: owner.name,
      memory: new GuestMemory(() => this.#bound ?? owner.memory),
      descriptors: new Descriptors(),
      layout: this.#wanted.wasi_unstable.length > 0 ? unstable : preview1,
      args: [],
      env: [],
      clocks: new Clocks(undefined),
      random: undefined,
      sleeper: this.#sleeper,
    };
    this.imports = this.#makeImports(own);
  }

  #makeImports(own: WasmImports): WasmImports {
    const imports: WasmImports = {};
    const { checked } = this.#wanted;
    for (const space of wasiModules) {
      const given: Record<string, unknown> = {};
      let isAny = false;
      let isChecked = true;
      for (const name of this.#wanted[space]) {
        if (own[space]?.[name] !== undefined) continue;
        given[name] = this.#suspendable(name, wasiFunction(this.#guest, name));
        isAny = true;
        isChecked &&= checked.has(name);
      }
      if (isAny) imports[space] = isChecked ? given : { ...typed(given) };
    }
    return imports;
  }

  #suspendable(name: WasiName, call: WasiFunction): unknown {
    return this.#suspends && waiting.includes(name) ? suspending(call) : call;
  }

  /** The files in memory, if the options gave any. */
  get files(): MemoryFiles | undefined {
    return this.#files;
  }

  /**
   * Gives the guest its world, in place of the one that it had. Rejects with an `OptionError` for
   * files that are none and a folder that is not there, and with a `WasmError` `ERR_WASM_PLATFORM`.
   */
  async configure(options: WasiOptions): Promise<void> {
    const { stdin, maxInputBytes = wasiDefaults.maxInputBytes } = options;
    if (!isAsyncInput(stdin) || this.#suspends) return this.configureNow(options);
    const input = await collectInput(stdin, maxInputBytes, this.#owner.name);
    this.configureNow({ ...options, stdin: input });
  }

  /** The same at once, for an input that need not be waited for. */
  configureNow(options: WasiOptions): void {
    const guest = this.#guest;
    const suspends = this.#suspends;
    const { maxOutputBytes = wasiDefaults.maxOutputBytes, args, env = {} } = options;
    guest.args = args?.map((text) => utf8(`${text}\0`)) ?? DEFAULT_ARGS;
    guest.env = Object.entries(env).flatMap(([name, value]) =>
      value === undefined ? [] : [utf8(`${name}=${value}\0`)],
    );
    guest.clocks = new Clocks(options.clock);
    guest.random = options.random;
    this.#sleeper.maxBlockMillis = options.maxBlockMillis ?? wasiDefaults.maxBlockMillis;
    const output = (which: 'stdout' | 'stderr', descriptor: number) =>
      outputDescriptor(outputStream(options[which], descriptor, maxOutputBytes, suspends));
    const { files, folders } = this.#open(options);
    if (options.cwd !== undefined && env.PWD === undefined) {
      guest.env = [...guest.env, utf8(`PWD=${options.cwd}\0`)];
    }
    this.#files = files;
    guest.descriptors.replaceAll([
      inputDescriptor(inputStream(options.stdin, suspends)),
      output('stdout', 1),
      output('stderr', 2),
      ...folders,
    ]);
  }

  #open(options: WasiOptions): { files: MemoryFiles | undefined; folders: Descriptor[] } {
    const { name } = this.#owner;
    const folders: Descriptor[] = [];
    let files: MemoryFiles | undefined;
    if (options.files !== undefined) {
      const { maxFilesBytes = wasiDefaults.maxFilesBytes } = options;
      const { clocks } = this.#guest;
      files = new MemoryFiles(maxFilesBytes, () => clocks.realtime());
      files.add(options.files, `${name}: wasi`);
      const root = files.root();
      // A guest takes '.' and '/' for the same: the folders of the root go by their own names then.
      const names = options.cwd === undefined ? ['/'] : foldersOf(root);
      for (const as of names) {
        const folder = as === '/' ? root : root.openFolder(as.slice(1));
        folders.push(preopenDescriptor(folder, utf8(as), false));
      }
    }
    try {
      for (const [as, given] of Object.entries(options.preopens ?? {})) {
        const { path, readOnly = false } = typeof given === 'string' ? { path: given } : given;
        folders.push(openPreopen(name, as, path, readOnly));
      }
      if (options.cwd !== undefined) folders.push(openCwd(name, options.cwd, folders));
    } catch (error) {
      for (const it of folders) if (it.kind === 'folder') it.folder.close();
      throw error;
    }
    return { files, folders };
  }

  bind(memory: WebAssembly.Memory | undefined): void {
    this.#bound = memory ?? this.#bound;
    for (const functions of Object.values(this.imports)) {
      for (const name of Object.keys(functions)) this.#wanted.checked.add(name);
    }
  }

  snapshot(): void {
    this.#guest.descriptors.snapshot();
    this.#files?.snapshot();
  }

  isUnchanged(): boolean {
    return (this.#files?.isUnchanged ?? true) && this.#guest.descriptors.isUnchanged();
  }

  restore(): string | undefined {
    this.#files?.restore();
    return this.#guest.descriptors.restore();
  }

  /** Its standard streams throw from now on, also where the guest would go on after any error. */
  stop(): void {
    this.#sleeper.stopped = true;
  }

  close(): void {
    this.#guest.descriptors.end(() => this.#owner.calls.notCallable());
    this.#files = undefined;
  }
}

function foldersOf(root: WasiFolder): string[] {
  return root
    .entries()
    .filter(({ type }) => type === Filetype.folder)
    .map(({ name }) => `/${name}`);
}

/** The folder at `cwd`, under the name by which guests look up relative paths. */
function openCwd(owner: string, cwd: string, folders: readonly Descriptor[]): Descriptor {
  const decoder = new TextDecoder();
  for (const it of folders) {
    if (it.kind !== 'folder') continue;
    const name = decoder.decode(it.preopen).replace(/\/$/, '');
    if (cwd !== name && !cwd.startsWith(`${name}/`)) continue;
    try {
      const folder = walk(it.folder, `.${cwd.slice(name.length)}`, true, (end) =>
        end.name === undefined ? end.folder.reopen() : end.folder.openFolder(end.name),
      );
      return preopenDescriptor(folder, utf8('.'), it.readOnly);
    } catch {
      // the error below says it
    }
  }
  throw new OptionError(
    `${owner}: wasi: cwd is ${JSON.stringify(cwd)}, and no folder is there; accepted: the absolute path of a folder of files or preopens`,
  );
}

function openPreopen(owner: string, as: string, path: string, readOnly: boolean): Descriptor {
  const fs = hostFs(`the folder ${path}`);
  try {
    return preopenDescriptor(openHostFolder(fs, path), utf8(as), readOnly);
  } catch (cause) {
    throw new OptionError(
      `${owner}: wasi: preopens has ${JSON.stringify(as)}: ${JSON.stringify(path)}, which cannot be opened (${messageOf(cause)}); accepted: the path of a folder that is there`,
    );
  }
}

/** What a module imports that is of WASI, or of use to it. */
interface WantedOfWasi extends Readonly<Record<(typeof wasiModules)[number], readonly WasiName[]>> {
  readonly memories: readonly WebAssembly.ModuleImportDescriptor[];
  /** The functions that it imports as ones of the right type: it was linked with them. */
  readonly checked: Set<string>;
}

const known = new WeakMap<WebAssembly.Module, WantedOfWasi>();

/** Read once for each module: that takes longer than the rest of a context. */
function wantedOfWasi(module: WebAssembly.Module): WantedOfWasi {
  let wanted = known.get(module);
  if (wanted === undefined) {
    const imports = WebAssembly.Module.imports(module);
    const namesOf = (space: string) => [
      ...new Set(
        imports.flatMap((it) =>
          it.module === space && it.kind === 'function' && isWasiName(it.name) ? it.name : [],
        ),
      ),
    ];
    wanted = {
      wasi_snapshot_preview1: namesOf('wasi_snapshot_preview1'),
      wasi_unstable: namesOf('wasi_unstable'),
      memories: imports.filter(({ kind }) => kind === 'memory'),
      checked: new Set(),
    };
    known.set(module, wanted);
  }
  return wanted;
}

/** The memory that a module is given, which its start function may already use. */
function givenMemory({ memories }: WantedOfWasi, own: WasmImports): WebAssembly.Memory | undefined {
  for (const { module, name } of memories) {
    const given = own[module]?.[name];
    if (given instanceof WebAssembly.Memory) return given;
  }
  return undefined;
}

/** How a guest waits. */
class OwnSleeper implements Sleeper {
  readonly suspends: boolean;
  maxBlockMillis: number = wasiDefaults.maxBlockMillis;
  stopped = false;
  readonly #owner: WasiOwner;

  constructor(owner: WasiOwner, suspends: boolean) {
    this.#owner = owner;
    this.suspends = suspends;
  }

  get name(): string {
    return this.#owner.name;
  }

  get dropped(): AbortSignal {
    return this.#owner.dropped;
  }

  /** Throws where it was destroyed meanwhile, or is about to be. */
  assertRunning(): void {
    if (this.stopped || !this.#owner.calls.callable) throw this.#owner.calls.notCallable();
  }
}
