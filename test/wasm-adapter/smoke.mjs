// Run by node-versions.test.ts with the Node.js versions that are supported: the built packages, and
// nothing that a test runner or a newer Node.js adds.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createWasmPool } from '@wasm-pool/wasm-adapter';

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

console.log(`works on ${process.version}`);
