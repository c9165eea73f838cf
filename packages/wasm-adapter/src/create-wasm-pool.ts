import { CreateError, createPool } from '@wasm-pool/core';
import { checkWasmOptions, coreOptions, type WasmPoolOptions } from './options.js';
import { compileSource, type WasmSource } from './source.js';
import { wasmFactory } from './wasm-factory.js';
import { WasmPool } from './wasm-pool.js';

/**
 * Compiles `src` once and makes a pool of its instances. Resolves once the first instance, or `min`
 * of them, works: `_initialize` or `_start` and `onCreate` have run.
 *
 * Rejects with core's `OptionError`, with a `WasmError` where `src` or its first instance fails, and
 * with whatever `imports`, `wasi`, `instantiate` or `onCreate` threw.
 */
export async function createWasmPool<Exports = WebAssembly.Exports, Context = unknown>(
  src: WasmSource,
  options: WasmPoolOptions<Exports, Context> = {},
): Promise<WasmPool<Exports, Context>> {
  checkWasmOptions(options);
  const poolOptions = coreOptions(options);
  const { name = 'wasm', min = 0 } = poolOptions;
  const module = await compileSource(src);
  const pool = createPool(wasmFactory(module, name, options), poolOptions);
  pool.start();
  try {
    await pool.ready(Math.max(min, 1));
  } catch (error) {
    await pool.close();
    throw error instanceof CreateError ? error.cause : error;
  }
  return new WasmPool(module, pool);
}
