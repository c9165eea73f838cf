import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../examples/cgi-server/dist/app.js';
import { readConfig } from '../../examples/cgi-server/dist/config.js';

let address: string;
let close: () => Promise<void>;

beforeAll(async () => {
  const config = readConfig({ THREADS: '1', TIMEOUT_MILLIS: '60000', MAX_BODY_BYTES: '100000' });
  const app = await createApp(config);
  app.server.listen(0, '127.0.0.1');
  await once(app.server, 'listening');
  address = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  close = app.close;
});
afterAll(() => close());

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${address}${path}`, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

describe('a program', () => {
  test('in Rust gets the body, and gives JSON', async () => {
    const { status, headers, text } = await ask('/words', { method: 'POST', body: 'One two, TWO' });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(JSON.parse(text)).toEqual({ one: 1, two: 2 });
  });

  test('in AssemblyScript gets a body of many parts', async () => {
    const { status, text } = await ask('/upper', { method: 'POST', body: 'abc '.repeat(20_000) });
    expect([status, text]).toEqual([200, 'ABC '.repeat(20_000)]);
  });

  test('in C gets the request in its environment and its arguments', async () => {
    const headers = { 'x-token': 'secret', proxy: 'http://evil' };
    const { status, text } = await ask('/request/more/path?a=1&b=two%20words', { headers });
    expect(status).toBe(200);
    const lines = text.trim().split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'REQUEST_METHOD=GET',
        'SCRIPT_NAME=/request',
        'PATH_INFO=/more/path',
        'QUERY_STRING=a=1&b=two%20words',
        'HTTP_X_TOKEN=secret',
        'argument a=1',
        'argument b=two words',
      ]),
    );
    expect(text).not.toContain('HTTP_PROXY');
  });

  test('says its status', async () => {
    expect((await ask('/request?teapot')).status).toBe(418);
  });
});

describe('a program that fails is a 502, with its standard error output', () => {
  test.each([
    ['exits with a code', '/request?fail', /exited with code 3\nasked to fail\n/],
    ['traps', '/request?trap', /request.wasm: the run ended by .*\nabout to trap\n/],
  ])('where it %s', async (_, path, text) => {
    const answer = await ask(path);
    expect(answer.status).toBe(502);
    expect(answer.text).toMatch(text);
    expect((await ask('/request')).status).toBe(200);
  });

  test('where it cannot read its input', async () => {
    const answer = await ask('/words', { method: 'POST', body: Uint8Array.of(0xff, 0xfe) });
    expect(answer.status).toBe(502);
    expect(answer.text).toContain('the body is no UTF-8');
  });
});

test('there is a page, and nothing else', async () => {
  const page = await ask('/');
  expect(page.status).toBe(200);
  expect(page.text).toContain('<title>cgi-server</title>');
  expect((await ask('/none')).status).toBe(404);
  expect((await ask('/upper', { method: 'POST', body: 'x'.repeat(100_001) })).status).toBe(413);
});
