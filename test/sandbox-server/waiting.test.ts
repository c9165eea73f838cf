import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { openServer, run, runningAndWaiting, statsOf, until } from './server.js';

const one = { MAX: '1' };

/** Takes an instance until it is told to let go. */
async function occupy(address: string): Promise<() => Promise<void>> {
  const { borrowed } = await statsOf(address);
  const client = new AbortController();
  const answer = run(address, 'sleep(600_000)', { signal: client.signal }).catch(() => {});
  await until(async () => (await statsOf(address)).borrowed === borrowed + 1);
  return async () => {
    client.abort();
    await answer;
  };
}

test('more than may wait are told to come back', async () => {
  await using server = await openServer({ ...one, MAX_WAITING: '1' });
  const letGo = await occupy(server.address);
  const waiting = run(server.address, '"waited"');
  await until(async () => (await statsOf(server.address)).pending === 1);

  const { status, headers, body } = await run(server.address, '1');
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(body.error).toEqual({ code: 'ERR_POOL_QUEUE_FULL', message: '1 others wait already' });

  await letGo();
  expect((await waiting).body.result).toBe('waited');
});

test('who waited for too long is told to come back', async () => {
  await using server = await openServer({ ...one, WAIT_MILLIS: '50' });
  const letGo = await occupy(server.address);
  const { status, headers, body } = await run(server.address, '1');
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(body.error).toEqual({
    code: 'ERR_POOL_ACQUIRE_TIMEOUT',
    message: 'nothing was free in time',
  });
  await letGo();
  expect((await run(server.address, '1')).body.result).toBe(1);
});

test('who hangs up while waiting is not waited for', async () => {
  await using server = await openServer(one);
  const letGo = await occupy(server.address);
  const client = new AbortController();
  const given = run(server.address, '1', { signal: client.signal });
  await until(async () => (await statsOf(server.address)).pending === 1);
  const { acquired } = await statsOf(server.address);

  client.abort();
  await expect(given).rejects.toThrow('aborted');
  await until(async () => (await statsOf(server.address)).pending === 0);
  await letGo();
  await until(async () => (await statsOf(server.address)).borrowed === 0);
  expect((await statsOf(server.address)).acquired).toBe(acquired);
});

test('who hangs up while the script sleeps gets it stopped', async () => {
  await using server = await openServer({ ...one, ENGINES: 'reuse' });
  const letGo = await occupy(server.address);
  await letGo();
  await until(async () => (await statsOf(server.address)).borrowed === 0);
  // It was stopped in good order.
  expect((await run(server.address, '1')).body).toMatchObject({ result: 1, instance: 'quickjs#1' });
});

test('who sends half a request takes no instance', async () => {
  await using server = await openServer(one);
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  socket.write(
    'POST /run HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 99\r\n\r\n1',
  );
  expect((await run(server.address, '2')).body.result).toBe(2);
  expect((await statsOf(server.address)).borrowed).toBe(0);
  socket.destroy();
});

test('who sends half a request does not keep the server from closing', async () => {
  const server = await openServer();
  const socket = connect(Number(new URL(server.address).port), '127.0.0.1');
  const hungUp = new Promise((resolve) => socket.once('close', resolve));
  socket
    .resume()
    .write(
      'POST /run HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 99\r\n\r\n1',
    );
  await run(server.address, '1'); // it is there by now
  await server.close();
  await hungUp;
});

test('closing lets the script under way finish, and turns away who waits', async () => {
  const server = await openServer(one);
  const { running, waiting } = await runningAndWaiting(server.address);
  await server.close();
  expect((await running).body.result).toBe('finished');
  const { status, headers, body } = await waiting;
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(body.error).toEqual({ code: 'ERR_POOL_CLOSED', message: 'the server is shutting down' });
});
