import type { WasmSource } from '../wasm-source.js';
import type { HttpComponent } from './http-component.js';
import type { HttpComponentOptions } from './http-options.js';

/**
 * Makes a component for `wasi:http` answer requests: one that exports `wasi:http/incoming-handler@0.2`,
 * on threads, each request with an instance that nobody used before; or `wasi:http/handler@0.3`, on this
 * thread, with instances that are reused. Resolves once the first instance works.
 *
 * Rejects as `createWasmPool` does, and with a `WasmError` `ERR_WASM_COMPONENT` where it exports neither.
 */
export async function createHttpComponent(
  src: WasmSource | PromiseLike<WasmSource>,
  options: HttpComponentOptions = {},
): Promise<HttpComponent> {
  const { makeHttpComponent } = await import('./make-http-component.js');
  return makeHttpComponent(src, options);
}
