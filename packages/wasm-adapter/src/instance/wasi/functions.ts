import { WasmExit } from '../../errors.js';
import { Errno, errnoOf, fail } from './errno.js';
import { descriptorFunctions } from './functions-of-descriptors.js';
import { pathFunctions } from './functions-of-paths.js';
import type { Guest } from './guest.js';
import { poll } from './poll.js';
import { fillRandom } from './random.js';
import type { WasiName } from './signatures.js';

/** A function of WASI as it is written here: it throws a fault, or returns nothing. */
export type Body = (...args: never[]) => unknown;

/** Functions of WASI by name, each made for one guest. */
export type Makers<Name extends WasiName> = Readonly<Record<Name, (guest: Guest) => Body>>;

type Other = Exclude<WasiName, keyof typeof descriptorFunctions | keyof typeof pathFunctions>;

const others: Makers<Other> = {
  args_get: (guest) => (pointers: number, buffer: number) =>
    writeStrings(guest, guest.args, pointers, buffer),
  args_sizes_get: (guest) => (count: number, size: number) =>
    writeSizes(guest, guest.args, count, size),
  environ_get: (guest) => (pointers: number, buffer: number) =>
    writeStrings(guest, guest.env, pointers, buffer),
  environ_sizes_get: (guest) => (count: number, size: number) =>
    writeSizes(guest, guest.env, count, size),
  clock_res_get: (guest) => (id: number, result: number) =>
    guest.memory.setU64(result, guest.clocks.resolution(id)),
  clock_time_get: (guest) => (id: number, _precision: bigint, result: number) =>
    guest.memory.setU64(result, guest.clocks.now(id)),
  poll_oneoff: (guest) => (input: number, output: number, count: number, written: number) =>
    poll(guest, input, output, count, written),
  proc_exit: (guest) => (code: number) => {
    throw new WasmExit(code >>> 0, guest.name);
  },
  // The one signal to raise would be the process's.
  proc_raise: () => () => fail(Errno.notSupported),
  random_get: (guest) => (pointer: number, length: number) =>
    fillRandom(guest.memory.bytes(pointer, length), guest.random),
  sched_yield: () => () => {},
  // No descriptor is a socket: there is no function that would open one.
  sock_accept: (guest) => (fd: number) => noSocket(guest, fd),
  sock_recv: (guest) => (fd: number) => noSocket(guest, fd),
  sock_send: (guest) => (fd: number) => noSocket(guest, fd),
  sock_shutdown: (guest) => (fd: number) => noSocket(guest, fd),
};

function noSocket({ descriptors }: Guest, fd: number): never {
  descriptors.get(fd, 0);
  return fail(Errno.notSocket);
}

function writeStrings(
  { memory }: Guest,
  strings: readonly Uint8Array[],
  pointers: number,
  buffer: number,
): void {
  let at = buffer >>> 0;
  for (const [index, string] of strings.entries()) {
    memory.setU32((pointers >>> 0) + index * 4, at);
    memory.bytes(at, string.length).set(string);
    at += string.length;
  }
}

function writeSizes(
  { memory }: Guest,
  strings: readonly Uint8Array[],
  count: number,
  size: number,
): void {
  memory.setU32(count, strings.length);
  memory.setU32(
    size,
    strings.reduce((sum, { length }) => sum + length, 0),
  );
}

const makers: Makers<WasiName> = { ...descriptorFunctions, ...pathFunctions, ...others };

/** A function of WASI, as a guest calls it: an error number is what it returns. */
export type WasiFunction = (...args: never[]) => number | Promise<number>;

/** Those that may have to wait, and so are suspended where that is possible. */
export const waiting: readonly WasiName[] = ['poll_oneoff', 'fd_read', 'fd_write'];

/** The function of that name, for one guest. */
export function wasiFunction(guest: Guest, name: WasiName): WasiFunction {
  const body = makers[name](guest);
  return waiting.includes(name) ? mayWait(body) : guarded(body);
}

type Args = [unknown?, unknown?, unknown?, unknown?, unknown?, unknown?, unknown?, unknown?];

/**
 * A function that returns what its body throws. Each has as many parameters as its body: V8 calls
 * such a one straight from WebAssembly.
 */
function guarded(body: Body): WasiFunction {
  const call = body as (...args: [...Args, unknown?]) => undefined;
  switch (body.length) {
    case 0:
      return () => {
        try {
          return call() ?? 0;
        } catch (error) {
          return errnoOf(error);
        }
      };
    case 1:
      return (a) => {
        try {
          return call(a) ?? 0;
        } catch (error) {
          return errnoOf(error);
        }
      };
    case 2:
      return (a, b) => {
        try {
          return call(a, b) ?? 0;
        } catch (error) {
          return errnoOf(error);
        }
      };
    case 3:
      return (a, b, c) => {
        try {
          return call(a, b, c) ?? 0;
        } catch (error) {
          return errnoOf(error);
        }
      };
    case 4:
      return (a, b, c, d) => {
        try {
          return call(a, b, c, d) ?? 0;
        } catch (error) {
          return errnoOf(error);
        }
      };
    case 5:
      return (a, b, c, d, e) => {
        try {
          return call(a, b, c, d, e) ?? 0;
        } catch (error) {
          return errnoOf(error);
        }
      };
    default:
      return (a, b, c, d, e, f, g, h, i) => {
        try {
          return call(a, b, c, d, e, f, g, h, i) ?? 0;
        } catch (error) {
          return errnoOf(error);
        }
      };
  }
}

/** The same for four parameters, with what the body waits for. */
function mayWait(body: Body): WasiFunction {
  const call = body as (...args: number[]) => undefined | Promise<undefined>;
  return (a, b, c, d) => {
    try {
      const result = call(a, b, c, d);
      return typeof result === 'object' ? result.then(orZero, errnoOf) : (result ?? 0);
    } catch (error) {
      return errnoOf(error);
    }
  };
}

function orZero(result: number | undefined): number {
  return result ?? 0;
}
