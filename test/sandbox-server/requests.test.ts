import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Answer, answerOf, openServer } from './server.js';

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer({ BODY_KIB: '64' });
});
afterAll(() => server.close());

async function send(path: string, init: RequestInit & { type?: string } = {}): Promise<Answer> {
  const { type, ...rest } = init;
  const headers = type === undefined ? {} : { 'content-type': type };
  return answerOf(await fetch(server.address + path, { method: 'POST', headers, ...rest }));
}

test.for<[what: string, type: string, body: BodyInit, message: string | RegExp]>([
  ['no code', 'text/plain', '', 'there is no code in the body'],
  ['only spaces', 'text/plain', ' \n ', 'there is no code in the body'],
  ['bytes that are no UTF-8', 'text/plain', new Uint8Array([0x31, 0xff]), 'the body is not UTF-8'],
  ['an empty JSON body', 'application/json', '', /^the body is not JSON: /],
  ['broken JSON', 'application/json', '{"code": 1', /^the body is not JSON: /],
  [
    'JSON that is no object',
    'application/json',
    '"1 + 1"',
    /^the body is not an object; accepted: /,
  ],
  ['a JSON array', 'application/json', '["1 + 1"]', /^the body is not an object; accepted: /],
  ['JSON null', 'application/json', 'null', /^the body is not an object; accepted: /],
  ['JSON without code', 'application/json', '{"input": 1}', '"code" is not a string'],
  ['code that is no string', 'application/json', '{"code": 1}', '"code" is not a string'],
  ['empty code', 'application/json', '{"code": ""}', 'there is no code in the body'],
  [
    'more than code and input',
    'application/json',
    '{"code": "1", "timeout": 1}',
    'the body has "timeout"; accepted: "code" and "input"',
  ],
  [
    'a prototype in it',
    'application/json',
    '{"code": "1", "__proto__": {}}',
    'the body has "__proto__"; accepted: "code" and "input"',
  ],
])('%s is a 400', async ([, type, body, message]) => {
  const answer = await send('/run', { type, body });
  expect(answer.body.error).toEqual({
    code: 'ERR_REQUEST',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });
  expect(answer.status).toBe(400);
});

test('no body at all is a 400', async () => {
  const { status, body } = await send('/run');
  expect([status, body.error?.message]).toEqual([400, 'there is no code in the body']);
});

test('an input with a prototype in it is just data', async () => {
  const text = '{"code": "[Object.keys(input), input.a]", "input": {"__proto__": {"a": 1}}}';
  const { status, body } = await send('/run', { type: 'application/json', body: text });
  expect([status, body.result]).toEqual([200, [['__proto__'], null]]);
});

test('an input that is deep for the engine is a limit of the script', async () => {
  const input = '['.repeat(20_000) + ']'.repeat(20_000);
  const text = `{"code": "1", "input": ${input}}`;
  const { status, body } = await send('/run', { type: 'application/json', body: text });
  expect([status, body.error?.code]).toEqual([422, 'ERR_SCRIPT_STACK']);
});

test.for([
  'application/x-www-form-urlencoded',
  'text/html',
  'application/octet-stream',
  'nonsense',
])('%s is a 415 that says what is accepted', async (type) => {
  const { status, body } = await send('/run', { type, body: new Blob(['1 + 1']) });
  expect(status).toBe(415);
  expect(body.error).toEqual({
    code: 'ERR_REQUEST_TYPE',
    message: `the content type is "${type}"; accepted: text/plain, application/javascript, application/json`,
  });
});

test.for(['text/plain', 'application/json'])(
  'a %s body that is too large is a 413',
  async (type) => {
    const { status, body } = await send('/run', { type, body: `"${'x'.repeat(64 * 1024)}"` });
    expect(status).toBe(413);
    expect(body.error).toEqual({
      code: 'ERR_REQUEST_SIZE',
      message: 'the body is larger than 65536 bytes',
    });
  },
);

test.for(['GET', 'PUT', 'DELETE', 'PATCH'])('%s /run is a 405', async (method) => {
  const { status, headers, body } = await send('/run', { method });
  expect([status, headers.get('allow')]).toEqual([405, 'POST']);
  expect(body.error).toEqual({ code: 'ERR_METHOD', message: 'accepted: POST' });
});

test('what is not there is a 404', async () => {
  const { status, body } = await send('/nope?a', { method: 'GET' });
  expect(status).toBe(404);
  expect(body.error).toEqual({ code: 'ERR_NOT_FOUND', message: 'there is no GET /nope?a' });
});

test.for(['/healthz', '/readyz'])('%s answers that all is well', async (path) => {
  const response = await fetch(`${server.address}${path}`);
  const well = { healthy: true, ready: true, problems: [] };
  expect([response.status, await response.json()]).toEqual([200, well]);
});

test('the page for operators is there', async () => {
  expect(await (await fetch(`${server.address}/pools`)).text()).toContain('<title>Pools</title>');
});

test('the stats are the pool’s', async () => {
  const response = await fetch(`${server.address}/stats`);
  expect(await response.json()).toMatchObject({
    name: 'quickjs',
    max: 4,
    borrowed: 0,
    pending: 0,
    destroyedBy: expect.anything(),
  });
});

test('the page asks nobody else for anything, and may not', async () => {
  const response = await fetch(server.address);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /);
  expect((await response.text()).replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
    /https?:/,
  );
});

test('none of this was an error of ours', () => {
  expect(logged).not.toHaveBeenCalled();
});
const logged = vi.spyOn(console, 'error');
