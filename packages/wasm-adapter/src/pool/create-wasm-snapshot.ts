import { checkOptions } from '@wasm-pool/core/internal';
import { WasmError } from '../errors.js';
import { load, makeProgram } from '../program.js';
import { writeSnapshot } from '../snapshot/snapshot-file.js';
import type { ModuleSource } from '../source/source.js';
import { type WasmPoolOptions, wasmOptionChecks } from './options.js';
import { WasmFactory } from './wasm-factory.js';

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

const {
  name,
  imports,
  wasi,
  instantiate,
  promising,
  createTimeoutMillis,
  preinitialize: preinitializeCheck,
} = wasmOptionChecks;
const checks = {
  name,
  imports,
  wasi,
  instantiate,
  promising,
  createTimeoutMillis,
  preinitialize: preinitializeCheck,
};

/**
 * Prepares an instance of a module as `createWasmPool` does with the same options, and writes its
 * state into a file: at build time, for the `snapshot` option of a pool of the same module. Of the
 * memories only what is not zero is kept, compressed where the platform can do that.
 *
 * Rejects as `createWasmPool` does, and with a `WasmError` `ERR_WASM_SNAPSHOT` for what a file cannot
 * hold: symbols, and a value of `preinitialize` that JSON does not have.
 */
export async function createWasmSnapshot<
  Exports = WebAssembly.Exports,
  Context = unknown,
  Prepared = unknown,
>(
  src: ModuleSource,
  options: WasmSnapshotOptions<Exports, Context, Prepared>,
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions('createWasmSnapshot', options, checks);
  const poolName = options.name ?? 'wasm';
  if (options.preinitialize === undefined) {
    const message = `${poolName}: a snapshot is what preinitialize leaves, and it is not given; accepted: a function`;
    throw new WasmError('ERR_WASM_SNAPSHOT', message);
  }
  const program = await makeProgram(await load(src), {});
  const factory = new WasmFactory<Exports, Context>(
    program,
    poolName,
    options as WasmSnapshotOptions<Exports, Context>,
  );
  const { bytes, ...content } = await factory.snapshot();
  return writeSnapshot(content, bytes, poolName);
}
