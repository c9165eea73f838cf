import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { pngOf } from './png.js';
import { patient, photoOf, statsOf, until, upload } from './server.js';

const path = (name: string) =>
  fileURLToPath(new URL(`../../examples/thumbnails/dist/${name}.js`, import.meta.url));

const delays =
  /event loop delay p99: [\d.]+ ms with workers, [\d.]+ ms without \(6 thumbnails in \d+ ms and \d+ ms\)\n/;

/** The program itself; `address` once it says that it listens. */
function start(given: Record<string, string>) {
  const env = { ...patient, MEASURED: '6', ...given };
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn(process.execPath, [path('main')], { env, stdio: [...stdio] });
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
  return { child, exit, stderr, address, stdout: () => stdout };
}

const large = pngOf(4_000, 4_000);

test('it prints its address, and a line to try that measures the delay of its event loop', async () => {
  const { address, stdout } = start({ PORT: '0' });
  const at = await address;
  expect(stdout()).toContain(`try: curl -X POST ${at}/measure\n`);
  const post = async () => (await fetch(`${at}/measure`, { method: 'POST' })).json();
  const [measurement, other] = await Promise.all([post(), post()]);
  expect(other).toEqual(measurement); // a second one that asks meanwhile gets the same
  const delay = {
    p99Millis: expect.any(Number),
    longestMillis: expect.any(Number),
    tookMillis: expect.any(Number),
  };
  expect(measurement).toEqual({ thumbnails: 6, withWorkers: delay, withoutWorkers: delay });
  await until(() => delays.test(stdout()));
  expect(await statsOf(at)).toMatchObject({ acquired: 6, borrowed: 0, pending: 0 });
});

test('another program prints the delay, and ends', async () => {
  const child = spawn(process.execPath, [path('measure')], {
    env: { ...patient, MEASURED: '6' },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(delays);
});

test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s finishes what is running, then ends with exit code 0',
  async (signal) => {
    const { address, child, exit, stderr } = start({ PORT: '0', THREADS: '1' });
    const at = await address;
    const running = upload(at, large, { type: 'image/png' });
    await until(async () => (await statsOf(at)).borrowed === 1);
    const waiting = upload(at, photoOf('black-canyon'));
    await until(async () => (await statsOf(at)).pending === 1);
    child.kill(signal);
    expect((await waiting).error?.code).toBe('ERR_POOL_CLOSED');
    expect((await running).status).toBe(200);
    expect([await exit, await stderr]).toEqual([0, '']);
    await expect(fetch(at)).rejects.toThrow('fetch failed');
  },
);

test('a second signal ends it at once', async () => {
  const { address, child, exit } = start({ PORT: '0', THREADS: '1' });
  const at = await address;
  upload(at, large, { type: 'image/png' }).catch(() => {});
  await until(async () => (await statsOf(at)).borrowed === 1);
  const said = once(child.stdout, 'data');
  child.kill('SIGTERM');
  await said;
  child.kill('SIGTERM');
  expect(await exit).toBe('SIGTERM');
});

test('a port in use is an error with exit code 1', async () => {
  const first = start({ PORT: '0' });
  const { port } = new URL(await first.address);
  const { exit, stderr } = start({ PORT: port });
  expect(await stderr).toBe(
    `thumbnails: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
  );
  expect(await exit).toBe(1);
});

test('a bad variable is an error with exit code 1', async () => {
  const { exit, stderr } = start({ THREADS: 'many', PORT: '70000' });
  expect(await stderr).toBe(
    'thumbnails: PORT is "70000"; accepted: a whole number from 0 to 65535\n' +
      'THREADS is "many"; accepted: a whole number from 1 to 1000\n',
  );
  expect(await exit).toBe(1);
});
