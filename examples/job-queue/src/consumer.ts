import { WasmError } from '@wasm-pool/wasm-adapter';
import { type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Config } from './config.js';
import { connectionTo } from './connection.js';
import { type ProcessReport, QUEUE, type Rendered, type Tile } from './job.js';
import { openRenderer } from './renderer.js';

/** Takes jobs off the queue, as many at once as the pool has instances, and runs them in the pool. */
export async function openConsumer(config: Config & { readonly redisUrl: string }) {
  const { pool, render } = await openRenderer(config);
  let active = 0;
  let completed = 0;

  const run = async (job: Job<Tile, Rendered>, _token?: string, signal?: AbortSignal) => {
    active++;
    try {
      await job.updateProgress({ startedBy: process.pid });
      const rendered = await render(job.data, signal);
      completed++;
      return rendered;
    } catch (error) {
      throw isEndless(error) ? new UnrecoverableError(error.message) : error;
    } finally {
      active--;
    }
  };

  const { lockMillis } = config;
  const worker = new Worker<Tile, Rendered>(QUEUE, run, {
    connection: connectionTo(config.redisUrl),
    concurrency: pool.max,
    lockDuration: lockMillis,
    stalledInterval: lockMillis / 2,
    // A job whose process was killed is run by another one, as often as that happens to it within reason.
    maxStalledCount: 3,
  });
  // Redis may be gone for a while: the connection is made anew, and jobs go on.
  worker.on('error', (error) => console.error(`worker ${process.pid}: ${error.message}`));
  await worker.waitUntilReady();

  return {
    report(): ProcessReport {
      const { size: instances, destroyedBy } = pool.stats();
      return { pid: process.pid, active, completed, instances, destroyedBy };
    },
    /** Takes no further job, and lets those that run finish. */
    async close(): Promise<void> {
      await worker.close();
      await pool.close();
    },
  };
}

/** A trap may be the instance's fault, so the job is tried on another one. What never ends never will. */
function isEndless(error: unknown): error is WasmError {
  return error instanceof WasmError && error.code === 'ERR_WASM_CALL_TIMEOUT';
}
