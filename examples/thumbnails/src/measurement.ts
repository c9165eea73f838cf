import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { photos } from './photos.js';
import * as tasks from './tasks.js';
import { SIZES, type Wanted } from './thumbnail.js';
import type { Thumbnailer } from './thumbnailer.js';

/** How the main thread fared while the thumbnails were made. */
export interface Delay {
  /** Of a hundred turns of the event loop, 99 came at most this late. */
  readonly p99Millis: number;
  readonly longestMillis: number;
  readonly tookMillis: number;
}

export interface Measurement {
  readonly thumbnails: number;
  readonly withWorkers: Delay;
  readonly withoutWorkers: Delay;
}

const MOST_WAITING = 8;

/**
 * Makes so many thumbnails on the pool's threads, and then the same on the main thread. It is also
 * printed, in one line.
 */
export async function measure(
  { pool, thumbnail }: Thumbnailer,
  count: number,
): Promise<Measurement> {
  const kinds = photos.flatMap(({ bytes }) =>
    SIZES.map((size) => ({ bytes, size, format: 'webp' as const })),
  );
  const jobs = Array.from({ length: Math.ceil(count / kinds.length) }, () => kinds).flat();
  jobs.length = count;

  const withWorkers = await whileWatched(async () => {
    const left = jobs.values();
    const callers = Array.from({ length: MOST_WAITING }, async () => {
      for (const { bytes, ...wanted } of left) await thumbnail(bytes, wanted);
    });
    await Promise.all(callers);
  });

  // One instance of the same module, and the same task; each of them in a turn of its own.
  await using single = await createWasmPool<tasks.Codec>(pool.module, {
    instantiate: tasks.instantiate,
  });
  const here = (photo: Uint8Array, wanted: Wanted) =>
    single.useSync((instance) => tasks.thumbnail(instance, photo, wanted, Number.MAX_SAFE_INTEGER));
  const withoutWorkers = await whileWatched(async () => {
    for (const { bytes, ...wanted } of jobs) {
      here(bytes, wanted);
      await setImmediate();
    }
  });

  console.log(
    `event loop delay p99: ${withWorkers.p99Millis} ms with workers, ` +
      `${withoutWorkers.p99Millis} ms without (${jobs.length} thumbnails ` +
      `in ${withWorkers.tookMillis} ms and ${withoutWorkers.tookMillis} ms)`,
  );
  return { thumbnails: jobs.length, withWorkers, withoutWorkers };
}

async function whileWatched(work: () => Promise<void>): Promise<Delay> {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const startedMillis = performance.now();
  await work();
  const tookMillis = performance.now() - startedMillis;
  await setImmediate(); // so that the last turn counts
  histogram.disable();
  const millis = (nanos: number) => Math.round(nanos / 1e4) / 100;
  return {
    p99Millis: millis(histogram.percentile(99)),
    longestMillis: millis(histogram.max),
    tookMillis: Math.round(tookMillis),
  };
}
