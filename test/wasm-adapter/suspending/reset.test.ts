import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, suspending } from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { type Asking, asking, Gate } from './guests.js';

const pooled = (answer: () => Promise<number>, reset: 'restore' | 'fresh') =>
  createWasmPool<Asking>(asking, {
    max: 1,
    reset,
    promising: ['ask'],
    imports: { env: { answer: suspending(answer), note() {} } },
  });

test('what a suspended call left in memory is put back once it is over', async () => {
  const gate = new Gate();
  await using pool = await pooled(() => gate.promise, 'restore');
  const frame = (memory: WebAssembly.Memory) => new Uint8Array(memory.buffer)[65_520];
  const call = pool.use(async ({ exports }) => {
    const answer = await exports.ask(7);
    expect(frame(exports.memory)).toBe(7);
    return answer;
  });
  await turn();
  gate.open(1);
  expect(await call).toBe(8);
  expect(await pool.use(({ id, exports }) => [id, frame(exports.memory)])).toEqual([1, 0]);
  expectAtRest(pool);
});

test.each(['restore', 'fresh'] as const)(
  'an instance that is returned with a call under way is not put back, with %s',
  async (reset) => {
    const gate = new Gate();
    await using pool = await pooled(() => gate.promise, reset);
    const instance = await pool.acquire();
    const { memory } = instance.exports;
    const call = instance.exports.ask(7);
    await turn();
    await pool.release(instance);
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    expect(new Uint8Array(memory.buffer)[65_520]).toBe(7); // the call has its frame still
    gate.open(1);
    expect(await call).toBe(8);
    expect(await pool.use(({ exports }) => exports.stack.value)).toBe(65_536);
  },
);

test('a suspended call that fails costs the call alone: its instance is put back', async () => {
  await using pool = await pooled(() => Promise.reject(new Error('no')), 'restore');
  await failure(pool.use(({ exports }) => exports.ask(1)));
  expect(pool.stats().destroyedBy).toEqual({});
  expect(await pool.use(({ exports }) => exports.stack.value)).toBe(65_536);
  expectAtRest(pool);
});
