import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../examples/job-queue/dist/config.js';
import { hasRedis, restartableRedis } from './redis.js';

const main = fileURLToPath(new URL('../../examples/job-queue/dist/main.js', import.meta.url));
const withRedis = test.skipIf(!hasRedis);
const needs = hasRedis ? '' : ' (skipped: redis-server is not installed)';

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const exit = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const stderr = text(child.stderr);
  let stdout = '';
  const address = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
      const found = /listens on (http:\S+)\n.*\n/.exec(stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { child, exit, stderr, address };
}

const post = (url: string, body: object) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

interface Counts {
  queue: Record<string, number>;
}
const countsOf = async (address: string) =>
  ((await (await fetch(`${address}/stats`)).json()) as Counts).queue;

withRedis(`it starts a Redis server of its own, and answers what it is sent${needs}`, async () => {
  const { address, child, exit, stderr } = start({ PORT: '0', PROCESSES: '1' });
  const at = await address;
  const response = await post(`${at}/batches`, { columns: 2, size: 8 });
  expect(response.status).toBe(201);
  const { id, jobs } = (await response.json()) as { id: string; jobs: number };
  expect(jobs).toBe(4);
  const events = await (await fetch(`${at}/batches/${id}/events`)).text();
  const outcomes = [...events.matchAll(/^data: (\{"index".*)$/gm)].map(([, it]) =>
    JSON.parse(it ?? ''),
  );
  expect(outcomes.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3]);
  expect(outcomes.every(({ rendered }) => rendered.pixels.length > 0)).toBe(true);
  expect(events).toMatch(/event: done\n/);
  expect((await fetch(`${at}/batches/none/events`)).status).toBe(404);
  expect((await post(`${at}/processes/1/kill`, {})).status).toBe(404);
  child.kill('SIGTERM');
  expect([await exit, await stderr]).toEqual([0, '']);
});

withRedis(`it refuses a batch that it cannot make, and says why${needs}`, async () => {
  const redis = await restartableRedis();
  const { address } = start({ PORT: '0', PROCESSES: '1', REDIS_URL: redis.url });
  const refused = [
    [{ columns: 0 }, 'columns is 0; accepted: a number from 1 to 32'],
    [{ size: 1.5 }, 'size is 1.5; accepted: a whole number from 1 to 1024'],
    [{ left: 'x' }, 'left is "x"; accepted: a number from -4 to 4'],
    [{ priority: 11 }, 'priority is 11; accepted: a number from 1 to 10'],
  ] as const;
  for (const [body, message] of refused) {
    const response = await post(`${await address}/batches`, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: { code: 'ERR_BATCH', message } });
  }
});

withRedis.for(['SIGTERM', 'SIGINT'] as const)(
  `%s finishes the jobs that run, leaves the others in Redis, and ends with exit code 0${needs}`,
  async (signal) => {
    const redis = await restartableRedis();
    const env = { PORT: '0', PROCESSES: '1', REDIS_URL: redis.url };
    const first = start(env);
    const at = await first.address;
    // In the set each of the pixels takes all iterations: some tens of milliseconds a job.
    const slow = { left: -0.1, top: -0.1, width: 0.1, columns: 3, size: 16, iterations: 200_000 };
    await post(`${at}/batches`, slow);
    await expect.poll(async () => (await countsOf(at)).active).toBe(1);
    first.child.kill(signal);
    expect(await first.exit).toBe(0);

    const second = start(env);
    const again = await second.address;
    await expect.poll(async () => (await countsOf(again)).completed).toBe(9);
    expect(await countsOf(again)).toMatchObject({ failed: 0, active: 0, prioritized: 0 });
  },
);

test('a bad variable is an error with exit code 1', async () => {
  const { exit, stderr } = start({ PROCESSES: 'many', REDIS_URL: 'localhost' });
  expect(await stderr).toBe(
    'job-queue: PROCESSES is "many"; accepted: a whole number from 1 to 64\n' +
      'REDIS_URL is "localhost"; accepted: redis://… or rediss://…\n',
  );
  expect(await exit).toBe(1);
});

test('without a redis-server to start, it says what to do', async () => {
  const { exit, stderr } = start({ PORT: '0', PATH: '/nowhere' });
  expect(await stderr).toBe(
    'job-queue: redis-server could not be started: install it, or set REDIS_URL\n',
  );
  expect(await exit).toBe(1);
});

test('an empty variable counts as none', () => {
  expect(readConfig({ REDIS_URL: '', PORT: '' })).toEqual(readConfig({}));
});
