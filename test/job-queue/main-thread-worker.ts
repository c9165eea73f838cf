// A worker process that lends instances on its main thread: what docs/scaling-out.md says not to do.
import { readFileSync } from 'node:fs';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { Worker } from 'bullmq';

const [, , url = '', queue = '', lockMillis = ''] = process.argv;
const guest = readFileSync(new URL('../../examples/job-queue/guest/fractal.wasm', import.meta.url));
type Render = (
  left: number,
  top: number,
  width: number,
  size: number,
  iterations: number,
) => number;
const pool = await createWasmPool<{ render: Render }>(guest, { max: 1 });

const worker = new Worker(
  queue,
  async ({ data: { left, top, width, size, iterations } }) => {
    await pool.use(({ exports }) => exports.render(left, top, width, size, iterations));
    return process.pid;
  },
  {
    connection: { url, maxRetriesPerRequest: null },
    lockDuration: Number(lockMillis),
    stalledInterval: Number(lockMillis) / 2,
    maxStalledCount: 3,
  },
);
worker.on('error', () => {}); // the lock that it lost
await worker.waitUntilReady();
process.send?.('ready');
