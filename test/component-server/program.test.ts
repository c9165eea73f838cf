import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { get, guestPath, openUpstream } from './server.js';

// Some of them take seconds where all of them are run at once.
const main = fileURLToPath(
  new URL('../../examples/component-server/dist/main.js', import.meta.url),
);
const usage = 'accepted: one that exports wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3';

/** The program itself; `address` once it says that it listens. */
function start(args: string[], env: Record<string, string> = {}) {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const given = { HOME: process.env.HOME, PORT: '0', ...env };
  const child = spawn(process.execPath, [main, ...args], { env: given, stdio: [...stdio] });
  onTestFinished(() => void child.kill('SIGKILL'));
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
  const { address, stdout } = start([]);
  const at = await address;
  const tried = /^try: curl '(.*)'$/m.exec(stdout())?.[1] ?? '';
  expect(tried).toContain(at);
  expect(await get(tried)).toEqual({ status: 200, body: '78498' });
});

test.for([
  ['preview2', 'SIGTERM'],
  ['preview3', 'SIGINT'],
] as const)(
  'serving %s, %s finishes what is running, then ends with 0',
  async ([preview, signal]) => {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    const upstream = await openUpstream((_, response) => resolve(() => response.end('at last')));
    const { address, child, exit, stderr } = start([guestPath(preview)], upstream);
    const at = await address;
    const running = get(`${at}/upstream`);
    const answer = await asked;
    const said = once(child.stdout, 'data');
    child.kill(signal);
    await said;
    answer();
    expect(await running).toEqual({ status: 200, body: 'at last' });
    expect([await exit, await stderr]).toEqual([0, '']);
    await expect(fetch(at)).rejects.toThrow('fetch failed');
  },
);

test('a second signal ends it at once', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const upstream = await openUpstream(() => resolve());
  const { address, child, exit } = start([], upstream);
  get(`${await address}/upstream`).catch(() => {});
  await asked;
  const said = once(child.stdout, 'data');
  child.kill('SIGTERM');
  await said;
  child.kill('SIGTERM');
  expect(await exit).toBe('SIGTERM');
});

test('a bad variable, and a second component, are errors with exit code 1', async () => {
  const { exit, stderr } = start(['a.wasm', 'b.wasm'], { INSTANCES: 'many' });
  expect(await stderr).toBe(
    'component-server: b.wasm: accepted is one component\n' +
      'INSTANCES is "many"; accepted: a whole number from 1 to 1000\n',
  );
  expect(await exit).toBe(1);
});

test('a file that is not there, or no component for HTTP, is an error with exit code 1', async () => {
  const missing = start(['nowhere.wasm']);
  expect(await missing.stderr).toMatch(/^component-server: .*ENOENT/);
  expect(await missing.exit).toBe(1);
  const wrong = start([main]);
  expect(await wrong.stderr).toBe(
    `component-server: component is no component for HTTP: it exports nothing; ${usage}\n`,
  );
  expect(await wrong.exit).toBe(1);
});
