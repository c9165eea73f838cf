import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServer, run } from './server.js';

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer();
});
afterAll(() => server.close());

test.for<[script: string, result: unknown]>([
  ['1 + 1', 2],
  ['[1, 2, 3].map((n) => n * n)', [1, 4, 9]],
  ['const a = { deep: { er: [null, true, "x"] } }; a', { deep: { er: [null, true, 'x'] } }],
  [
    '"a quote \\" a NUL \\0 an emoji 😀 a half \\ud800"',
    'a quote " a NUL \0 an emoji 😀 a half \ud800',
  ],
  ['undefined', null],
  ['() => 1', null],
  ['NaN', null],
  ['new Date(0)', '1970-01-01T00:00:00.000Z'],
  ['Promise.resolve(5).then((n) => n + 1)', 6],
  ['(async () => { await null; return { done: true }; })()', { done: true }],
  ['new Promise((resolve) => sleep(20).then(() => resolve("slept")))', 'slept'],
  ['Promise.all([sleep(10), sleep(1), sleep(5)]).then((all) => all.length)', 3],
  ['sleep(60_000); "not waited for"', 'not waited for'],
  [
    'let jobs = 0; Promise.resolve().then(() => jobs++); ({ get jobs() { return jobs; } })',
    { jobs: 1 },
  ],
  ['Promise.reject(new Error("unheard")); 1', 1],
])('%s has a result', async ([script, result]) => {
  const { status, body } = await run(server.address, script);
  expect(body.result).toEqual(result);
  expect(status).toBe(200);
});

test('an answer says which instance ran the script, and how long it waited and ran', async () => {
  const { headers, body } = await run(server.address, '"x"');
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(Object.keys(body)).toEqual(['result', 'console', 'instance', 'waitedMillis', 'ranMillis']);
  expect(body.instance).toMatch(/^quickjs#\d+$/);
  expect(body.waitedMillis).toBeGreaterThan(0);
  expect(body.ranMillis).toBeGreaterThan(0);
});

test('a script finds its input', async () => {
  const input = { list: [1, 2, { three: 'three \0 \ud800 😀' }], nothing: null };
  const { body } = await run(server.address, '({ input })', { input });
  expect(body.result).toEqual({ input });
});

test('without an input there is none', async () => {
  const { body } = await run(server.address, 'typeof input');
  expect(body.result).toBe('undefined');
});

test.for(['application/javascript', 'text/javascript', 'text/plain;charset=utf-8'])(
  'a script may come as %s',
  async (type) => {
    const response = await fetch(`${server.address}/run`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: '"ü"',
    });
    expect(await response.json()).toMatchObject({ result: 'ü' });
  },
);

test('the console tells what was written, by level and in order', async () => {
  const script = `
    console.log('a', 1, true, null, undefined, 10n, Symbol('s'), 'NUL\\0.');
    console.warn({ a: [1] }, [], () => 1);
    const loop = {}; loop.loop = loop;
    console.error(loop, new TypeError('oh'));
    console.info(); console.debug({ toString() { throw 1 }, toJSON() { throw 2 } });
  `;
  const { body } = await run(server.address, script);
  expect(body.console).toEqual([
    { level: 'log', text: 'a 1 true null undefined 10n Symbol(s) NUL\0.' },
    { level: 'warn', text: '{"a":[1]} [] () => 1' },
    { level: 'error', text: expect.stringMatching(/^\[object Object\] TypeError: oh\n {4}at/) },
    { level: 'info', text: '' },
    { level: 'debug', text: '(a value that cannot be shown)' },
  ]);
});

test('a script has nothing of its host', async () => {
  const script = `['process', 'require', 'module', 'fetch', 'setTimeout', 'std', 'os', 'bjson', 'WebAssembly', 'Atomics', 'scriptArgs', 'performance']
    .filter((name) => name in globalThis)`;
  const { body } = await run(server.address, script);
  expect(body.result).toEqual([]);
});

test.for(['import("os")', 'import("./main.js")', 'import("data:text/javascript,1")'])(
  '%s finds nothing',
  async (script) => {
    const { status, body } = await run(server.address, script);
    expect(status).toBe(422);
    expect(body.error?.message).toMatch(/could not load module/);
  },
);
