import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { type Answer, codeOf, get, getInTime, openServer, openUpstream, until } from './server.js';

describe.each(['preview2', 'preview3'] as const)('a component of %s', (preview) => {
  test('that traps answers 500, and its instance is replaced', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { address, pool } = await openServer(preview, { INSTANCES: '1' });
    expect((await get(`${address}/`)).body).toBe('1');
    expect((await get(`${address}/`)).body).toBe('2');
    const answer = await get(`${address}/trap`);
    expect([answer.status, codeOf(answer)]).toEqual([500, 'ERR_COMPONENT']);
    expect(said).toHaveBeenCalledExactlyOnceWith(expect.any(WebAssembly.RuntimeError));
    expect((await get(`${address}/`)).body).toBe('1');
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('that answers with an error answers 502', async () => {
    const { address, pool } = await openServer(preview);
    const answer = await get(`${address}/error`);
    expect([answer.status, codeOf(answer)]).toEqual([502, 'ERR_COMPONENT_ANSWER']);
    expect(answer.body).toContain('the component answered with an error: internal-error');
    expect(pool.stats().destroyed).toBe(0);
  });

  test('that waits too long answers 504, and its instance is replaced', async () => {
    const upstream = await openUpstream(() => {}); // never answers
    const { address, pool } = await openServer(preview, { ...upstream, CALL_MILLIS: '300' });
    const answer = await get(`${address}/upstream`);
    expect(answer.status).toBe(504);
    expect(answer.body).toContain('took longer than 300 ms');
    expect((await getInTime(`${address}/`)).body).toBe('1');
    expect(pool.stats().destroyed).toBeGreaterThanOrEqual(1);
  });

  test('whose client leaves ends what it does, and is lent to the next one', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    const upstream = await openUpstream((_, response) => resolve(() => response.end()));
    const { address, pool } = await openServer(preview, { ...upstream, INSTANCES: '1' });
    const controller = new AbortController();
    const left = get(`${address}/upstream`, { signal: controller.signal });
    const answer = await asked;
    controller.abort();
    await expect(left).rejects.toThrow('aborted');
    answer();
    expect((await get(`${address}/`)).body).toBe('2');
    expect(pool.stats().destroyed).toBe(0);
  });

  test('whose client leaves in the middle of its own request is lent to the next one', async () => {
    const { address, pool } = await openServer(preview, { INSTANCES: '1' });
    const asked = request(`${address}/echo`, { method: 'POST' }).on('error', () => {});
    asked.write('the beginning');
    if (preview === 'preview3') await until(() => pool.stats().borrowed === 1);
    else await new Promise((resolve) => asked.once('socket', resolve));
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
    const { address, close, pool } = await openServer(preview, { CALL_MILLIS: '300' });
    const socket = connect(Number(new URL(address).port), '127.0.0.1').on('error', () => {});
    const ended = once(socket.resume(), 'close');
    socket.write(half);
    expect((await getInTime(`${address}/`)).status).toBe(200);
    vi.spyOn(console, 'error').mockImplementation(() => {});
    await close();
    await ended;
    expect(pool.stats().size).toBe(0);
  });

  test('is asked by so many only', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    const upstream = await openUpstream((_, response) => resolve(() => response.end('at last')));
    const env = { ...upstream, INSTANCES: '1', MAX_WAITING: '1', WAIT_MILLIS: '200' };
    const { address } = await openServer(preview, env);
    const running = get(`${address}/upstream`);
    const answer = await asked;
    const answers = await Promise.all([get(`${address}/`), get(`${address}/`)]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(answers.map(codeOf).sort()).toEqual(['ERR_POOL_ACQUIRE_TIMEOUT', 'ERR_POOL_QUEUE_FULL']);
    answer();
    expect(await running).toEqual({ status: 200, body: 'at last' });
  });
});

describe('a component of preview 3', () => {
  test('whose answer does not go on is broken off, and its instance is free again', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { address, pool } = await openServer('preview3', { INSTANCES: '1', CALL_MILLIS: '300' });
    const asked = request(`${address}/echo`, { method: 'POST' }).on('error', () => {});
    asked.write('and then nothing');
    const [response] = await once(asked, 'response');
    const [error] = await once(response.resume(), 'error');
    expect(error.code).toBe('ECONNRESET');
    expect(said).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: 'ERR_COMPONENT_TIMEOUT' }),
    );
    expect((await getInTime(`${address}/`)).status).toBe(200);
    await until(() => pool.stats().borrowed === 0);
  });

  test('is not asked for a host that cannot be one', async () => {
    const { address, pool } = await openServer('preview3');
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: a b/\r\nconnection: close\r\n\r\n');
    const answer = (await socket.setEncoding('utf8').toArray()).join('');
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"ERR_REQUEST","message":"Invalid authority: a b/"');
    expect(pool.stats().acquired).toBe(0);
  });

  test('that does not answer answers 500, and its instance is replaced', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { address, pool } = await openServer('preview3');
    expect((await get(`${address}/silent`)).status).toBe(500);
    expect(said).toHaveBeenCalledOnce();
    expect(pool.stats().destroyed).toBe(1);
  });
});

describe('a component of preview 2', () => {
  test('that does not answer answers 502', async () => {
    const { address } = await openServer('preview2');
    const answer = await get(`${address}/silent`);
    expect([answer.status, codeOf(answer)]).toEqual([502, 'ERR_COMPONENT_ANSWER']);
    expect(answer.body).toContain('the component did not answer');
  });

  test('that never ends is stopped, and the others do not notice', async () => {
    const { address, pool } = await openServer('preview2', { CALL_MILLIS: '500' });
    const answers = await Promise.all([
      get(`${address}/forever`),
      ...Array.from({ length: 8 }, () => getInTime(`${address}/primes?below=10`)),
    ]);
    const [first, ...others] = answers as [Answer, ...Answer[]];
    expect([first.status, codeOf(first)]).toEqual([504, 'ERR_WASM_CALL_TIMEOUT']);
    expect(others).toEqual(Array(8).fill({ status: 200, body: '4' }));
    await until(() => pool.stats().destroyed >= 1);
  });

  test('is sent no body that is larger than it may be', async () => {
    const { address, pool } = await openServer('preview2', { BODY_MIB: '1' });
    const body = new Uint8Array(2 ** 20 + 1);
    const answer = await get(`${address}/echo`, { method: 'POST', body });
    expect([answer.status, codeOf(answer)]).toEqual([413, 'ERR_REQUEST_SIZE']);
    expect(pool.stats().acquired).toBe(0);
    const most = await get(`${address}/echo`, { method: 'POST', body: body.subarray(1) });
    expect(most.status).toBe(200);
  });

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
