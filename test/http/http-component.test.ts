import { createServer } from 'node:net';
import { createHttpComponent, type HttpError } from '@wasm-pool/wasm-adapter/http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { failure } from '../helpers/failure.js';
import { fixture } from '../helpers/fixture.js';
import { ask, guestPath, open, post, serve, streamOf } from './guests.js';

const codeOf = ({ body }: { body: string }) => JSON.parse(body).error.code;

describe.each([2, 3])('a component for HTTP of preview %i', (preview) => {
  test('is known by what it exports, and answers with its own status, headers and body', async () => {
    const app = await open(preview);
    expect(app.preview).toBe(preview);
    const response = await app.fetch(new Request('http://test.example/nowhere'));
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe('nothing there\n');
    expect(await ask(app, '/primes?below=10')).toEqual({ status: 200, body: '4' });
  });

  test('streams bodies both ways, larger than what is under way at once', async () => {
    const app = await open(preview);
    const response = await app.fetch(
      new Request('http://test.example/echo', post(streamOf(40, 50_000))),
    );
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes.length).toBe(40 * 50_000);
    for (let chunk = 0; chunk < 40; chunk++) expect(bytes[chunk * 50_000]).toBe(chunk + 1);
    await expect.poll(() => app.stats().borrowed).toBe(0);
  });

  test('is lent until its answer was read, or left', async () => {
    const app = await open(preview, { max: 1 });
    const controller = new AbortController();
    const endless = new ReadableStream<Uint8Array>({
      async pull(stream) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (!controller.signal.aborted) stream.enqueue(new Uint8Array(100_000));
      },
    });
    const request = new Request('http://test.example/echo', post(endless, controller.signal));
    const response = await app.fetch(request);
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    expect(app.stats().borrowed).toBe(1);
    await reader?.cancel();
    controller.abort();
    await expect.poll(() => app.stats().borrowed, { timeout: 60_000 }).toBe(0);
    expect((await ask(app, '/')).status).toBe(200);
  });

  test('that traps answers 502, which onError is told and may change, and is replaced', async () => {
    const errors: HttpError[] = [];
    const app = await open(preview, {
      reset: 'reuse',
      onError(error, request) {
        errors.push(error);
        return request.url.endsWith('?own')
          ? new Response('sorry', { status: 500, headers: { 'x-own': '1' } })
          : undefined;
      },
    });
    expect((await ask(app, '/')).body).toBe('1');
    const answer = await ask(app, '/trap');
    expect([answer.status, codeOf(answer)]).toEqual([502, 'ERR_HTTP_ANSWER']);
    expect(errors[0]?.cause).toMatchObject({ message: expect.stringContaining('unreachable') });
    expect(await ask(app, '/trap?own')).toEqual({ status: 500, body: 'sorry' });
    await expect.poll(() => app.stats().destroyedBy).toEqual({ trap: 2 });
    expect((await ask(app, '/')).body).toBe('1');
  });

  test('that does not answer answers 502, and is replaced', async () => {
    const app = await open(preview, { reset: 'reuse' });
    const answer = await ask(app, '/silent');
    expect([answer.status, codeOf(answer)]).toEqual([502, 'ERR_HTTP_ANSWER']);
    await expect.poll(() => app.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('that answers with an error answers 502, and stays', async () => {
    const app = await open(preview, { reset: 'reuse' });
    const answer = await ask(app, '/error');
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('the component answered with an error: internal-error');
    expect(app.stats().destroyed).toBe(0);
  });

  test('is sent no body that is larger than it may be, whether its length is known or not', async () => {
    const app = await open(preview, { maxBodyBytes: 100_000 });
    const known = { method: 'POST', body: new Uint8Array(100_001), headers: {} };
    known.headers = { 'content-length': '100001' };
    expect((await ask(app, '/echo', known)).status).toBe(413);
    expect(app.stats().acquired).toBe(0);
    const streamed = await app
      .fetch(new Request('http://test.example/echo', post(streamOf(30, 50_000))))
      .then((response) => response.arrayBuffer().then(() => response.status))
      .catch(() => 'broken off');
    expect([413, 'broken off']).toContain(streamed);
    expect((await ask(app, '/')).status).toBe(200);
  });

  test('asks other servers where it may, through the fetch that it is given', async () => {
    const authority = await serve((_, response) => response.end('from upstream'));
    const env = { UPSTREAM: authority };
    const sent: string[] = [];
    const allowed = await open(preview, {
      wasi: {
        env,
        http: {
          hosts: [authority],
          fetch: (input, init) => {
            sent.push(String(input));
            return fetch(input, init);
          },
        },
      },
    });
    expect(await ask(allowed, '/upstream')).toEqual({ status: 200, body: 'from upstream' });
    expect(sent).toEqual([`http://${authority}/`]);
    for (const wasi of [{ env }, { env, http: { hosts: ['other.example', '127.0.0.1:1'] } }]) {
      const denied = await open(preview, { wasi });
      expect((await ask(denied, '/upstream')).status).toBe(502);
    }
  });

  test('outlives a server that breaks off its answer, and one that refuses', async () => {
    const upstream = createServer((socket) => {
      socket
        .on('error', () => {})
        .once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
          setTimeout(() => socket.resetAndDestroy(), 20);
        });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void upstream.close());
    const address = upstream.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const app = await open(preview, {
      wasi: { env: { UPSTREAM: `127.0.0.1:${port}` }, http: {} },
    });
    for (let time = 0; time < 2; time++) {
      await ask(app, '/upstream').catch((error) => expect(error).toBeInstanceOf(Error));
    }
    expect((await ask(app, '/')).status).toBe(200);
    upstream.close();
    const refused = await open(preview, { wasi: { env: { UPSTREAM: '127.0.0.1:1' }, http: {} } });
    expect((await ask(refused, '/upstream')).status).toBe(502);
  });

  test('that waits longer than it may answers 504', async () => {
    const authority = await serve(() => {}); // never answers
    const wasi = { env: { UPSTREAM: authority }, http: {} };
    const app = await open(preview, { timeoutMillis: 200, wasi });
    const answer = await ask(app, '/upstream');
    expect([answer.status, codeOf(answer)]).toEqual([504, 'ERR_HTTP_TIMEOUT']);
    expect((await ask(app, '/primes?below=10')).status).toBe(200);
  });

  test('is not blamed for a slow client: its time stands still', async () => {
    const app = await open(preview, { timeoutMillis: 1500 });
    let sent = 0;
    const slow = new ReadableStream<Uint8Array>({
      async pull(stream) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        if (sent++ === 4) stream.close();
        else stream.enqueue(new Uint8Array(10));
      },
    });
    const response = await app.fetch(new Request('http://test.example/echo', post(slow)));
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(40);
  });

  test('has done with a client that falls silent, and serves others', async () => {
    const app = await open(preview, { clientTimeoutMillis: 100, max: 1 });
    let sent = 0;
    const silent = new ReadableStream<Uint8Array>({
      async pull(stream) {
        if (sent++ === 0) stream.enqueue(new Uint8Array(10));
        else await new Promise(() => {}); // and then nothing
      },
    });
    // It may answer with what it had, or break off what it had begun; a whole answer it is not.
    const outcome = await app
      .fetch(new Request('http://test.example/echo', post(silent)))
      .then(async (response) => (await response.arrayBuffer()).byteLength)
      .catch((error: unknown) => error);
    if (typeof outcome === 'number') expect(outcome).toBeGreaterThan(0);
    else expect(outcome).toBeInstanceOf(Error);
    expect((await ask(app, '/primes?below=10')).body).toBe('4');
    expect(app.stats().borrowed).toBe(0);
  });

  test('is given a redirect of another server, which is followed nowhere', async () => {
    let followed = 0;
    const other = await serve((_, response) => {
      followed++;
      response.end('elsewhere');
    });
    const authority = await serve((_, response) => {
      response.writeHead(302, { location: `http://${other}/` }).end('moved');
    });
    const wasi = { env: { UPSTREAM: authority }, http: { hosts: [authority, other] } };
    const app = await open(preview, { wasi });
    expect((await ask(app, '/upstream')).body).toBe('moved'); // the guest passes on the body
    expect(followed).toBe(0);
  });

  test('reads what another server streams, more of it than is under way at once', async () => {
    const chunk = Buffer.alloc(65_536, 'x');
    const authority = await serve((_, response) => {
      let left = 64;
      const more = () => {
        while (left-- > 0) {
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    const app = await open(preview, { wasi: { env: { UPSTREAM: authority }, http: {} } });
    const { status, body } = await ask(app, '/upstream');
    expect([status, body.length]).toEqual([200, 64 * 65_536]);
  });

  test('that nobody can have in time answers 503 with Retry-After', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    const authority = await serve((_, response) => resolve(() => response.end('at last')));
    const wasi = { env: { UPSTREAM: authority }, http: {} };
    const app = await open(preview, { max: 1, acquireTimeoutMillis: 100, wasi });
    const first = ask(app, '/upstream');
    const answer = await asked;
    const busy = await app.fetch(new Request('http://test.example/'));
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1']);
    answer();
    expect(await first).toEqual({ status: 200, body: 'at last' });
  });
});

describe('a component of preview 2', () => {
  test('gives each request an instance that nobody used, unless it is to be reused', async () => {
    const fresh = await open(2);
    expect([(await ask(fresh, '/')).body, (await ask(fresh, '/')).body]).toEqual(['1', '1']);
    const reused = await open(2, { reset: 'reuse', max: 1 });
    expect([(await ask(reused, '/')).body, (await ask(reused, '/')).body]).toEqual(['1', '2']);
  });

  test('that loops for ever is ended, and the others do not notice', async () => {
    const app = await open(2, { timeoutMillis: 500 });
    const answers = await Promise.all(['/forever', '/', '/'].map((path) => ask(app, path)));
    expect(answers.map(({ status }) => status)).toEqual([504, 200, 200]);
  });

  test('starts no thread but those of its instances', async () => {
    const started = vi.fn();
    process.on('worker', started);
    const app = await open(2, { max: 1, reset: 'reuse' });
    started.mockClear();
    await ask(app, '/');
    await ask(app, '/primes?below=100');
    process.off('worker', started);
    expect(started).not.toHaveBeenCalled();
  });
});

describe('a component of preview 3', () => {
  test('serves several requests at once with one instance where asked for', async () => {
    const app = await open(3, { max: 1, requestsPerInstance: 4 });
    const never = () => new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const controllers = Array.from({ length: 3 }, () => new AbortController());
    for (const { signal } of controllers) {
      void app
        .fetch(new Request('http://test.example/echo', post(never(), signal)))
        .catch(() => {});
    }
    expect((await ask(app, '/primes?below=10')).body).toBe('4');
    expect(app.stats().created).toBe(1);
    for (const controller of controllers) controller.abort();
    await expect.poll(() => app.stats().borrowed, { timeout: 60_000 }).toBe(0);
  });
});

describe('createHttpComponent', () => {
  test('refuses what is no component for HTTP, and names what it exports', async () => {
    const error = await failure(createHttpComponent(fixture('components/guest.wasm')));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPONENT' });
    expect(error.message).toMatch(
      /^component is no component for HTTP: it exports test:guest\/values@1.0.0, .*; accepted: one that exports wasi:http\/incoming-handler@0\.2 or/,
    );
    const module = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    expect((await failure(createHttpComponent(module))).message).toContain('it exports nothing');
  });

  test.each([
    [2, { imports: {} }, /preview 2, .*: imports are functions.*; accepted: a module that exports/],
    [3, { module: 'data:text/javascript,' }, /preview 3, .*; accepted: imports/],
  ])('refuses for preview %i the options %o', async (preview, options, message) => {
    const error = await failure(createHttpComponent(guestPath(preview), options));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPONENT' });
    expect(error.message).toMatch(message);
  });

  test.each([
    [{ requestsPerInstance: 0 }, /createHttpComponent: requestsPerInstance is 0; accepted/],
    [{ maxBodyBytes: -1 }, /createHttpComponent: maxBodyBytes is -1; accepted/],
    [{ config: { a: 1 } as never }, /createHttpComponent: config is an object/],
    [{ onError: true as never }, /createHttpComponent: onError is true; accepted: a function/],
    [
      { wasi: { http: { hosts: ['a b'] } } },
      /wasi\.http: hosts is an array.*accepted: an array of/,
    ],
  ])('refuses the options %o', async (options, message) => {
    const error = await failure(createHttpComponent(guestPath(3), options));
    expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect(error.message).toMatch(message);
  });
});
