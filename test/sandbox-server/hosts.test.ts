// Whose requests are answered: a page of another site must not run scripts here from a visitor's browser.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { openServer } from './server.js';

/** Sends a script with headers that fetch would not let anybody set. */
async function post(address: string, headers: Record<string, string>) {
  const sent = request(`${address}/run`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', ...headers },
  });
  sent.end('1 + 1');
  const [response] = await once(sent, 'response');
  const body = JSON.parse(Buffer.concat(await response.toArray()).toString());
  return { status: response.statusCode, code: body.error?.code, result: body.result };
}

test('a request that names another host is refused', async () => {
  await using server = await openServer({ HOSTS: 'run.example' });
  const { port } = new URL(server.address);
  const refused = { status: 421, code: 'ERR_HOST', result: undefined };
  for (const host of ['evil.example', 'localhost.evil.example', `evil.example:${port}`]) {
    expect(await post(server.address, { host })).toEqual(refused);
  }
  const done = { status: 200, code: undefined, result: 2 };
  for (const host of [
    'localhost',
    `LOCALHOST:${port}`,
    `127.0.0.1:${port}`,
    '[::1]',
    'run.example',
  ]) {
    expect(await post(server.address, { host })).toEqual(done);
  }
});

test('a request from a page of another site is refused', async () => {
  await using server = await openServer();
  const { host } = new URL(server.address);
  const refused = { status: 403, code: 'ERR_ORIGIN', result: undefined };
  for (const origin of ['http://evil.example', 'null', `http://${host}.evil.example`, 'x']) {
    expect(await post(server.address, { host, origin })).toEqual(refused);
  }
  const own = await post(server.address, { host, origin: `http://${host}` });
  expect(own).toMatchObject({ status: 200, result: 2 });
});

test('connections beyond the limit are closed', async () => {
  await using server = await openServer({ MAX_CONNECTIONS: '1' });
  const { port } = new URL(server.address);
  const first = connect(Number(port), '127.0.0.1');
  await once(first, 'connect');
  const second = connect(Number(port), '127.0.0.1');
  await once(second, 'close');
  first.destroy();
});
