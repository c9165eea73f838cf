import type { ModuleSource } from '../source/source.js';
import { beginLoading } from '../wasm-source.js';
import type { WasmSnapshotOptions } from './wasm-snapshot-options.js';

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
  const loading = beginLoading(src);
  const { makeWasmSnapshot } = await import('./make-wasm-snapshot.js');
  return makeWasmSnapshot(loading, options);
}
