// The sandbox server under load: an instance for many requests, and one for each.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { heading, record } from './report.ts';
import { spread } from './rounds.ts';

const server = fileURLToPath(
  new URL('../../examples/sandbox-server/dist/main.js', import.meta.url),
);
const CONNECTIONS = [1, 4, 16, 64, 256];
const SECONDS = 2;
const ROUNDS = 3;
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

/** One round: both servers in turn. */
async function load(connections: number) {
  const results = new Map<string, { requests: number; p99: number; errors: number }>();
  for (const [mode, { address }] of servers) {
    const { requests, latency, errors, timeouts, non2xx } = await autocannon({
      url: `${address}/run`,
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '[1, 2, 3].map((n) => n * n)',
      connections,
      duration: SECONDS,
    });
    const failed = errors + timeouts + non2xx;
    results.set(mode, { requests: requests.average, p99: latency.p99, errors: failed });
  }
  return results;
}

const servers = new Map<string, Awaited<ReturnType<typeof start>>>();
for (const [mode, env] of Object.entries(MODES)) servers.set(mode, await start(env));
await load(16); // to warm up
heading('The sandbox server');
for (const connections of CONNECTIONS) {
  const rounds: Awaited<ReturnType<typeof load>>[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await load(connections));
  const of = (mode: string, figure: 'requests' | 'p99' | 'errors') =>
    rounds.map((round) => round.get(mode)?.[figure] ?? Number.NaN);
  for (const mode of servers.keys()) {
    const under = `${connections} connections, ${mode}`;
    record({ name: `${under}, requests`, unit: '/s', ...spread(of(mode, 'requests')) });
    record({ name: `${under}, p99`, unit: 'ms', ...spread(of(mode, 'p99')) });
    record({ name: `${under}, errors`, unit: '', ...spread(of(mode, 'errors')) });
  }
  const others = of('an instance per request', 'requests');
  record({
    name: `${connections} connections, a pool of 4 ÷ an instance per request`,
    unit: '',
    ...spread(of('a pool of 4', 'requests').map((it, round) => it / (others[round] as number))),
    moreIsBetter: true,
  });
}
for (const { stop } of servers.values()) await stop();
