import { Queue } from 'bullmq';
import { expect, onTestFinished, test } from 'vitest';
import type { Batch } from '../../examples/job-queue/dist/batches.js';
import { readConfig } from '../../examples/job-queue/dist/config.js';
import { QUEUE, type Tile } from '../../examples/job-queue/dist/job.js';
import { openJobQueue } from '../../examples/job-queue/dist/open-job-queue.js';
import { long } from '../helpers/long.js';
import { hasRedis, restartableRedis } from './redis.js';

const tile = (more: Partial<Tile> = {}): Tile => ({
  left: -0.75,
  top: 0.1,
  width: 0.01,
  size: 16,
  iterations: 20_000,
  ...more,
});

/** A guest that is asked for more pixels than it has room for traps. */
const TRAPS = tile({ size: 1_000 });
/** In the set all iterations are done, of each of the pixels. */
const ENDLESS = tile({ left: -0.1, top: -0.1, width: 0.1, iterations: 4e9 });

async function open(env: Record<string, string>) {
  const config = readConfig({ PORT: '0', LOCK_MILLIS: '1000', ...env });
  const it = await openJobQueue(config);
  onTestFinished(() => it.close());
  return it;
}

/** Resolves once so many jobs of a batch are over. */
function over(batch: Batch, count: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (batch.outcomes.size >= count) resolve();
    };
    batch.events.on('outcome', look);
    look();
  });
}

const JOBS = long ? 1_000 : 150;
const TRAPPING = JOBS * 0.4;
const withRedis = test.skipIf(!hasRedis);
const needs = hasRedis ? '' : ' (skipped: redis-server is not installed)';

withRedis(
  `${JOBS} jobs are all done, and none twice, though a process is killed and Redis is restarted${needs}`,
  { timeout: 300_000 },
  async () => {
    const redis = await restartableRedis();
    const { batches, processes } = await open({ REDIS_URL: redis.url, PROCESSES: '3' });
    const tiles = Array.from({ length: JOBS }, (_, index) => (index === TRAPPING ? TRAPS : tile()));
    const batch = await batches.submit(tiles, 5);

    await over(batch, JOBS * 0.2);
    const victim = processes.reports()[0];
    expect(processes.kill(victim?.pid ?? 0)).toBe(true);
    await over(batch, JOBS * 0.6);
    await redis.restart();
    await over(batch, JOBS);

    const queue = new Queue<Tile>(QUEUE, { connection: { url: redis.url } });
    onTestFinished(() => queue.close());
    const counts = await batches.counts();
    expect(counts).toMatchObject({ completed: JOBS - 1, failed: 1, active: 0, prioritized: 0 });
    for (const [index, { rendered, failed }] of batch.outcomes) {
      const job = await queue.getJob(`${batch.id}-${index}`);
      if (index === TRAPPING) {
        expect(failed).toMatch(/unreachable/);
        expect(job?.attemptsMade).toBe(3);
      } else {
        expect(Buffer.from(rendered?.pixels ?? '', 'base64')).toHaveLength(256);
        // Begun once, and once more for each time that its process was gone.
        expect(job?.attemptsStarted).toBe(1 + (job?.stalledCounter ?? 0));
      }
    }
  },
);

withRedis(
  `a job that traps is tried again on a new instance, and then fails with the trap${needs}`,
  { timeout: 120_000 },
  async () => {
    const { batches, processes } = await open({ PROCESSES: '1', ATTEMPTS: '4' });
    const batch = await batches.submit([TRAPS, tile()], 5);
    await over(batch, 2);
    expect(batch.outcomes.get(0)?.failed).toMatch(/unreachable/);
    expect(batch.outcomes.get(1)?.rendered).toBeDefined();
    await expect
      .poll(() => processes.reports()[0]?.destroyedBy, { timeout: 60_000 })
      .toEqual({
        trap: 4,
      });
  },
);

withRedis(
  `a job that never ends ends by its limit, is not tried again, and harms no other${needs}`,
  { timeout: 120_000 },
  async () => {
    const { batches, processes } = await open({ PROCESSES: '1', CALL_MILLIS: '2000' });
    const batch = await batches.submit([ENDLESS, tile(), tile()], 5);
    await over(batch, 3);
    expect(batch.outcomes.get(0)?.failed).toMatch(/callTimeoutMillis \(2000 ms\)/);
    expect(batch.outcomes.get(1)?.rendered).toBeDefined();
    expect(batch.outcomes.get(2)?.rendered).toBeDefined();
    await expect
      .poll(() => processes.reports()[0]?.destroyedBy, { timeout: 60_000 })
      .toEqual({
        timeout: 1,
      });
  },
);

withRedis(`jobs of a higher priority go first${needs}`, { timeout: 120_000 }, async () => {
  const { batches } = await open({ PROCESSES: '1' });
  const order: string[] = [];
  const slow = tile({ left: -0.1, top: -0.1, iterations: 1_000_000 });
  const first = await batches.submit([slow, ...Array.from({ length: 20 }, () => tile())], 9);
  const urgent = await batches.submit([tile()], 1);
  first.events.on('outcome', ({ index }) => order.push(`first ${index}`));
  urgent.events.on('outcome', () => order.push('urgent'));
  await Promise.all([over(first, 21), over(urgent, 1)]);
  expect(order.indexOf('urgent')).toBeLessThan(order.length - 2);
});

withRedis(
  `a batch beyond what may wait is refused, and nothing of it is queued${needs}`,
  { timeout: 120_000 },
  async () => {
    const { batches } = await open({ PROCESSES: '1', MAX_WAITING: '10' });
    const tiles = Array.from({ length: 11 }, () => tile());
    await expect(batches.submit(tiles, 5)).rejects.toMatchObject({
      code: 'ERR_QUEUE_FULL',
      message: '0 jobs wait; accepted: 10 at most',
    });
    expect(await batches.counts()).toMatchObject({ prioritized: 0, active: 0, completed: 0 });
  },
);
