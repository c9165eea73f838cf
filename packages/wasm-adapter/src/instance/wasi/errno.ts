import type { WasmError } from '../../errors.js';

/** Error numbers of WASI preview 1, by their names in its witx (`errno`). */
export const Errno = {
  success: 0,
  tooBig: 1,
  access: 2,
  again: 6,
  badDescriptor: 8,
  busy: 10,
  exists: 20,
  fault: 21,
  fileTooBig: 22,
  illegalSequence: 25,
  invalid: 28,
  io: 29,
  isFolder: 31,
  loop: 32,
  tooManyOpen: 33,
  nameTooLong: 37,
  notThere: 44,
  noMemory: 48,
  noSpace: 51,
  notSupportedByHost: 52,
  notFolder: 54,
  notEmpty: 55,
  notSocket: 57,
  notSupported: 58,
  notPermitted: 63,
  brokenPipe: 64,
  range: 68,
  readOnly: 69,
  notSeekable: 70,
  crossDevice: 75,
  notCapable: 76,
} as const;

/** What the host's system calls fail with: https://nodejs.org/api/errors.html#common-system-errors */
const ofSystem: Readonly<Record<string, number>> = {
  EACCES: Errno.access,
  EAGAIN: Errno.again,
  EBADF: Errno.badDescriptor,
  EBUSY: Errno.busy,
  EEXIST: Errno.exists,
  EFBIG: Errno.fileTooBig,
  EILSEQ: Errno.illegalSequence,
  EINVAL: Errno.invalid,
  EIO: Errno.io,
  EISDIR: Errno.isFolder,
  ELOOP: Errno.loop,
  EMFILE: Errno.tooManyOpen,
  ENAMETOOLONG: Errno.nameTooLong,
  ENFILE: Errno.tooManyOpen,
  ENOENT: Errno.notThere,
  ENOMEM: Errno.noMemory,
  ENOSPC: Errno.noSpace,
  ENOTDIR: Errno.notFolder,
  ENOTEMPTY: Errno.notEmpty,
  ENOTSUP: Errno.notSupported,
  EOPNOTSUPP: Errno.notSupported,
  EPERM: Errno.notPermitted,
  EPIPE: Errno.brokenPipe,
  EROFS: Errno.readOnly,
  ERR_ACCESS_DENIED: Errno.notPermitted, // Node.js's permission model
  ESPIPE: Errno.notSeekable,
  EXDEV: Errno.crossDevice,
};

/** Ends a WASI function with an error number, which is what the guest is given. */
export class WasiFault extends Error {
  readonly errno: number;

  constructor(errno: number) {
    super(`WASI error number ${errno}`);
    this.name = 'WasiFault';
    this.errno = errno;
  }
}

/** One of each: making an error costs a walk of the stack, and a guest may cause many. */
const faults = new Map<number, WasiFault>();

/** Throws the fault of an error number. */
export function fail(errno: number): never {
  let fault = faults.get(errno);
  if (fault === undefined) {
    fault = new WasiFault(errno);
    faults.set(errno, fault);
  }
  throw fault;
}

/**
 * The error number for what a WASI function threw. What is none of the guest's doing is thrown on: a
 * `WasmError`, and whatever a function of the options threw.
 */
export function errnoOf(error: unknown): number {
  if (error instanceof WasiFault) return error.errno;
  const errno = systemErrno(error);
  if (errno !== undefined) return errno;
  throw error;
}

/** The error number of a failed system call; undefined for any other error. */
export function systemErrno(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return;
  if (isWasmError(error)) return undefined;
  if (Object.hasOwn(ofSystem, error.code)) return ofSystem[error.code];
  return 'syscall' in error ? Errno.io : undefined;
}

function isWasmError(error: Error): error is WasmError {
  return error.name === 'WasmError' || error.name === 'WasmExit';
}
