import { beginLoading, type WasmSource } from '../wasm-source.js';
import type { WasmFactoryOptions, WasmInstanceFactory } from './wasm-instance-factory.js';

/**
 * Compiles `src` once and gives a factory of its instances, for generic-pool's own `createPool`, tarn,
 * lightning-pool, or a pool that a framework brings. The first instance is made at once, so that a
 * module that cannot be linked or started fails here; the first `create` gives it.
 *
 * Have the pool ask `validate` before it lends (generic-pool: `testOnBorrow: true`): no other pool asks
 * when an instance is returned. `createWasmPool` has, besides: `reset`, `context`, exports that throw
 * after the return, `maxUses`, a budget, and judging by what the borrower threw.
 *
 * Rejects with an `OptionError`, with a `WasmError` where `src` or its first instance fails, and with
 * whatever `imports`, `wasi`, `instantiate`, `preinitialize` or `onCreate` threw.
 */
export async function createWasmFactory<Exports = WebAssembly.Exports, Prepared = unknown>(
  src: WasmSource,
  options: WasmFactoryOptions<Exports, Prepared> = {},
): Promise<WasmInstanceFactory<Exports>> {
  const loading = beginLoading(src);
  const { makeWasmFactory } = await import('./make-wasm-factory.js');
  return makeWasmFactory(loading, options);
}
