import { beginLoading, type WasmSource } from '../wasm-source.js';
import type { WasmCommandPoolOptions } from './command-options.js';
import type { WasmCommandPool } from './command-pool.js';

/**
 * Makes a pool of a command: compiled once, its instances ready to start. Resolves once `min` of them
 * (at least one) are made.
 *
 * Rejects as `createWasmPool` does, and with a `WasmError` `ERR_WASM_LINK` for a module without
 * `_start`.
 */
export async function createWasmCommandPool(
  src: WasmSource,
  options: WasmCommandPoolOptions = {},
): Promise<WasmCommandPool> {
  const loading = beginLoading(src);
  const { makeWasmCommandPool } = await import('./make-command-pool.js');
  return makeWasmCommandPool(loading, options);
}
