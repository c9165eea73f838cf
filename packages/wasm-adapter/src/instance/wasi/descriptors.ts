/** A function of WASI: an error number is what it returns. */
export type WasiFunction = (...args: (number | bigint)[]) => number;

type Opening = 'path_open' | 'sock_accept';
type Closing = 'fd_close' | 'fd_renumber' | 'fd_fdstat_set_flags';

/** Error numbers: WASI preview 1 witx, `errno`. */
const SUCCESS = 0;
export const NOT_SUPPORTED = 58;
const NOT_CAPABLE = 76;

/** The last of the standard streams. */
export const STDERR = 2;

/**
 * The descriptors of one context. node:wasi closes none of them by itself, and all that a guest asks:
 * also the standard streams, which are the process's, and whose numbers the next file would have.
 */
export class Descriptors {
  /** Takes the place of node:wasi's functions of these names. */
  readonly functions: Readonly<Record<Opening | Closing, WasiFunction>>;

  readonly #close: WasiFunction;
  #open: number;
  #most: number;
  #closed = false;

  constructor(given: Readonly<Record<Opening | Closing, WasiFunction>>, preopened: number) {
    this.#close = given.fd_close;
    this.#open = preopened;
    this.#most = preopened;
    this.functions = {
      path_open: (...args) => this.#opening(given.path_open, args),
      sock_accept: (...args) => this.#opening(given.sock_accept, args),
      fd_close: (fd) => (isStandard(fd) ? SUCCESS : this.#closing(given.fd_close, [fd])),
      fd_renumber: (from, to) =>
        isStandard(from) || isStandard(to)
          ? NOT_SUPPORTED
          : this.#closing(given.fd_renumber, [from, to]),
      fd_fdstat_set_flags: (fd, flags) =>
        isStandard(fd) ? NOT_SUPPORTED : given.fd_fdstat_set_flags(fd, flags),
    };
  }

  #opening(call: WasiFunction, args: (number | bigint)[]): number {
    if (this.#closed) return NOT_CAPABLE; // a suspended call outlived its instance
    const errno = call(...args);
    if (errno === SUCCESS) this.#most = Math.max(this.#most, ++this.#open);
    return errno;
  }

  #closing(call: WasiFunction, args: (number | bigint)[]): number {
    const errno = call(...args);
    if (errno === SUCCESS) this.#open--;
    return errno;
  }

  /** Closes what is open. A descriptor gets the lowest number that is free: there are no others. */
  close(): void {
    this.#closed = true;
    for (let fd = STDERR + 1; fd <= STDERR + this.#most; fd++) this.#close(fd);
  }
}

function isStandard(fd: number | bigint | undefined): boolean {
  return fd !== undefined && fd <= STDERR && fd >= 0;
}
