// Compiled with the types of the DOM: what this package speaks of are the platform's own types.
import {
  createWasmPool,
  createWasmWorkerPool,
  type WasmInstance,
  type WasmPool,
} from '@wasm-pool/wasm-adapter';

declare const compiled: WebAssembly.Module;
await createWasmPool(compiled);
await createWasmPool(await WebAssembly.compileStreaming(fetch('/plugin.wasm')));
await createWasmPool(fetch('/plugin.wasm'));
await createWasmPool(new URL('https://example.org/plugin.wasm'));

declare const pool: WasmPool;
export const module: WebAssembly.Module = pool.module;
export const memoryOf = ({ memory }: WasmInstance): WebAssembly.Memory | undefined => memory;
export const aborted = pool.use(() => {}, { signal: AbortSignal.timeout(1) });

export const onThreads = await createWasmWorkerPool<{ add(): number }>(compiled, {
  worker: () => new Worker(new URL('./worker.js', location.href), { type: 'module' }),
});
