import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServer, run, runInTime, statsOf } from './server.js';

const sizes = { MAX: '2', MEMORY_MIB: '32', RESULT_KIB: '8', CONSOLE_KIB: '4' };

type Server = Awaited<ReturnType<typeof openServer>>;

/** Has time for everything, so that no other limit comes first on a slow machine. */
let server: Server;
/** Have little of one kind of time, and enough of the other. */
let hasty: { cpu: Server; deadline: Server };
/** Keep an engine for as long as it is sound. */
let reusing: { patient: Server; cpu: Server };
beforeAll(async () => {
  server = await openServer(sizes);
  reusing = {
    patient: await openServer({ ...sizes, ENGINES: 'reuse' }),
    cpu: await openServer({ ...sizes, ENGINES: 'reuse', CPU_MILLIS: '200' }),
  };
  hasty = {
    cpu: await openServer({ ...sizes, CPU_MILLIS: '200' }),
    deadline: await openServer({ ...sizes, DEADLINE_MILLIS: '200' }),
  };
});
afterAll(() => {
  const servers = [server, hasty.cpu, hasty.deadline, reusing.patient, reusing.cpu];
  return Promise.all(servers.map((it) => it.close()));
});

/** Each ends with this code, and the next scripts find sound engines. */
function ends(
  code: string,
  message: RegExp,
  scripts: readonly string[],
  short?: 'cpu' | 'deadline',
): void {
  test.for(scripts)(`%s ends with ${code}`, async (script) => {
    const { address } = short === undefined ? server : hasty[short];
    const { status, body } = await run(address, script);
    expect(body.error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(status).toBe(422);
    expect(body.instance).toMatch(/^quickjs#/);
    for (const after of await Promise.all([1, 2, 3, 4].map(() => runInTime(address, sound)))) {
      expect(after.body.result).toBe('{"0":55}');
    }
  });
}

const sound = `
  const sum = (n) => (n === 0 ? 0 : n + sum(n - 1));
  JSON.stringify({ [new Map([['a', 0]]).get('a')]: /(\\d+)/.exec('x' + sum(10))[1] * 1 });
`;

describe('computing for too long', () => {
  ends(
    'ERR_SCRIPT_CPU',
    /^the script computed for longer than 200 ms$/,
    [
      'for (;;);',
      'try { for (;;); } catch { 1 } finally { for (;;); }',
      'Promise.resolve().then(() => { for (;;); })',
      'function again() { Promise.resolve().then(again); } again()',
      '(async () => { for (;;) await null; })()',
      '({ toJSON() { for (;;); } })',
      '({ get a() { for (;;); } })',
      'new Proxy({}, { ownKeys() { for (;;); } })',
      'throw { get name() { for (;;); }, toString() { for (;;); } }',
      'const error = new Error(); Object.defineProperty(error, "message", { get() { for (;;); } }); throw error',
      'console.log({ toJSON() { for (;;); } })',
      '/(a+)+b/.test("a".repeat(50))',
      'new Proxy({}, { get() { for (;;); } }).then',
      'sleep(1).then(() => { for (;;); })',
      '(async () => { for (;;) { const end = Date.now() + 20; while (Date.now() < end); await sleep(0); } })()',
    ],
    'cpu',
  );
});

describe('one native call that takes longer than anybody lives', () => {
  ends(
    'ERR_SCRIPT_CPU',
    /^the script computed for longer than 200 ms$/,
    [
      'Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)',
      'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
      'try { Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1) } catch {} finally { 1 }',
      'const long = "x".repeat(1 << 22); for (;;) long.indexOf("y")',
      'Promise.resolve().then(() => Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1))',
      '({ toJSON: () => Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1) })',
    ],
    'cpu',
  );

  test('is ended with its instance', async () => {
    const before = await statsOf(reusing.cpu.address);
    const script = 'Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)';
    const { body } = await run(reusing.cpu.address, script);
    const after = await statsOf(reusing.cpu.address);
    expect(after.destroyedBy.borrower).toBe((before.destroyedBy.borrower ?? 0) + 1);
    const next = await Promise.all([1, 2, 3].map(() => run(reusing.cpu.address, '1')));
    expect(next.map((it) => it.body.instance)).not.toContain(body.instance);
  });
});

describe('not being done in time', () => {
  ends(
    'ERR_SCRIPT_DEADLINE',
    /^the script was not done within 200 ms$/,
    [
      'sleep(1e9)',
      'sleep(Infinity)',
      '(async () => { for (;;) await sleep(5); })()',
      'Promise.race([new Promise(() => {}), sleep(60_000)])',
    ],
    'deadline',
  );
});

describe('a promise that is never settled', () => {
  ends('ERR_SCRIPT_PENDING', /^the script gave a promise that nothing is left to settle$/, [
    'new Promise(() => {})',
    'sleep(1).then(() => new Promise(() => {}))',
  ]);
});

describe('using too much memory', () => {
  ends('ERR_SCRIPT_MEMORY', /^the script needs more than the 32 MiB of its instance$/, [
    'const kept = []; for (;;) kept.push({})',
    'const kept = []; for (;;) kept.push(new Array(1000))',
    'const kept = []; for (;;) kept.push("x" + kept.length)',
    'const kept = []; for (;;) kept.push(new ArrayBuffer(1 << 20))',
    'const kept = new Map(); for (;;) kept.set({}, "x".repeat(1000))',
    'new Uint8Array(1 << 29)',
    '"x".repeat(1 << 28)',
    'let all; const kept = []; try { for (;;) kept.push({}); } catch (error) { throw error; }',
  ]);

  test('is an error that the script can catch; the instance is not kept', async () => {
    const before = await statsOf(reusing.patient.address);
    const script = 'let kept = []; try { for (;;) kept.push({}); } catch { kept = 0; } "caught"';
    const { body } = await run(reusing.patient.address, script);
    expect(body.result).toBe('caught');
    const after = await statsOf(reusing.patient.address);
    expect(after.destroyedBy.memory).toBe((before.destroyedBy.memory ?? 0) + 1);
  });
});

describe('calling too deep', () => {
  ends('ERR_SCRIPT_STACK', /^the script calls too deep for the (256 KiB of its )?stack/, [
    'const f = () => f(); f()',
    'class A { constructor() { new A(); } } new A()',
    'new Proxy({}, { get: (target, key, receiver) => receiver[key] }).x',
    'const o = { toString: () => "" + o }; "" + o',
    'JSON.parse("[".repeat(1e6))',
    'let o = []; for (let i = 0; i < 1e5; i++) o = [o]; JSON.stringify(o)',
    'let o = []; for (let i = 0; i < 1e5; i++) o = [o]; o',
    'eval("(".repeat(1e5) + "1" + ")".repeat(1e5))',
    'eval("-".repeat(1e5) + "1")',
    'const g = function* () { yield* g(); }; [...g()]',
    'Promise.resolve().then(function f() { f(); })',
  ]);

  test('through V8 stack and all ends the instance, even where the script caught everything', async () => {
    const before = await statsOf(reusing.patient.address);
    const script = 'try { eval("-".repeat(1e5) + "1") } catch {} "caught"';
    const { body } = await run(reusing.patient.address, script);
    expect(body.error?.code).toBe('ERR_SCRIPT_STACK');
    const after = await statsOf(reusing.patient.address);
    expect(after.destroyedBy.borrower).toBe((before.destroyedBy.borrower ?? 0) + 1);
  });
});

describe('writing too much', () => {
  ends('ERR_SCRIPT_CONSOLE_SIZE', /^the script wrote more than 4096 bytes to the console$/, [
    'for (;;) console.log("line")',
    'for (;;) try { console.log("line") } catch {}',
    'for (;;) console.log()',
    'console.log("x".repeat(5000))',
    'console.log("😀".repeat(1500))',
    'try { console.log("x".repeat(5000)) } catch {} "swallowed"',
  ]);

  test('keeps what was written before', async () => {
    const { body } = await run(server.address, 'for (let i = 0; ; i++) console.log("line", i)');
    expect(body.console?.[0]).toEqual({ level: 'log', text: 'line 0' });
    const written = body.console?.map(({ text }) => text).join('') ?? '';
    expect(written.length).toBeLessThanOrEqual(4096);
  });

  ends('ERR_SCRIPT_RESULT_SIZE', /^the result is larger than 8192 bytes of JSON$/, [
    '"x".repeat(8191)',
    '"😀".repeat(2500)',
    'Array(10_000).fill(0)',
    'Promise.resolve("x".repeat(1 << 20))',
  ]);

  test('up to the limit is no failure', async () => {
    const { body } = await run(server.address, 'console.log("x".repeat(4000)); "x".repeat(8190)');
    expect(body.result).toHaveLength(8190);
    expect(body.console?.[0]?.text).toHaveLength(4000);
  });
});

describe('a result that is not JSON', () => {
  ends('ERR_SCRIPT_RESULT', /^the result is not JSON: /, [
    'const loop = {}; loop.loop = loop; loop',
    '10n',
    '({ toJSON() { throw new RangeError("mine") } })',
  ]);
});

describe('what a script throws', () => {
  test.for<[script: string, thrown: { name: string; message: string }]>([
    ['throw new TypeError("oh no")', { name: 'TypeError', message: 'oh no' }],
    ['Promise.reject(new RangeError("late"))', { name: 'RangeError', message: 'late' }],
    ['sleep(1).then(() => { throw new Error("later") })', { name: 'Error', message: 'later' }],
    [
      'class Own extends Error { name = "Own" } throw new Own("own")',
      { name: 'Own', message: 'own' },
    ],
    ['nothing', { name: 'ReferenceError', message: "'nothing' is not defined" }],
    ['let x = (', { name: 'SyntaxError', message: "unexpected token in expression: ''" }],
    ['throw "text"', { name: 'string', message: 'text' }],
    ['throw { a: 1 }', { name: 'object', message: '{"a":1}' }],
    ['throw null', { name: 'object', message: 'null' }],
    ['throw undefined', { name: 'undefined', message: 'undefined' }],
    ['throw Object.assign(new Error("NUL \\0."), { name: 7 })', { name: '', message: 'NUL \0.' }],
    [
      'Object.prototype.toJSON = () => 7; throw new Error("mine")',
      { name: 'Error', message: 'mine' },
    ],
    [
      'JSON.stringify = () => "{"; JSON.parse = 1; throw new Error("mine")',
      { name: 'Error', message: 'mine' },
    ],
    [
      'throw { get name() { throw 1 }, toJSON() { throw 2 }, toString() { throw 3 } }',
      { name: 'object', message: '(a value that cannot be shown)' },
    ],
  ])('%s is told', async ([script, thrown]) => {
    const { status, body } = await run(server.address, script);
    expect(body.error).toMatchObject({ code: 'ERR_SCRIPT_THREW', thrown });
    expect(body.error?.message).toBe(`the script threw ${thrown.name}: ${thrown.message}`);
    expect(status).toBe(422);
  });

  test('comes with where that was', async () => {
    const { body } = await run(server.address, 'function f() {\n  throw new Error("x");\n}\nf()');
    expect(body.error?.thrown?.stack).toMatch(/at f \(script\.js:2:\d+\)\n.*script\.js:4:/);
  });

  test('is cut where it is long', async () => {
    const { body } = await run(server.address, 'throw new Error("x".repeat(1e6))');
    expect(body.error?.thrown?.message).toHaveLength(2000);
  });

  test('leaves the instance in the pool', async () => {
    await using one = await openServer({ MAX: '1', ENGINES: 'reuse' });
    const names = new Set<string | undefined>();
    for (let i = 0; i < 5; i++) names.add((await run(one.address, 'throw 1')).body.instance);
    expect([...names]).toEqual(['quickjs#1']);
  });
});

test('a script cannot have more than a thousand sleeps at once', async () => {
  const script = 'for (let i = 0; i < 2000; i++) sleep(60_000)';
  const { body } = await run(server.address, script);
  expect(body.error?.message).toBe('the script threw RangeError: more than 1000 sleeps at once');
});

test('a sleep of no time, or less, is over at once, and prints no warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const script = 'Promise.all([-1, -Infinity, NaN, 0].map(sleep)).then(() => "slept")';
  const { body } = await run(server.address, script);
  process.off('warning', note);
  expect(body.result).toBe('slept');
  expect(warnings).toEqual([]);
});

test('the limits can be read', async () => {
  const given = await (await fetch(`${hasty.cpu.address}/limits`)).json();
  expect(given).toEqual({
    cpuMillis: 200,
    deadlineMillis: 600_000,
    memoryBytes: 32 * 1024 * 1024,
    stackBytes: 256 * 1024,
    resultBytes: 8 * 1024,
    consoleBytes: 4 * 1024,
    bodyBytes: 4096 * 1024,
  });
});
