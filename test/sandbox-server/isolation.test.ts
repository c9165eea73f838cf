import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServer, run, runInTime } from './server.js';

type Server = Awaited<ReturnType<typeof openServer>>;

let server: Server;
/** Stops scripts soon. */
let hasty: Server;
/** What a script sees in an engine that nobody used before. */
let expected: unknown;
beforeAll(async () => {
  // The harder case: scripts one after another in the same engine.
  server = await openServer({ MAX: '1', ENGINES: 'reuse' });
  hasty = await openServer({
    MAX: '1',
    ENGINES: 'reuse',
    CPU_MILLIS: '300',
    DEADLINE_MILLIS: '600',
  });
  await using fresh = await openServer({ MAX: '1', ENGINES: 'fresh' });
  expected = (await run(fresh.address, look)).body.result;
  expect(expected).toBeTypeOf('object');
});
afterAll(() => Promise.all([server.close(), hasty.close()]));

/** What a script can see of its world, told without the builtins that a script may replace. */
const look = `
  const names = (object) => Reflect.ownKeys(object).map(String).sort();
  const own = (object, depth) => {
    const seen = {};
    for (const key of Reflect.ownKeys(object)) {
      if (key === 'Math' || key === 'globalThis' || key === 'seen') continue;
      const { value, get } = Reflect.getOwnPropertyDescriptor(object, key);
      seen[String(key)] = get ? 'getter ' + get : typeof value === 'function' ? 'function ' + value : typeof value;
      if (depth > 0 && (typeof value === 'object' || typeof value === 'function') && value !== null) {
        seen[String(key) + '.'] = own(value, depth - 1);
      }
    }
    return seen;
  };
  ({
    world: own(globalThis, 2),
    math: names(Math), pi: Math.PI, now: Date.now() > 1.6e12, random: typeof Math.random(),
    symbol: Symbol.for('left behind').description, shared: Symbol.for('left behind')[1],
    lastMatch: String(RegExp.$1), frozen: Object.isFrozen(Object.prototype), extensible: Object.isExtensible(globalThis),
    works: [3, 1, 2].sort().map((n) => n + 1).join() + JSON.stringify({ a: new Date(0) }) + 'abc'.replace(/b/, '-'),
  })
`;

test.for<[what: string, script: string, time?: 'hasty']>([
  ['globals', 'var a = 1; let b = 2; globalThis.c = 3; d = 4; function e() {} class F {}; 0'],
  [
    'properties of globals',
    'Object.left = Array.left = Symbol.left = JSON.left = Reflect.left = 1',
  ],
  [
    'prototypes',
    'Object.prototype.left = 1; Array.prototype.map = () => "tampered"; String.prototype.replace = () => ""; 1',
  ],
  [
    'accessors on prototypes',
    'Object.defineProperty(Object.prototype, "value", { get() { return 7; }, set() {} }); 1',
  ],
  ['iterators', '[][Symbol.iterator]().__proto__.next = () => ({ done: true }); 1'],
  ['Symbol.for', 'Symbol.prototype[1] = "left"; globalThis[Symbol.for("left behind")] = 1'],
  [
    'Date',
    'Date.now = () => 0; Date.prototype.toJSON = () => "then"; globalThis.Date = class {}; 1',
  ],
  ['Math', 'Math.random = () => "4"; Math.PI2 = 6; Object.freeze(Math); 1'],
  ['JSON', 'JSON.stringify = () => "{}"; JSON.parse = () => 1; 1'],
  ['Promise', 'Promise.prototype.then = function () { return 1 }; Promise.resolve = null; 1'],
  [
    'Reflect and Proxy',
    'Reflect.ownKeys = () => []; Reflect.getOwnPropertyDescriptor = null; globalThis.Proxy = 1; 1',
  ],
  ['the console', 'console.log = null; globalThis.console = 7; globalThis.sleep = 8; 1'],
  ['frozen things', 'Object.freeze(Object.prototype); Object.preventExtensions(globalThis); 1'],
  ['deleted things', 'delete globalThis.Map; delete Array.prototype.sort; delete Object.keys; 1'],
  ['the last match', '/(secret)/.exec("a secret"); 1'],
  ['an input', 'globalThis.kept = input; 1'],
  [
    'pending jobs',
    'Promise.resolve().then(() => sleep(30)).then(() => { globalThis.late = 1; Array.prototype.late = 1; }); 1',
  ],
  ['sleeps', 'for (let i = 0; i < 900; i++) sleep(i).then(() => { globalThis.late = i; }); 1'],
  [
    'finalizers',
    'globalThis.r = new FinalizationRegistry(() => { globalThis.late = 1; for (;;); }); r.register({}, 1); 1',
  ],
  [
    'a generator in the middle',
    'globalThis.g = (function* () { try { yield 1; } finally { for (;;); } })(); g.next(); 1',
  ],
  ['a throw', 'Object.prototype.left = 1; throw new Error("left")'],
  ['a loop that was stopped', 'Object.prototype.left = 1; for (;;);', 'hasty'],
  [
    'a call that was ended',
    'Object.prototype.left = 1; Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)',
    'hasty',
  ],
  ['a sleep past the deadline', 'Object.prototype.left = 1; sleep(60_000)', 'hasty'],
  ['a stack overflow', 'Object.prototype.left = 1; const f = () => f(); f()'],
  ['an exhausted memory', 'Object.prototype.left = 1; const kept = []; for (;;) kept.push({})'],
  [
    'an exhausted memory in a job',
    'Promise.resolve().then(function f() { return Promise.resolve().then(f) })',
  ],
])('%s of one script is not there for the next', async ([, script, time]) => {
  const { address } = time === 'hasty' ? hasty : server;
  await run(address, script, { input: 'secret' });
  const seen = (await runInTime(address, look)).body;
  expect(seen.error).toBeUndefined();
  expect(seen.result).toEqual(expected);
});

test('most of that goes through one and the same instance', async () => {
  const before = (await run(server.address, '1')).body.instance;
  await run(server.address, 'Object.prototype.left = 1; throw 1');
  const after = (await run(server.address, 'Object.prototype.left ?? "clean"')).body;
  expect(after).toMatchObject({ result: 'clean', instance: before });
});

test('new buffers hold nothing of the scripts before', async () => {
  await run(
    server.address,
    'const kept = []; for (let i = 0; i < 50; i++) kept.push(new Uint8Array(1e5).fill(83)); 1',
  );
  const script =
    'let sum = 0; for (let i = 0; i < 50; i++) for (const byte of new Uint8Array(1e5)) sum += byte; sum';
  const { body } = await run(server.address, script);
  expect(body.result ?? body.error).toBe(0);
});

test('scripts under way at the same time do not see each other', async () => {
  await using eight = await openServer({ MAX: '8' });
  const script = `(async () => {
    const seen = [globalThis.mine, Array.prototype.mine];
    globalThis.mine = Array.prototype.mine = input;
    for (let i = 0; i < 5; i++) {
      await sleep(Math.random() * 10);
      seen.push(globalThis.mine, [].mine);
    }
    console.log(input);
    return seen;
  })()`;
  const inputs = Array.from({ length: 40 }, (_, n) => `input ${n}`);
  const answers = await Promise.all(inputs.map((input) => run(eight.address, script, { input })));
  for (const [i, { body }] of answers.entries()) {
    expect(body.result).toEqual([null, null, ...Array(10).fill(inputs[i])]);
    expect(body.console).toEqual([{ level: 'log', text: inputs[i] }]);
  }
});

test('an instance is replaced after as many scripts as it may serve', async () => {
  await using short = await openServer({ MAX: '1', ENGINES: 'reuse', MAX_USES: '2' });
  const names: (string | undefined)[] = [];
  for (let i = 0; i < 5; i++) names.push((await run(short.address, '1')).body.instance);
  expect(names).toEqual(['quickjs#1', 'quickjs#1', 'quickjs#2', 'quickjs#2', 'quickjs#3']);
});

test('no two scripts have the same engine, and each finds its world ready', async () => {
  await using three = await openServer({ MAX: '3' });
  const script = `console.log('here'); sleep(1).then(() => typeof sleep + input)`;
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, input) => run(three.address, script, { input })),
  );
  for (const [input, { body }] of answers.entries()) {
    expect(body.result).toBe(`function${input}`);
    expect(body.console).toEqual([{ level: 'log', text: 'here' }]);
  }
  expect(new Set(answers.map(({ body }) => body.instance)).size).toBe(12);
});
