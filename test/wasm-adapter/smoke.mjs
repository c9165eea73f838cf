// Run by node-versions.test.ts with the Node.js versions that are supported: the built packages, and
// nothing that a test runner or a newer Node.js adds.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import {
  createWasmPool,
  createWasmPoolFactory,
  createWasmWorkerPool,
  move,
  suspending,
} from '@wasm-pool/wasm-adapter';

const guest = new URL('../fixtures/guest.wasm', import.meta.url);
const bytes = readFileSync(guest);
const atRest = ({ size, available, borrowed, pending }) =>
  assert.deepEqual([borrowed, pending, available], [0, 0, size]);
const imports = (instance) => ({
  env: {
    callback(value) {
      if (value < 0) throw new RangeError(instance.context);
      return value;
    },
  },
});

for (const src of [bytes, guest, new WebAssembly.Module(bytes)]) {
  const pool = await createWasmPool(src, { imports, max: 2 });
  const answers = [1, 2, 3, 4].map((value) => pool.use(({ exports }) => exports.ask(value)));
  assert.deepEqual(await Promise.all(answers), [1, 2, 3, 4]);
  assert.equal(
    pool.useSync(({ exports }) => exports.ask(5)),
    5,
  );
  await assert.rejects(
    pool.use(({ exports }) => exports.ask(-1), { context: 'from the context' }),
    { name: 'RangeError', message: 'from the context' },
  );
  const lease = await pool.lease();
  const { bump } = lease.value.exports;
  assert.equal(bump() > 0, true);
  await lease[Symbol.asyncDispose]();
  assert.throws(bump, /not on loan/);
  assert.deepEqual(pool.stats().destroyedBy, { trap: 1 });
  atRest(pool);
  await pool.close();
}

const response = new Response(bytes, { headers: { 'content-type': 'application/wasm' } });
await (await createWasmPool(response, { imports })).close();

const stdin = openSync('/dev/null', 'r');
const command = new URL('../fixtures/command.wasm', import.meta.url);
const commands = await createWasmPool(command, { wasi: { args: ['command'], stdin } });
atRest(commands);
await commands.close();
await assert.rejects(createWasmPool(command, { wasi: { args: ['command', 'fail'], stdin } }), {
  code: 'ERR_WASM_START',
});
closeSync(stdin);

const reactors = await createWasmPool(new URL('../fixtures/reactor.wasm', import.meta.url), {
  wasi: true,
  min: 2,
});
assert.equal(await reactors.use(({ exports }) => exports.started()), 1);
await assert.rejects(
  reactors.use(({ exports }) => exports.quit(3)),
  { code: 'ERR_WASM_EXIT', exitCode: 3 },
);
await reactors.close();

await assert.rejects(createWasmPool(bytes), { code: 'ERR_WASM_LINK' });
await assert.rejects(createWasmPool(Buffer.from('text')), { code: 'ERR_WASM_COMPILE' });
await assert.rejects(createWasmPool(bytes, { max: -1 }), TypeError);

for (const reset of ['restore', 'fresh']) {
  const pool = await createWasmPool(bytes, { imports, max: 1, reset });
  assert.deepEqual(pool.restoreBlockers, []);
  for (let loan = 0; loan < 3; loan++) {
    assert.equal(await pool.use(({ exports }) => exports.bump()), 1);
  }
  const { created } = pool.stats();
  assert.equal(created === 1, reset === 'restore');
  await pool.close();
}

const tenants = createWasmPoolFactory({ maxInstances: 1 });
const [one, two] = [
  await tenants.create(bytes, { imports }),
  await tenants.create(bytes, { imports }),
];
await one.use(() => {});
const lent = await two.acquire();
await assert.rejects(one.acquire({ timeoutMillis: 5 }), { code: 'ERR_WASM_BUDGET' });
await two.release(lent);
await tenants.close();

// (module (import "h" "f" (func (param i32) (result i32)))
//   (func (export "g") (param i32) (result i32) (call 0 (local.get 0))))
const asks = Buffer.from(
  '0061736d0100000001060160017f017f02070101680166000003020100070501016700010a08010600200010000b',
  'hex',
);
const suspends = WebAssembly.Suspending !== undefined;
if (suspends) {
  const wait = async (value) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return value * 2;
  };
  const pool = await createWasmPool(asks, {
    imports: { h: { f: suspending(wait) } },
    promising: ['g'],
  });
  const answers = [1, 2, 3].map((value) => pool.use(({ exports }) => exports.g(value)));
  assert.deepEqual(await Promise.all(answers), [2, 4, 6]);
  assert.equal(pool.size, 3);
  atRest(pool);
  await pool.close();
} else {
  assert.throws(() => suspending(() => 1), { code: 'ERR_WASM_JSPI' });
  const options = { imports: { h: { f: (value) => value } }, promising: true };
  await assert.rejects(createWasmPool(asks, options), { code: 'ERR_WASM_JSPI' });
}

// Node.js 22 runs no TypeScript without a flag: the tasks of this are JavaScript.
const tasks = `
  export const imports = (instance) => ({
    env: { callback: (value) => (value < 0 ? instance.context.none : value) },
  });
  export const twice = async ({ exports }, value) => 2 * exports.ask(value);
  export const echo = (instance, bytes) => bytes;
  export const loop = (instance, words) => {
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    for (;;);
  };
  export const exit = () => process.exit(3);
`;
const workers = await createWasmWorkerPool(guest, {
  module: `data:text/javascript,${encodeURIComponent(tasks)}`,
  max: 2,
  maxUses: 1000,
});
const sent = Array.from({ length: 500 }, (_, value) => workers.run.twice(value));
assert.deepEqual(
  await Promise.all(sent),
  sent.map((_, value) => 2 * value),
);
assert.equal(await workers.run.ask(7), 7);
const pixels = new Uint8Array(1000).fill(7);
assert.equal((await workers.run.echo(move(pixels)))[999], 7);
assert.equal(pixels.byteLength, 0);
await assert.rejects(workers.run.ask(-1), TypeError);
await assert.rejects(
  workers.call('loop', [new Int32Array(new SharedArrayBuffer(4))], { callTimeoutMillis: 50 }),
  {
    code: 'ERR_WASM_CALL_TIMEOUT',
  },
);
const controller = new AbortController();
const words = new Int32Array(new SharedArrayBuffer(4));
const aborted = workers.call('loop', [words], { signal: controller.signal });
await Atomics.waitAsync(words, 0, 0).value;
controller.abort(new Error('enough'));
await assert.rejects(aborted, { message: 'enough' });
await assert.rejects(workers.run.exit(), { code: 'ERR_WASM_WORKER_EXIT' });
await assert.rejects(
  workers.run.echo(() => {}),
  { code: 'ERR_WASM_CLONE' },
);
await workers.use(async ({ run }) => assert.equal((await run.bump()) > 0, true));
assert.deepEqual(workers.stats().destroyedBy, { trap: 1, timeout: 1, aborted: 1, exit: 1 });
const begun = new Int32Array(new SharedArrayBuffer(4));
const last = workers.run.loop(begun).catch(({ code }) => code);
await Atomics.waitAsync(begun, 0, 0).value;
await workers.close({ timeoutMillis: 20 });
assert.equal(await last, 'ERR_WASM_WORKER_EXIT');

const idle = await createWasmWorkerPool(guest, {
  module: `data:text/javascript,${encodeURIComponent(tasks)}`,
  reset: 'restore',
  max: 1,
});
assert.deepEqual([await idle.run.bump(), await idle.run.bump()], [1, 1]);
// Is left open: it keeps nothing alive.

console.log(`works on ${process.version}${suspends ? ', which can suspend' : ''}`);
