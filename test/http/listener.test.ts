import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ByteQueue } from '../../packages/wasm-adapter/src/http/byte-queue.js';
import type {
  ComponentAnswer,
  ComponentRequest,
} from '../../packages/wasm-adapter/src/http/component-exchange.js';
import { bytesOf, type HeaderList } from '../../packages/wasm-adapter/src/http/headers.js';
import { errorResponse, HttpError } from '../../packages/wasm-adapter/src/http/http-error.js';
import { httpListener } from '../../packages/wasm-adapter/src/http/listener.js';
import { serve } from './guests.js';

interface Given {
  readonly status?: number;
  readonly headers?: HeaderList;
  readonly body?: readonly string[];
  readonly trailers?: HeaderList;
}

/** An answer that is there as a whole. */
function whole({ status = 200, headers = [], body = [], trailers = [] }: Given): ComponentAnswer {
  const queue = new ByteQueue();
  queue.push(...body.map(bytesOf));
  queue.end();
  return {
    status,
    headers,
    body: queue.chunks,
    knownLength: () => (trailers.length > 0 ? undefined : queue.knownLength()),
    trailers: Promise.resolve(trailers),
  };
}

/** A server that answers as the function says, and the request that it was given last. */
async function listen(answer: (request: ComponentRequest) => Promise<ComponentAnswer>) {
  const asked: ComponentRequest[] = [];
  const listener = httpListener(
    (given) => {
      asked.push(given);
      return answer(given);
    },
    async (error) => errorResponse(error),
  );
  const authority = await serve((incoming, outgoing) => void listener(incoming, outgoing));
  return { authority, asked };
}

async function get(authority: string, method = 'GET'): Promise<[IncomingMessage, string]> {
  const [response] = await once(request(`http://${authority}/`, { method }).end(), 'response');
  let body = '';
  for await (const chunk of response.setEncoding('latin1')) body += chunk;
  return [response, body];
}

/** Sends bytes as they are, and gives what comes back until the connection is closed. */
async function raw(authority: string, text: string): Promise<string> {
  const socket = connect(Number(authority.split(':')[1]), '127.0.0.1');
  socket.write(Buffer.from(text, 'latin1'));
  return (await socket.setEncoding('latin1').toArray()).join('');
}

describe('the listener of a component', () => {
  test('gives headers the bytes that were sent, without those of the connection', async () => {
    const { authority, asked } = await listen(async () => whole({}));
    await raw(
      authority,
      'GET /a?b HTTP/1.1\r\nHost: it.example\r\nX-Name: J\xf6rg \xe6\x97\xa5\r\nX-One: 1\r\nTE: trailers\r\nConnection: close, x-one\r\n\r\n',
    );
    expect(asked[0]).toMatchObject({ method: 'GET', path: '/a?b', authority: 'it.example' });
    expect(asked[0]?.headers).toEqual([['x-name', bytesOf('J\xf6rg \xe6\x97\xa5')]]);
  });

  test('sends the bytes of a component’s headers, without those of the connection', async () => {
    const headers: HeaderList = [
      ['x-name', bytesOf('J\xf6rg')],
      ['set-cookie', bytesOf('a=1')],
      ['set-cookie', bytesOf('b=2')],
      ['connection', bytesOf('x-secret')],
      ['x-secret', bytesOf('s')],
      ['transfer-encoding', bytesOf('gzip')],
    ];
    const { authority } = await listen(async () => whole({ headers, body: ['hello'] }));
    const [response, body] = await get(authority);
    expect(body).toBe('hello');
    expect(response.headers).toMatchObject({
      'x-name': 'J\xf6rg',
      'set-cookie': ['a=1', 'b=2'],
      'content-length': '5',
    });
    expect(response.headers).not.toHaveProperty('x-secret');
    expect(response.headers).not.toHaveProperty('transfer-encoding');
  });

  test('passes trailers both ways', async () => {
    const { authority } = await listen(async (asked) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of asked.body ?? []) chunks.push(chunk);
      return whole({ body: ['x'], trailers: await asked.trailers });
    });
    const sent = request(`http://${authority}/`, {
      method: 'POST',
      headers: { trailer: 'x-sum', 'transfer-encoding': 'chunked' },
    });
    sent.write('some');
    sent.addTrailers({ 'x-sum': '42' });
    sent.end();
    const [response] = await once(sent, 'response');
    await once(response.resume(), 'end');
    expect(response.trailers).toEqual({ 'x-sum': '42' });
  });

  test.each([
    ['HEAD', 200],
    ['GET', 304],
    ['GET', 204],
  ])(
    'answers %s with %i without a body, and leaves the length that the component says',
    async (method, status) => {
      const headers: HeaderList = [['content-length', bytesOf('1000')]];
      const { authority } = await listen(async () => whole({ status, headers, body: ['abc'] }));
      const [response, body] = await get(authority, method);
      expect([response.statusCode, body]).toEqual([status, '']);
      if (status !== 204) expect(response.headers['content-length']).toBe('1000');
    },
  );

  test('refuses before the body is taken in, also for a client that asks first', async () => {
    const { authority } = await listen(async () => {
      throw new HttpError('ERR_HTTP_BODY_SIZE', 'the body is larger than 5 bytes');
    });
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000\r\n';
    const answer = await raw(authority, `${head}Expect: 100-continue\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (100|413) /);
    expect(answer).toContain('HTTP/1.1 413 ');
    expect(answer).toContain('ERR_HTTP_BODY_SIZE');
  });

  test('cuts off an answer that breaks off, or is not as long as it says', async () => {
    const broken = new ByteQueue();
    broken.push(bytesOf('half'));
    const { authority } = await listen(async () => ({
      ...whole({}),
      body: broken.chunks,
      knownLength: () => undefined,
    }));
    const [response] = await once(request(`http://${authority}/`).end(), 'response');
    const failed = once(response.resume(), 'error');
    broken.fail(new Error('it trapped'));
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  test('tells the component when its client has left', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { authority } = await listen(
      (asked) =>
        new Promise((_, reject) => {
          asked.signal.addEventListener('abort', () => {
            reject(asked.signal.reason);
            resolve();
          });
          sent.destroy();
        }),
    );
    const sent = request(`http://${authority}/`).on('error', () => {});
    sent.end();
    await promise;
  });
});
