import type { WasmPoolOptions } from './options.js';

/** What of a pool's options an instance is prepared with. */
export interface WasmSnapshotOptions<
  Exports = WebAssembly.Exports,
  Context = unknown,
  Prepared = unknown,
> extends Pick<
    WasmPoolOptions<Exports, Context, Prepared>,
    'name' | 'imports' | 'wasi' | 'instantiate' | 'promising' | 'createTimeoutMillis'
  > {
  /**
   * Prepares the instance: see `WasmPoolOptions`. What it returns is kept in the file, and has to be
   * what JSON has: `onCreate` gets it.
   */
  preinitialize: NonNullable<WasmPoolOptions<Exports, Context, Prepared>['preinitialize']>;
}
