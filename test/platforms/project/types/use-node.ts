// Compiled with the types of Node.js, and without those of the DOM.
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import {
  createWasmCommandPool,
  createWasmPool,
  createWasmWorkerPool,
} from '@wasm-pool/wasm-adapter';

await createWasmPool(readFile('plugin.wasm'));
await createWasmPool(await readFile('plugin.wasm'));
await createWasmPool(new URL('file:///plugin.wasm'));
await createWasmPool(fetch('http://localhost/plugin.wasm'));
// @ts-expect-error: no source
await createWasmPool(new Worker('worker.js'));

export const onThreads = await createWasmWorkerPool<{ add(): number }>('plugin.wasm', {
  worker: (options) => new Worker(new URL('file:///worker.js'), options),
  env: process.env,
  resourceLimits: { maxOldGenerationSizeMb: 16 },
});
const pool = await createWasmCommandPool('tool.wasm', {});
export const ended = pool.run({ signal: AbortSignal.timeout(1), stdin: process.stdin });
