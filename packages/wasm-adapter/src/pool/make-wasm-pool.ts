import { makeProgram } from '../program.js';
import type { Loaded } from '../wasm-source.js';
import { checkWasmOptions, type WasmPoolOptions } from './options.js';
import { startPool } from './start-pool.js';
import type { WasmPool } from './wasm-pool.js';

/** What `createWasmPool` does, and loads when it is first called. */
export async function makeWasmPool<Exports, Context, Prepared>(
  loading: Promise<Loaded>,
  options: WasmPoolOptions<Exports, Context, Prepared>,
): Promise<WasmPool<Exports, Context>> {
  const checked = checkWasmOptions('createWasmPool', options);
  return startPool(await makeProgram(await loading, checked), checked);
}
