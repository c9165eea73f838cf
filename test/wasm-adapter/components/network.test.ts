import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createWasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { cache } from './guests.js';

/** The exports of both worlds of network.wit; of preview 3's all give promises. */
interface Network {
  request(authority: string): number | Promise<number>;
  connect(port: number): void | Promise<void>;
  bind(): void | Promise<void>;
  resolve(name: string): void | Promise<void>;
}

// On a thread of its own: where preview 2 waits, it has the thread that it is on.
const serve = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer((_, response) => response.writeHead(204).end());
  server.on('connection', () => Atomics.add(workerData, 0, 1));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
const connections = new Int32Array(new SharedArrayBuffer(4));
let server: Worker;
let port: number;
beforeAll(async () => {
  server = new Worker(serve, { eval: true, workerData: connections });
  [port] = await once(server, 'message');
});
beforeEach(() => {
  Atomics.store(connections, 0, 0);
});
afterAll(() => server.terminate());

/** The cases of WASI's error-codes: of HTTP, of preview 2's sockets and names, and of preview 3's. */
const httpRequestDenied = 15;
const [accessDenied2, permanentResolverFailure] = [1, 20];
const accessDenied3 = 0;

describe.each([
  {
    preview: 2,
    denied: {
      request: httpRequestDenied,
      connect: accessDenied2,
      bind: accessDenied2,
      resolve: permanentResolverFailure,
    },
  },
  {
    preview: 3,
    denied: {
      request: httpRequestDenied,
      connect: accessDenied3,
      bind: accessDenied3,
      resolve: accessDenied3,
    },
  },
])('to a component of preview $preview', ({ preview, denied }) => {
  const networkPool = (wasi?: WasmPoolOptions<Network>['wasi']) =>
    createWasmPool<Network>(fixture(`components/network${preview}.wasm`), {
      max: 1,
      wasi,
      component: { cache },
    });
  const calls: Record<keyof Network, (exports: Network) => unknown> = {
    request: ({ request }) => request(`127.0.0.1:${port}`),
    connect: ({ connect }) => connect(port),
    bind: ({ bind }) => bind(),
    resolve: ({ resolve }) => resolve('localhost'),
  };

  test.each(Object.entries(calls))('the network is denied by default: %s', async (name, call) => {
    await using pool = await networkPool();
    const error = await failure(pool.use(async ({ exports }) => call(exports)));
    expect(error).toMatchObject({ payload: denied[name as keyof Network] });
    expect(Atomics.load(connections, 0)).toBe(0);
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
    expectAtRest(pool);
  });

  test('the network is open where the options say so', async () => {
    await using pool = await networkPool({ network: true });
    await pool.use(async ({ exports }) => {
      expect(await calls.request(exports)).toBe(204);
      expect(Atomics.load(connections, 0)).toBe(1);
      await calls.connect(exports);
      expect(Atomics.load(connections, 0)).toBe(2);
      await calls.bind(exports);
      await calls.resolve(exports);
    });
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
    expectAtRest(pool);
  });
});
