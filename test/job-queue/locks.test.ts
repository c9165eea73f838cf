import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../examples/job-queue/dist/config.js';
import { openConsumer } from '../../examples/job-queue/dist/consumer.js';
import { QUEUE, type Tile } from '../../examples/job-queue/dist/job.js';
import { openRenderer } from '../../examples/job-queue/dist/renderer.js';
import { hasRedis, restartableRedis } from './redis.js';

const LOCK_MILLIS = 1_500;
const inside = { left: -0.1, top: -0.1, width: 0.1, size: 16 };
const needs = hasRedis ? '' : ' (skipped: redis-server is not installed)';
const withRedis = test.skipIf(!hasRedis);

/** A tile that takes about so long on this machine, now. */
async function tileOf(millis: number): Promise<Tile> {
  const { pool, render } = await openRenderer({ ...readConfig({}), threads: 1 });
  const probe = 200_000;
  const start = performance.now();
  await render({ ...inside, iterations: probe });
  const took = performance.now() - start;
  await pool.close();
  return { ...inside, iterations: Math.ceil((probe * millis) / took) };
}

/** A queue for one job of several locks, and what becomes of it. */
async function queueWithOneJob(url: string) {
  const connection = { url, maxRetriesPerRequest: null };
  const queue = new Queue<Tile>(QUEUE, { connection });
  const events = new QueueEvents(QUEUE, { connection });
  const stalled: string[] = [];
  events.on('stalled', ({ jobId }) => stalled.push(jobId));
  await events.waitUntilReady();
  onTestFinished(async () => {
    await events.close();
    await queue.close();
  });
  return {
    connection,
    stalled,
    active: () => queue.getActiveCount(),
    add: async () => queue.add('render', await tileOf(5 * LOCK_MILLIS)),
    async finished(id: string) {
      await expect.poll(async () => (await queue.getJob(id))?.isCompleted()).toBe(true);
      return queue.getJob(id);
    },
  };
}

withRedis(
  `a job that is longer than its lock, on the main thread, is begun by another process as well${needs}`,
  async () => {
    const { url } = await restartableRedis();
    const { connection, add, active, stalled, finished } = await queueWithOneJob(url);
    const script = fileURLToPath(new URL('./main-thread-worker.ts', import.meta.url));
    const child = fork(script, [url, QUEUE, String(LOCK_MILLIS)]);
    const exit = once(child, 'exit');
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await exit;
    });
    await once(child, 'message');
    const { id = '' } = await add();
    await expect.poll(active).toBe(1);
    const other = new Worker(QUEUE, async () => 'another process', {
      connection,
      lockDuration: LOCK_MILLIS,
      stalledInterval: LOCK_MILLIS / 2,
      maxStalledCount: 3,
    });
    onTestFinished(() => other.close());
    const job = await finished(id);
    expect(stalled).toContain(id);
    expect(job?.attemptsStarted).toBe(2);
    expect(job?.returnvalue).toBe('another process'); // the first one's result is refused
  },
);

withRedis(`on a thread it keeps its lock, and is begun once${needs}`, async () => {
  const { url } = await restartableRedis();
  const { connection, add, stalled, finished } = await queueWithOneJob(url);
  const env = { REDIS_URL: url, LOCK_MILLIS: String(LOCK_MILLIS), CALL_MILLIS: '60000' };
  const consumer = await openConsumer({ ...readConfig(env), redisUrl: url });
  onTestFinished(() => consumer.close());
  const { id = '' } = await add();
  await expect.poll(() => consumer.report().active).toBe(1);
  const other = new Worker(QUEUE, async () => 'another process', {
    connection,
    lockDuration: LOCK_MILLIS,
    stalledInterval: LOCK_MILLIS / 2,
  });
  onTestFinished(() => other.close());
  const job = await finished(id);
  expect(stalled).toEqual([]);
  expect(job?.attemptsStarted).toBe(1);
  expect(job?.returnvalue).toMatchObject({ madeBy: expect.stringContaining(`${process.pid} `) });
});
