import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { codeOf, get, openServer, openUpstream, until } from './server.js';

describe.each(['preview2', 'preview3'] as const)('a component of %s', (preview) => {
  test('that traps answers 502, which is logged, and its instance is replaced', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { address, pool } = await openServer(preview, { INSTANCES: '1' });
    const answer = await get(`${address}/trap`);
    expect([answer.status, codeOf(answer)]).toEqual([502, 'ERR_HTTP_ANSWER']);
    expect(said).toHaveBeenCalledExactlyOnceWith(
      'the component failed',
      expect.any(WebAssembly.RuntimeError),
    );
    expect((await get(`${address}/`)).body).toBe('1');
    await until(() => pool.stats().destroyedBy.trap === 1);
  });

  test('that waits too long answers 504, and its instance is replaced', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const upstream = await openUpstream(() => {}); // never answers
    const { address, pool } = await openServer(preview, { ...upstream, CALL_MILLIS: '300' });
    const answer = await get(`${address}/upstream`);
    expect(answer.status).toBe(504);
    expect(answer.body).toContain('took longer than 300 ms');
    expect((await get(`${address}/primes?below=10`)).body).toBe('4');
    await until(() => pool.stats().destroyed > 0);
  });

  test('whose client leaves in the middle of its own request is lent to the next one', async () => {
    const { address, pool } = await openServer(preview, { INSTANCES: '1' });
    const asked = request(`${address}/echo`, { method: 'POST' }).on('error', () => {});
    asked.write('the beginning');
    await until(() => pool.stats().borrowed === 1);
    asked.destroy();
    expect((await get(`${address}/`)).status).toBe(200);
    await until(() => pool.stats().borrowed === 0);
  });

  test('is there for answers that have begun when its server is closed', async () => {
    const { address, close } = await openServer(preview);
    const body = new Uint8Array(15 * 2 ** 20);
    const asked = request(`${address}/echo`, { method: 'POST' }).end(body);
    const [response] = await once(asked, 'response');
    const closed = close();
    let length = 0;
    for await (const chunk of response) length += chunk.length;
    expect(length).toBe(body.length);
    await closed;
  });

  test.each([
    ['its request', 'GET / HTTP/1.1\r\nhost'],
    ['the body of its request', 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1'],
  ])('waits for no client that does not end %s, when its server is closed', async (_, half) => {
    const { address, close, pool } = await openServer(preview, { CALL_MILLIS: '1000' });
    const socket = connect(Number(new URL(address).port), '127.0.0.1').on('error', () => {});
    const ended = once(socket.resume(), 'close');
    socket.write(half);
    expect((await get(`${address}/`)).status).toBe(200);
    vi.spyOn(console, 'error').mockImplementation(() => {});
    await close();
    await ended;
    await until(() => pool.stats().size === 0);
  });

  test('is asked by so many only', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    const upstream = await openUpstream((_, response) => resolve(() => response.end('at last')));
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const env = {
      ...upstream,
      INSTANCES: '1',
      REQUESTS_PER_INSTANCE: '1',
      MAX_WAITING: '1',
      WAIT_MILLIS: '200',
    };
    const { address } = await openServer(preview, env);
    const running = get(`${address}/upstream`);
    const answer = await asked;
    const answers = await Promise.all([get(`${address}/`), get(`${address}/`)]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(answers.map(codeOf)).toEqual(['ERR_HTTP_BUSY', 'ERR_HTTP_BUSY']);
    vi.restoreAllMocks();
    answer();
    expect(await running).toEqual({ status: 200, body: 'at last' });
  });
});

describe('a component of preview 2', () => {
  test('is asked by the next request of a connection whose last one was too large', async () => {
    const { address } = await openServer('preview2', { BODY_MIB: '1' });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (path: string, method: string, body?: Uint8Array) => {
      const asked = request(`${address}${path}`, { method, agent }).end(body);
      const [response] = await once(asked, 'response');
      await once(response.resume(), 'end');
      return response.statusCode;
    };
    expect(await ask('/echo', 'POST', new Uint8Array(20 * 2 ** 20))).toBe(413);
    expect(await ask('/', 'GET')).toBe(200);
    agent.destroy();
  });
});
