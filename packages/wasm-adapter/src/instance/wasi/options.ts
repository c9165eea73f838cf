import { OptionError } from '@wasm-pool/core';
import {
  checkOptions,
  inspectValue,
  type OptionCheck,
  wholeNumber,
} from '@wasm-pool/core/internal';
import type { WasiClock } from './clocks.js';
import { CollectedOutput } from './collected-output.js';
import { DEFAULT_MAX_FILES_BYTES, type FileTree } from './memory-files.js';
import type { WasiRandom } from './random.js';
import type { WasiInput, WasiOutput } from './streams.js';

/** A folder of the host that a guest is given. */
export interface WasiPreopen {
  /** Where it is on the host. */
  readonly path: string;
  /** Nothing in it may be changed. Default false. */
  readonly readOnly?: boolean | undefined;
}

/** What a guest sees of the world by WASI preview 1: nothing but what is named here. */
export interface WasiOptions {
  /** The arguments; the first is the program's name. Default `['wasm']`. */
  args?: readonly string[] | undefined;
  /** The environment; a value that is undefined is left out. Default: empty. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The standard input. Default: empty. */
  stdin?: WasiInput | undefined;
  /** Where the standard output goes. Default `'ignore'`. */
  stdout?: WasiOutput | undefined;
  /** Where the standard error output goes. Default `'ignore'`. */
  stderr?: WasiOutput | undefined;
  /**
   * Files in memory, by their absolute paths: `{ '/data/in.txt': 'text' }`. Each instance has its own,
   * as `/`; what a guest writes there stays with its instance, and `reset: 'restore'` puts it back.
   */
  files?: FileTree | undefined;
  /** What files in memory may take, in bytes: content and names. Default 64 MiB. */
  maxFilesBytes?: number | undefined;
  /**
   * Folders of the host, by the guest's names for them: `{ '/data': '/srv/data' }`. What leads out of
   * one (`..`, absolute paths, links) is refused. Only files, folders and links can be opened.
   */
  preopens?: Readonly<Record<string, string | WasiPreopen>> | undefined;
  /**
   * The folder that relative paths start from: the absolute path of one in `files` or `preopens`. A
   * guest that looks up `.` takes it for `/` otherwise. It is told as `PWD`, too. Files that stand in
   * `/` itself cannot be reached by their absolute paths then. Default: none.
   */
  cwd?: string | undefined;
  /** The clocks. Default: those of the platform. */
  clock?: WasiClock | undefined;
  /** Makes random bytes. Default: Web Cryptography. */
  random?: WasiRandom | undefined;
  /**
   * The longest that a guest that sleeps may block the main thread at a time, in milliseconds; one
   * that would sleep longer throws a `WasmError` `ERR_WASM_SLEEP`. A guest whose exports are promising
   * is suspended instead, and on other threads it may sleep as long as it likes. Default 1000.
   */
  maxBlockMillis?: number | undefined;
  /** The most of a stream that is read ahead for a guest that cannot wait for it. Default 64 MiB. */
  maxInputBytes?: number | undefined;
  /** The most that waits to be taken by a stream of `stdout` or `stderr`. Default 16 MiB. */
  maxOutputBytes?: number | undefined;
  /** What node:wasi asks for: the module says itself which version it imports. */
  version?: 'preview1' | 'unstable' | undefined;
  /** As node:wasi has it by default: a guest that exits throws a `WasmExit`, and ends no process. */
  returnOnExit?: true | undefined;
}

/** Functions of WASI that somebody else made: node:wasi, @bjorn3/browser_wasi_shim, … */
export interface WasiImplementation {
  readonly wasiImport: object;
  /** Called with the instance's memory, before the instance runs. */
  initialize?(instance: { exports: { memory: WebAssembly.Memory } }): unknown;
}

/** node:wasi's options, for whoever names it, behind a list of checked functions. */
export interface NodeWasiOptions {
  readonly implementation: 'node';
  args?: readonly string[] | undefined;
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Folders of the host, by the guest's names for them. */
  preopens?: Readonly<Record<string, string>> | undefined;
  /** Descriptors of the process. Default for `stdin`: an empty one; for the others: the process's own. */
  stdin?: number | undefined;
  stdout?: number | undefined;
  stderr?: number | undefined;
}

/** All that the option `wasi` of a core module takes, beside true and false. */
export type AnyWasiOptions = WasiOptions | NodeWasiOptions | WasiImplementation | 'node';

const MIB = 2 ** 20;

export const wasiDefaults = {
  maxFilesBytes: DEFAULT_MAX_FILES_BYTES,
  maxBlockMillis: 1000,
  maxInputBytes: 64 * MIB,
  maxOutputBytes: 16 * MIB,
} as const;

const strings: OptionCheck = {
  accepts: 'an array of strings without NUL',
  test: (value) => Array.isArray(value) && value.every(isText),
};

const environment: OptionCheck = {
  accepts: 'an object of strings without NUL, whose names have no =',
  test: (value) =>
    isObject(value) &&
    Object.entries(value).every(
      ([name, text]) => isText(name) && !name.includes('=') && (text === undefined || isText(text)),
    ),
};

const input: OptionCheck = {
  accepts:
    "a string, a Uint8Array, a function (maxBytes) => string | Uint8Array | null, a ReadableStream or other async iterable, 'inherit', or a descriptor's number",
  test: (value) =>
    ['string', 'function'].includes(typeof value) ||
    isDescriptor(value) ||
    value instanceof Uint8Array ||
    (isObject(value) && (Symbol.asyncIterator in value || 'getReader' in value)),
};

const output: OptionCheck = {
  accepts:
    "'ignore', 'inherit', a function (bytes) => void, a WritableStream, what collectOutput() gives, or a descriptor's number",
  test: (value) =>
    value === 'ignore' ||
    value === 'inherit' ||
    typeof value === 'function' ||
    isDescriptor(value) ||
    value instanceof CollectedOutput ||
    (isObject(value) && 'getWriter' in value),
};

const tree: OptionCheck = {
  accepts: 'an object or a Map of texts and Uint8Arrays, by absolute paths',
  test: (value) =>
    isObject(value) &&
    [...(value instanceof Map ? value : Object.entries(value))].every(
      ([path, content]) =>
        typeof path === 'string' && (typeof content === 'string' || content instanceof Uint8Array),
    ),
};

const folders: OptionCheck = {
  accepts: "an object of paths, or of { path, readOnly }, by the guest's names for them",
  test: (value) =>
    isObject(value) &&
    Object.entries(value).every(
      ([name, folder]) => isText(name) && name !== '' && (isPath(folder) || isPreopen(folder)),
    ),
};

export const wasiOptionChecks: Readonly<Record<keyof WasiOptions, OptionCheck>> = {
  args: strings,
  env: environment,
  stdin: input,
  stdout: output,
  stderr: output,
  files: tree,
  maxFilesBytes: wholeNumber(0),
  preopens: folders,
  cwd: {
    accepts: 'the absolute path of a folder',
    test: (value) => isText(value) && String(value).startsWith('/') && value !== '/',
  },
  clock: {
    accepts: 'an object with the functions realtimeNanos and monotonicNanos, which give bigints',
    test: (value) =>
      isObject(value) &&
      ['realtimeNanos', 'monotonicNanos'].every((name) => typeof value[name] === 'function'),
  },
  random: {
    accepts: 'a function that fills a Uint8Array',
    test: (value) => typeof value === 'function',
  },
  maxBlockMillis: {
    accepts: 'a number of at least 0, or Infinity',
    test: (value) => typeof value === 'number' && value >= 0,
  },
  maxInputBytes: wholeNumber(0),
  maxOutputBytes: wholeNumber(0),
  version: {
    accepts: "'preview1' or 'unstable': either is given to the module that imports it",
    test: (value) => value === 'preview1' || value === 'unstable',
  },
  returnOnExit: {
    accepts:
      'true: a guest that exits throws a WasmExit with its exitCode, and never ends the process',
    test: (value) => value === true,
  },
};

const nodeChecks: Readonly<Record<keyof NodeWasiOptions, OptionCheck>> = {
  implementation: { accepts: "'node'", test: (value) => value === 'node' },
  args: strings,
  env: environment,
  preopens: {
    accepts: "an object of paths, by the guest's names for them",
    test: (value) => isObject(value) && Object.values(value).every(isPath),
  },
  stdin: { accepts: "a descriptor's number", test: isDescriptor },
  stdout: { accepts: "a descriptor's number", test: isDescriptor },
  stderr: { accepts: "a descriptor's number", test: isDescriptor },
};

/** Throws an `OptionError` for options of WASI that are none, and says what to write. */
export function checkWasi(where: string, options: AnyWasiOptions): void {
  if (options === 'node' || isImplementation(options)) return;
  if ('implementation' in options) checkOptions(where, options, nodeChecks);
  else checkOptions(where, options, wasiOptionChecks);
}

export function isImplementation(options: AnyWasiOptions): options is WasiImplementation {
  return isObject(options) && isObject(options.wasiImport);
}

/**
 * Throws an `OptionError` for what cannot be sent to another thread: functions, streams, and what
 * they would be called for on this one.
 */
export function checkWasiForThreads(where: string, options: unknown): void {
  if (!isObject(options)) return;
  const refuse = (name: string, value: unknown, accepts: string) => {
    const message = `${where}: ${name} is ${inspectValue(value)}, which cannot be sent to a thread; accepted: ${accepts}, or a function wasi that the module of tasks exports, which runs there`;
    throw new OptionError(message);
  };
  if ('wasiImport' in options) refuse('wasiImport', options.wasiImport, 'options');
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'function' || name === 'clock') {
      refuse(name, value, 'what is no function');
    } else if (name === 'stdin' && isObject(value) && !(value instanceof Uint8Array)) {
      refuse(name, value, "a string, a Uint8Array, 'inherit' or a descriptor's number");
    } else if ((name === 'stdout' || name === 'stderr') && isObject(value)) {
      refuse(name, value, "'ignore', 'inherit' or a descriptor's number");
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && !value.includes('\0');
}

function isPath(value: unknown): boolean {
  return isText(value) && value !== '';
}

function isPreopen(value: unknown): boolean {
  if (!isObject(value) || !isPath(value.path)) return false;
  const { readOnly, path: _, ...rest } = value;
  return (
    (readOnly === undefined || typeof readOnly === 'boolean') && Object.keys(rest).length === 0
  );
}

function isDescriptor(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;
}
