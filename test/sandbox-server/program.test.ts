import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { run, runningAndWaiting, statsOf, until } from './server.js';

const main = fileURLToPath(new URL('../../examples/sandbox-server/dist/main.js', import.meta.url));

/** More than any script here takes, on however slow a machine. */
const patient = { CPU_MILLIS: '600000', DEADLINE_MILLIS: '600000', WAIT_MILLIS: '600000' };

/** The program itself; `address` once it says that it listens. */
function start(given: Record<string, string>) {
  const env = { ...patient, ...given };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
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

test('it prints its address, and a line to try that works', async () => {
  const { address, stdout } = start({ PORT: '0' });
  const at = await address;
  expect(at).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const [, header, code, url] =
    /^try: curl -H '(.*)' -d '(.*)' (\S+)$/m.exec(stdout()) ?? expect.fail(stdout());
  expect([header, url]).toEqual(['content-type: text/plain', `${at}/run`]);
  expect((await run(at, code ?? '')).body.result).toEqual([1, 4, 9]);
});

test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s finishes the script under way, then ends with exit code 0',
  async (signal) => {
    const { address, child, exit, stderr } = start({ PORT: '0', MAX: '1' });
    const at = await address;
    const { running, waiting } = await runningAndWaiting(at);
    child.kill(signal);
    expect((await running).body.result).toBe('finished');
    expect((await waiting).body.error?.code).toBe('ERR_POOL_CLOSED');
    expect([await exit, await stderr]).toEqual([0, '']);
    await expect(run(at, '1')).rejects.toThrow('fetch failed');
  },
);

test('SIGTERM while a script computes is heard when that is over', async () => {
  const { address, child, exit } = start({ PORT: '0' });
  const at = await address;
  const running = run(at, 'const end = Date.now() + 400; while (Date.now() < end); "finished"');
  await new Promise((resolve) => setTimeout(resolve, 150));
  child.kill('SIGTERM');
  // Either it was under way by then, or the signal came before the request.
  const answer = await running.catch(() => undefined);
  if (answer?.status === 200) expect(answer.body.result).toBe('finished');
  expect(await exit).toBe(0);
});

test('between scripts that compute, others are heard', async () => {
  const { address } = start({ PORT: '0', MAX: '4' });
  const at = await address;
  const busy = 'const end = Date.now() + 100; while (Date.now() < end); 1';
  let left = 15;
  const scripts = Array.from({ length: left }, () => run(at, busy).then(() => left--));
  await until(async () => (await statsOf(at)).acquired > 0);
  expect(left).toBeGreaterThan(0);
  await Promise.all(scripts);
});

test('no sleep of a script keeps it from ending', async () => {
  const { address, child, exit } = start({ PORT: '0', CPU_MILLIS: '50', DEADLINE_MILLIS: '100' });
  const at = await address;
  const sleeps = 'for (let i = 0; i < 100; i++) sleep(600_000);';
  await run(at, `${sleeps} 1`);
  await run(at, `${sleeps} throw 1`);
  await run(at, `${sleeps} for (;;);`);
  await run(at, `${sleeps} sleep(600_000)`);
  await run(at, `${sleeps} Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)`);
  await run(at, `${sleeps} JSON.parse('['.repeat(1e6))`);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});

test('a second signal ends it at once', async () => {
  const { address, child, exit } = start({ PORT: '0' });
  const at = await address;
  run(at, 'sleep(600_000)').catch(() => {});
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
    `sandbox-server: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
  );
  expect(await exit).toBe(1);
});

test('a bad variable is an error with exit code 1', async () => {
  const { exit, stderr } = start({ MAX: 'many', PORT: '70000' });
  expect(await stderr).toBe(
    'sandbox-server: PORT is "70000"; accepted: a whole number from 0 to 65535\n' +
      'MAX is "many"; accepted: a whole number from 1 to 1000\n',
  );
  expect(await exit).toBe(1);
});
