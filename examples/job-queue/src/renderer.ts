import { fileURLToPath } from 'node:url';
import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import type { Config } from './config.js';
import type { Rendered, Tile } from './job.js';

/** A pool of guests that render tiles, each on a thread of its own, so that any of them can be ended. */
export async function openRenderer({ threads, callMillis }: Config) {
  const guest = fileURLToPath(new URL('../guest/fractal.wasm', import.meta.url));
  const pool = await createWasmWorkerPool<typeof import('./tasks.js')>(guest, {
    name: 'fractal',
    module: new URL('./tasks.js', import.meta.url),
    min: threads,
    max: threads,
    callTimeoutMillis: callMillis,
  });

  /** Rejects with a trap, or with `ERR_WASM_CALL_TIMEOUT` for a tile that takes too long. */
  async function render(tile: Tile, signal?: AbortSignal): Promise<Rendered> {
    const { pixels, instance } = await pool.call('render', [tile], { signal });
    return {
      pixels: Buffer.from(pixels).toString('base64'),
      madeBy: `${process.pid} ${instance}`,
    };
  }
  return { pool, render };
}
