import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseScrape, sampleOf } from '../helpers/prometheus.js';
import { guestPath } from '../http/guests.js';

const main = join(import.meta.dirname, '../../packages/wasm-adapter/dist/cli.js');

type Line = Readonly<Record<string, unknown>>;

/** `wasm-pool serve` with these arguments, once it listens; what it prints is read as JSON. */
async function serve(...args: readonly string[]) {
  const child = spawn(process.execPath, [main, 'serve', '--log', 'json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const lines = () =>
    printed
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
  await expect.poll(() => lines().length, { message: printed }).toBeGreaterThan(0);
  const [first] = lines() as [Line];
  return {
    ...{ first, lines },
    ask: (path: string) => fetch(`${first.address}${path}`),
    async stop() {
      child.kill('SIGTERM');
      const [code] = await exited;
      return code as unknown;
    },
  };
}

test('serve says first how many instances and threads there are, and why', async () => {
  const two = await serve('--port', '0', '--max', '4', '--threads', '2', guestPath(2));
  expect(two.first).toMatchObject({ preview: 2, instances: 2, threads: 2 });
  expect(two.first.message).toMatch(/for one of preview 2 blocks its thread while it waits/);
  const three = await serve('--port', '0', '--max', '4', guestPath(3));
  expect(three.first).toMatchObject({ preview: 3, instances: 4, threads: 1 });
});

test.each([2, 3])(
  'serve answers, and logs each request of a component of preview %d',
  async (preview) => {
    const { ask, lines, stop } = await serve('--port', '0', '--max', '1', guestPath(preview));
    const answer = await ask('/primes?below=10');
    expect([answer.status, await answer.text()]).toEqual([200, '4']);
    expect((await ask('/no-such-page')).status).toBe(404);
    const access = () => lines().filter(({ type }) => type === 'access');
    await expect.poll(access).toMatchObject([
      { method: 'GET', path: '/primes?below=10', status: 200, complete: true },
      { method: 'GET', path: '/no-such-page', status: 404 },
    ]);
    expect(await stop()).toBe(0);
  },
);

test('serve tells its health, and counts requests by status for Prometheus', async () => {
  const { ask } = await serve('--port', '0', guestPath(3));
  expect((await ask('/healthz')).status).toBe(200);
  await (await ask('/primes?below=10')).text();
  const scrape = parseScrape(await (await ask('/metrics')).text());
  expect(sampleOf(scrape, 'wasm_pool_http_requests_total', { status: '200' })).toBe(1);
  const { ask: bare } = await serve('--port', '0', '--no-admin', guestPath(3));
  expect((await bare('/healthz')).status).toBe(404); // the component's own
});

test('serve takes the next port that is free, or none where it has to be that one', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const { first } = await serve('--port', String(port), guestPath(3));
  expect(Number(new URL(String(first.address)).port)).toBeGreaterThan(port);
  const strict = spawn(
    process.execPath,
    [main, 'serve', '--strict-port', '--port', String(port), guestPath(3)],
    {
      stdio: 'ignore',
    },
  );
  expect((await once(strict, 'exit'))[0]).not.toBe(0);
});

test.each([
  [['serve'], /no component is given/],
  [['serve', '--max', '0', 'app.wasm'], /--max is "0"; accepted: a whole number/],
  [['serve', '--timeout', 'soon', 'app.wasm'], /--timeout is "soon"/],
  [['serve', '-S', 'sockets', 'app.wasm'], /sockets/],
])('serve refuses %j, with what is accepted', async (args, message) => {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const [code] = await once(child, 'close');
  expect(code).not.toBe(0);
  expect(printed).toMatch(message);
});
