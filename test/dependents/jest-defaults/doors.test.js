import { createPool, PoolError } from '@wasm-pool/core';
import genericPool, { createPool as dropIn } from '@wasm-pool/core/generic-pool';

const factory = { create: async () => ({}), destroy: async () => {} };

test('imported', async () => {
  const pool = createPool(factory);
  await expect(pool.use(() => 5)).resolves.toBe(5);
  await expect(pool.release({})).rejects.toBeInstanceOf(PoolError);
  await expect(dropIn(factory).use(() => 6)).resolves.toBe(6);
  expect(genericPool.createPool).toBe(dropIn);
});

test('required', async () => {
  const { createPool: required } = require('@wasm-pool/core');
  const genericPoolRequired = require('@wasm-pool/core/generic-pool');
  await expect(required(factory).use(() => 5)).resolves.toBe(5);
  await expect(genericPoolRequired.createPool(factory).use(() => 6)).resolves.toBe(6);
});
