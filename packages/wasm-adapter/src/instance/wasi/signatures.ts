import { isCompilingForbidden } from '../../platform/code-generation.js';

/**
 * What each function of WASI takes: a letter for each parameter, `i` for an i32 and `I` for an i64.
 * All return an error number, but for `proc_exit`. Preview 1 witx, lowered as its ABI document says.
 */
export const signatures = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'iIi',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'iiiIi',
  fd_prestat_dir_name: 'iii',
  fd_prestat_get: 'ii',
  fd_pwrite: 'iiiIi',
  fd_read: 'iiii',
  fd_readdir: 'iiiIi',
  fd_renumber: 'ii',
  fd_seek: 'iIii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiiIIi',
  path_link: 'iiiiiii',
  path_open: 'iiiiiIIii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
} as const;

export type WasiName = keyof typeof signatures;

export function isWasiName(name: string): name is WasiName {
  return Object.hasOwn(signatures, name);
}

const I32 = 0x7f;
const I64 = 0x7e;

/** Modules of `typed`, by the names of their functions. */
const compiled = new Map<string, WebAssembly.Module>();

/**
 * The functions as WebAssembly ones, with their right types: a module that imports one as anything
 * else cannot be linked. JavaScript functions fit every type, and a call with a wrong one would throw
 * a TypeError out of nowhere.
 */
export function typed(
  functions: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const names = Object.keys(functions).filter(isWasiName);
  const key = names.join();
  let module = compiled.get(key);
  if (module === undefined) {
    try {
      module = new WebAssembly.Module(passingOn(names));
    } catch (error) {
      if (isCompilingForbidden(error)) return functions; // they fit as well
      throw error;
    }
    compiled.set(key, module);
  }
  const wasi = functions as Record<string, WebAssembly.ImportValue>;
  return new WebAssembly.Instance(module, { wasi }).exports;
}

/** The bytes of a module that imports these functions, and exports them as they are. */
function passingOn(names: readonly WasiName[]): Uint8Array<ArrayBuffer> {
  const types = names.map((name) => [
    0x60,
    ...vector(Array.from(signatures[name], (letter) => [letter === 'i' ? I32 : I64])),
    ...(name === 'proc_exit' ? [0] : [1, I32]),
  ]);
  const imports = names.map((name, index) => [...text('wasi'), ...text(name), 0, ...leb(index)]);
  const exports = names.map((name, index) => [...text(name), 0, ...leb(index)]);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, types),
    ...section(2, imports),
    ...section(7, exports),
  ]);
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = vector(items);
  return [id, ...leb(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function text(name: string): number[] {
  return [...leb(name.length), ...Array.from(name, (letter) => letter.charCodeAt(0))];
}

/** An unsigned LEB128 number. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}
