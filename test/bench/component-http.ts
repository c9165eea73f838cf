// One HTTP component, served by examples/component-server and by `jco serve`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { heading, record } from './report.ts';
import { spread } from './rounds.ts';

const CONNECTIONS = [1, 16, 64];
const SECONDS = 3;
const ROUNDS = 3;
const ROUTES = {
  'computes for some 0.5 ms': { path: '/primes?below=10000', body: '1229' },
  'waits 5 ms for another server': { path: '/upstream', body: 'from upstream' },
};

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const program = path('../../examples/component-server/dist/main.js');
const guest = (preview: string) => path(`../../examples/component-server/guest/${preview}.wasm`);
const jco = [
  '../node_modules/.bin/jco',
  'serve',
  guest('preview2'),
  '--host',
  '127.0.0.1',
] as const;

interface Served {
  readonly name: string;
  readonly address: string;
  readonly process: ChildProcess;
}

/** A program of ours: it says its address first. */
async function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return { address: /http:\S+/.exec(line)?.[0] ?? '', process: child };
}

async function startJco(isolation: readonly string[], env: Record<string, string>) {
  const port = await freePort();
  const [command, ...args] = jco;
  const child = spawn(path(command), [...args, '--port', String(port), ...isolation], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
    detached: true, // it runs in a child of its own: the two are ended as a group
  });
  const address = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(address).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { address, process: child };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const upstream = await start([path('component-http/upstream.ts')]);
const UPSTREAM = upstream.address.replace('http://', '');
const ours = { PORT: '0', NETWORK: '1', GUEST_UPSTREAM: UPSTREAM };
const servers: Served[] = [
  { name: 'preview 2, 16 threads', ...(await start([program, guest('preview2')], ours)) },
  { name: 'preview 3, 16 instances', ...(await start([program, guest('preview3')], ours)) },
  { name: 'jco serve', ...(await startJco([], { UPSTREAM })) },
  {
    name: 'jco serve, an instance per request',
    ...(await startJco(['--isolate-requests', 'instance'], { UPSTREAM })),
  },
];

/** One round: all servers in turn. */
async function load(connections: number, route: { path: string; body: string }) {
  const results = new Map<string, { requests: number; p99: number; wrong: number }>();
  for (const { name, address } of servers) {
    const times: number[] = [];
    const { requests, errors, timeouts, non2xx, mismatches } = await autocannon({
      url: `${address}${route.path}`,
      connections,
      duration: SECONDS,
      expectBody: route.body,
      setupClient: (client) => {
        // The first answer also takes until a busy server has accepted the connection.
        client.once('response', () => {
          client.on('response', (_status, _bytes, millis) => times.push(millis));
        });
      },
    });
    const wrong = errors + timeouts + non2xx + mismatches;
    results.set(name, { requests: requests.average, p99: p99Of(times), wrong });
  }
  return results;
}

function p99Of(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

for (const [what, route] of Object.entries(ROUTES)) {
  heading(`An HTTP component that ${what}`);
  await load(16, route); // so that all of them have their instances
  for (const connections of CONNECTIONS) {
    const rounds: Awaited<ReturnType<typeof load>>[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await load(connections, route));
    const of = (name: string, figure: 'requests' | 'p99' | 'wrong') =>
      rounds.map((round) => round.get(name)?.[figure] ?? Number.NaN);
    for (const { name } of servers) {
      const under = `${connections} connections, ${name}`;
      record({ name: under, unit: '/s', ...spread(of(name, 'requests')) });
      record({ name: `${under}, p99`, unit: 'ms', ...spread(of(name, 'p99')) });
      record({ name: `${under}, wrong answers`, unit: '', ...spread(of(name, 'wrong')) });
    }
    const peer = of('jco serve', 'requests');
    for (const { name } of servers.slice(0, 2)) {
      const ratio = of(name, 'requests').map((it, round) => it / (peer[round] ?? Number.NaN));
      record({
        name: `${connections} connections, ${name} ÷ jco serve`,
        unit: '',
        ...spread(ratio),
        moreIsBetter: true,
      });
    }
  }
}

for (const { process: child } of [upstream, ...servers]) {
  if (child.spawnfile === process.execPath) child.kill('SIGTERM');
  else process.kill(-(child.pid ?? 0), 'SIGTERM');
}
