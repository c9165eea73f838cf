import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { load, poolsOf } from './load.js';
import { freePort } from './servers.js';

/** A server that speaks as much of Faktory's protocol as `info` needs. */
async function startFaktory(port: number) {
  const sockets = new Set<Socket>();
  let answers = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.write('+HI {"v":2}\r\n');
    socket.on('data', (chunk) => {
      for (const line of String(chunk)
        .split('\r\n')
        .filter((it) => it !== '')) {
        if (line.startsWith('HELLO')) socket.write('+OK\r\n');
        else if (line.startsWith('END')) socket.end();
        else {
          const text = JSON.stringify({ answers: ++answers });
          socket.write(`$${text.length}\r\n${text}\r\n`);
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}

test('faktory-worker serves its calls through a short outage of its server', async () => {
  const errors = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => errors.mockRestore());
  const { Client } = load<typeof import('./programs.js').faktory>('faktory-worker');
  const pools = poolsOf('faktory-worker');
  const port = await freePort();
  let stop = await startFaktory(port);
  const client = new Client({ host: '127.0.0.1', port, poolSize: 3 });
  const connections: { connected: boolean }[] = [];
  const factory = client.connectionFactory;
  const create = factory.create.bind(factory);
  factory.create = async () => {
    const connection = await create();
    connections.push(connection);
    return connection;
  };
  expect(await client.info()).toEqual({ answers: 1 });

  await stop();
  const noticed = () => expect(connections.map(({ connected }) => connected)).toEqual([false]);
  await vi.waitFor(noticed, { timeout: 60_000 });
  const during = [client.info(), client.info(), client.info()];
  await vi.waitFor(
    () =>
      expect(errors.mock.calls.flat().map(String)).toContainEqual(
        expect.stringContaining('ECONNREFUSED'),
      ),
    { timeout: 60_000 },
  );
  stop = await startFaktory(port);

  expect((await Promise.all(during)).map(({ answers }) => answers).sort()).toEqual([1, 2, 3]);
  expect(pools.made).toHaveLength(1);
  expect(pools.made[0]).toMatchObject({ borrowed: 0 });
  await client.close();
  await stop();
});
