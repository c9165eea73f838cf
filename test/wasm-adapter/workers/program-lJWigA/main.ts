import { Worker } from 'node:worker_threads';
import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';

const pool = await createWasmWorkerPool<typeof import('./tasks.ts')>(
  new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100,
    100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11,
  ]),
  {
    worker: (options) => new Worker(new URL('./worker.ts', import.meta.url), options),
    max: 1,
  },
);
console.log(await pool.run.twice(21), await pool.run.add(1, 2));
await pool.close();
