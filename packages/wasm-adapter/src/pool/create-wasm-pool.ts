import { beginLoading, type WasmSource } from '../wasm-source.js';
import type { WasmPoolOptions } from './options.js';
import type { WasmPool } from './wasm-pool.js';

/**
 * Compiles `src` once, a component after jco has transpiled it, and makes a pool of its instances.
 * Resolves once the first instance, or `min` of them, works: `_initialize` or `_start` and `onCreate`
 * have run.
 *
 * Rejects with core's `OptionError`, with a `WasmError` where `src` or its first instance fails, and
 * with whatever `imports`, `wasi`, `instantiate` or `onCreate` threw.
 */
export async function createWasmPool<
  Exports = WebAssembly.Exports,
  Context = unknown,
  Prepared = unknown,
>(
  src: WasmSource,
  options: WasmPoolOptions<Exports, Context, Prepared> = {},
): Promise<WasmPool<Exports, Context>> {
  const loading = beginLoading(src);
  const { makeWasmPool } = await import('./make-wasm-pool.js');
  return makeWasmPool(loading, options);
}
