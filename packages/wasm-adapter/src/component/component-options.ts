import type { OptionCheck } from '@wasm-pool/core/internal';

/** How a component is transpiled, and where the result is kept. */
export interface ComponentOptions {
  /**
   * The folder in which transpiled components are kept, by their content, jco's version and options;
   * false: nowhere. Default: `wasm-pool` in the user's cache folder.
   *
   * It holds code that is run. So it is used only where it, and each folder above it, can be written by
   * nobody but this user and the system's; a warning says where it is not used for that. What was not
   * used for 30 days is deleted, and the oldest of what exceeds 512 MiB.
   */
  cache?: string | false | undefined;
  /**
   * With `promising`: the imports that return promises, as jco's option of that name takes them:
   * `'ns:pkg/interface#function'`, the name of a function of the world, or `'*'` for all of them.
   * WIT's own `async` functions need not be named.
   */
  asyncImports?: readonly string[] | undefined;
  /**
   * How long jco may take to transpile a component, in milliseconds. What takes longer is refused with
   * a `WasmError` `ERR_WASM_COMPILE`. Default 120,000.
   */
  transpileTimeoutMillis?: number | undefined;
  /**
   * How much memory jco may take to transpile a component, in bytes: its WebAssembly and its JavaScript,
   * each. What takes more is refused with a `WasmError` `ERR_WASM_COMPILE`. Default 1 GiB.
   */
  transpileMemoryBytes?: number | undefined;
}

/** jco's own modules need some 20 MiB for a component that does nothing. */
const LEAST_MEMORY_BYTES = 2 ** 25;
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

export const componentChecks: Readonly<Record<keyof ComponentOptions, OptionCheck>> = {
  cache: {
    accepts: 'the path of a folder, or false',
    test: (value) => value === false || (typeof value === 'string' && value !== ''),
  },
  asyncImports: {
    accepts: "an array of names of imports, as in 'ns:pkg/interface#function'",
    test: (value) => Array.isArray(value) && value.every((it) => typeof it === 'string'),
  },
  transpileTimeoutMillis: {
    accepts: `milliseconds from 1 to ${MAX_TIMER_MILLIS}`,
    test: (value) => typeof value === 'number' && value >= 1 && value <= MAX_TIMER_MILLIS,
  },
  transpileMemoryBytes: {
    accepts: `a whole number of bytes from ${LEAST_MEMORY_BYTES} to ${2 ** 32}`,
    test: (value) =>
      Number.isInteger(value) && Number(value) >= LEAST_MEMORY_BYTES && Number(value) <= 2 ** 32,
  },
};
