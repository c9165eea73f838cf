import { createRequire } from 'node:module';
import { createWasmWorkerPool, move } from '@wasm-pool/wasm-adapter';
import type { Config } from './config.js';
import { ImageError } from './image-error.js';
import type { Thumbnail, Wanted } from './thumbnail.js';

type Tasks = typeof import('./tasks.js');

const codec = createRequire(import.meta.url).resolve(
  'wasm-image-optimization/wasm-image-optimization.wasm',
);

/** What the codec takes for each pixel at most: of a progressive JPEG, its coefficients and its colours. */
const BYTES_PER_PIXEL = 10;

/** A pool of image codecs, each on a thread of its own: instances of one compiled module. */
export async function openThumbnailer(config: Config) {
  const { threads, maxWaiting, waitMillis, callMillis, memoryBytes, maxPixels } = config;
  const pool = await createWasmWorkerPool<Tasks>(codec, {
    name: 'codec',
    module: new URL('./tasks.js', import.meta.url),
    min: threads,
    max: threads,
    maxWaitingClients: maxWaiting,
    acquireTimeoutMillis: waitMillis,
    callTimeoutMillis: callMillis,
    maxMemoryBytes: memoryBytes,
    // What an image within the limit takes of the codec while it is decoded, whatever its header says.
    limits: { memoryBytes: memoryBytes + maxPixels * BYTES_PER_PIXEL },
  });

  /** Rejects with an `ImageError`, as the pool's calls do, or with the signal's reason. */
  async function thumbnail(
    photo: Uint8Array,
    wanted: Wanted,
    signal?: AbortSignal,
  ): Promise<Thumbnail> {
    // What is moved to the thread is gone here, so a copy is.
    const args = [move(new Uint8Array(photo)), wanted, maxPixels] as const;
    const made = await pool.call('thumbnail', args, { signal });
    if ('bytes' in made) return made;
    throw new ImageError(made.code, made.message);
  }
  return { pool, thumbnail };
}

export type Thumbnailer = Awaited<ReturnType<typeof openThumbnailer>>;
