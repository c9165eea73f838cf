import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createWasmPool, createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { expect, onTestFinished, test } from 'vitest';
import { wat } from '../helpers/wat.js';

const PAGE = 2 ** 16;
const memory = wat(`(module (memory (export "memory") 2)
  (func (export "grow") (result i32) (memory.grow (i32.const 1))))`);

interface Exports {
  grow(): number;
}

test('stats() has the memory of all instances, and inspect() of each', async () => {
  await using pool = await createWasmPool<Exports>(memory, { max: 2, min: 2, fifo: true });
  expect(pool.stats().memoryBytes).toBe(4 * PAGE);
  await pool.use(({ exports }) => exports.grow());
  expect(pool.stats().memoryBytes).toBe(5 * PAGE);
  expect(pool.inspect().map(({ bytes }) => bytes)).toEqual([3 * PAGE, 2 * PAGE]);
});

test('a module without memory takes 0 bytes', async () => {
  await using pool = await createWasmPool(wat('(module)'));
  expect(pool.stats().memoryBytes).toBe(0);
});

test('stats() counts how often instances were restored', async () => {
  await using pool = await createWasmPool(memory, { reset: 'restore' });
  for (let loan = 0; loan < 3; loan++) await pool.use(() => {});
  expect(pool.stats()).toMatchObject({ restores: 3, destroyed: 0 });
});

test('the channel of destructions tells how large the instance was', async () => {
  const heard: unknown[] = [];
  const listener = (message: unknown) => heard.push(message);
  subscribe('wasm-pool:destroy', listener);
  onTestFinished(() => void unsubscribe('wasm-pool:destroy', listener));
  await using pool = await createWasmPool<Exports>(memory, {
    name: 'grown',
    maxMemoryBytes: 2 * PAGE,
  });
  await pool.use(({ exports }) => exports.grow());
  expect(heard).toMatchObject([{ pool: 'grown', reason: 'memory', bytes: 3 * PAGE }]);
});

test('stats() of a pool of threads has the memory of their instances', async () => {
  await using pool = await createWasmWorkerPool<Exports>(memory, { max: 1 });
  expect(pool.stats()).toMatchObject({ memoryBytes: 2 * PAGE, threads: 1, threadsEnding: 0 });
  await pool.run.grow();
  expect(pool.stats().memoryBytes).toBe(3 * PAGE);
  expect(pool.inspect().map(({ bytes }) => bytes)).toEqual([3 * PAGE]);
});
