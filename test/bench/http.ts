// The sandbox server under load: an instance for many requests, and one for each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { heading, record } from './report.ts';

const server = fileURLToPath(
  new URL('../../examples/sandbox-server/dist/main.js', import.meta.url),
);
const CONNECTIONS = [1, 4, 16, 64, 256];
const SECONDS = 4;
const MODES = { 'a pool of 4': {}, 'an instance per request': { MAX_USES: '1' } };

async function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [server], {
    env: { ...process.env, PORT: '0', MAX_WAITING: '1024', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const address = /http:\S+/.exec(line)?.[0] ?? '';
  return {
    address,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

for (const [mode, env] of Object.entries(MODES)) {
  heading(`The sandbox server, ${mode}`);
  const { address, stop } = await start(env);
  for (const connections of CONNECTIONS) {
    const { requests, latency, errors, timeouts, non2xx } = await autocannon({
      url: `${address}/run`,
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '[1, 2, 3].map((n) => n * n)',
      connections,
      duration: SECONDS,
    });
    const figure = (name: string, unit: string, value: number) =>
      record({
        name: `${connections} connections, ${name}`,
        unit,
        median: value,
        from: value,
        to: value,
      });
    figure('requests', '/s', requests.average);
    figure('p99', 'ms', latency.p99);
    figure('errors', '', errors + timeouts + non2xx);
  }
  await stop();
}
