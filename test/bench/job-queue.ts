// examples/job-queue over a Redis of its own: jobs a second by one to four processes, beside what the same
// pool does without a queue. The best of many short rounds: what else runs on the machine only makes them worse.
import { existsSync, globSync, readFileSync } from 'node:fs';
import type { Batch } from '../../examples/job-queue/dist/batches.js';
import { readConfig } from '../../examples/job-queue/dist/config.js';
import type { Tile } from '../../examples/job-queue/dist/job.js';
import { openJobQueue } from '../../examples/job-queue/dist/open-job-queue.js';
import { openRenderer } from '../../examples/job-queue/dist/renderer.js';
import { heading, record } from './report.ts';

const ROUNDS = 9;
const PROCESSES = [1, 2, 3, 4];

/** In the set, where each pixel takes all iterations. */
const inside = { left: -0.1, top: -0.1, width: 0.1 };
const kinds = [
  {
    name: 'jobs of some milliseconds',
    tile: { ...inside, size: 16, iterations: 4_000 },
    jobs: 200,
  },
  {
    name: 'jobs that compute next to nothing',
    tile: { ...inside, size: 4, iterations: 10 },
    jobs: 600,
  },
] satisfies { name: string; tile: Tile; jobs: number }[];

/** How long something takes. */
const seconds = async (run: () => Promise<unknown>) => {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1_000;
};

/** Jobs a second of pools on threads of this process, with no queue before them. */
async function direct(threads: number, tile: Tile, jobs: number): Promise<number> {
  const { pool, render } = await openRenderer({ ...readConfig({}), threads });
  const all = (count: number) => Promise.all(Array.from({ length: count }, () => render(tile)));
  await all(100);
  const rate = jobs / (await seconds(() => all(jobs)));
  await pool.close();
  return rate;
}

/** Jobs a second from when they are submitted until the last one is over. */
async function queued(processes: number, tile: Tile, jobs: number): Promise<number> {
  const env = { PROCESSES: String(processes), MAX_WAITING: String(jobs) };
  const { batches, processes: running, close } = await openJobQueue(readConfig(env));
  const all = async (count: number) => {
    const tiles = Array.from({ length: count }, () => tile);
    await over(await batches.submit(tiles, 5));
  };
  while (running.reports().length < processes) await new Promise((go) => setTimeout(go, 10));
  await all(50);
  const rate = jobs / (await seconds(() => all(jobs)));
  await close();
  return rate;
}

function over(batch: Batch): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const outcomes = [...batch.outcomes.values()];
      const failed = outcomes.find((it) => it.failed !== undefined);
      if (failed !== undefined) reject(new Error(failed.failed));
      if (outcomes.length === batch.tiles.length) resolve();
    };
    batch.events.on('outcome', () => {
      if (batch.outcomes.size === batch.tiles.length) look();
    });
    look();
  });
}

for (const { name, tile, jobs } of kinds) {
  heading(name);
  const subjects: readonly [string, () => Promise<number>][] = [
    ['no queue, 1 thread', () => direct(1, tile, jobs)],
    ['no queue, 2 threads', () => direct(2, tile, jobs)],
    ...PROCESSES.map((count): [string, () => Promise<number>] => [
      `${count} ${count === 1 ? 'process' : 'processes'}`,
      () => queued(count, tile, jobs),
    ]),
  ];
  const rounds = new Map<string, number[]>(subjects.map(([subject]) => [subject, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [subject, run] of subjects) rounds.get(subject)?.push(await run());
  }
  const best = (subject: string) => Math.max(...(rounds.get(subject) ?? []));
  for (const [subject, rates] of rounds) {
    const range = { from: Math.min(...rates), to: best(subject) };
    record({ name: subject, unit: '/s', median: best(subject), ...range });
  }
  for (const count of PROCESSES.slice(1)) {
    const ratio = best(`${count} processes`) / best('1 process');
    const range = { median: ratio, from: ratio, to: ratio };
    record({ name: `${count} processes ÷ 1 process`, unit: '', ...range, moreIsBetter: true });
  }
}

/** The processor time of this process and of those that it started, in milliseconds, by what they are. */
function processorTime(): Record<'submitting' | 'workers' | 'Redis', number> {
  const times = { submitting: 0, workers: 0, Redis: 0 };
  const lists = globSync(`/proc/${process.pid}/task/*/children`);
  const children = lists.flatMap((list) => readFileSync(list, 'utf8').match(/\d+/g) ?? []);
  for (const pid of [String(process.pid), ...children]) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const millis = (Number(fields[11]) + Number(fields[12])) * 10; // user and system, in ticks
    if (stat.includes('(redis-server)')) times.Redis += millis;
    else times[pid === String(process.pid) ? 'submitting' : 'workers'] += millis;
  }
  return times;
}

const tiny = kinds[1]?.tile as Tile;
if (existsSync('/proc/self/stat')) {
  heading('processor time of a job that computes next to nothing');
  const jobs = 3_000;
  const env = { PROCESSES: '2', MAX_WAITING: String(jobs) };
  const { batches, processes, close } = await openJobQueue(readConfig(env));
  while (processes.reports().length < 2) await new Promise((go) => setTimeout(go, 10));
  const submit = async (count: number) =>
    over(
      await batches.submit(
        Array.from({ length: count }, () => tiny),
        5,
      ),
    );
  await submit(300);
  const before = processorTime();
  await submit(jobs);
  const after = processorTime();
  for (const name of ['submitting', 'workers', 'Redis'] as const) {
    const millis = (after[name] - before[name]) / jobs;
    record({ name, unit: 'ms', median: millis, from: millis, to: millis });
  }
  await close();
}
