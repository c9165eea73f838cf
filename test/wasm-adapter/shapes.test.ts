import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { haveSameShape } from '../helpers/same-shape.js';
import { wat } from '../helpers/wat.js';

test.each([1, 40])('the %s exports of all instances are of one shape to V8', async (count) => {
  const functions = Array.from({ length: count }, (_, at) => `(func (export "f${at}"))`);
  const pool = await createWasmPool(await wat(`(module ${functions.join('')})`), { min: 2 });
  // `useSync` lends the instance itself; what it nests is lent another one.
  const [one, other] = pool.useSync((outer) => [outer, pool.useSync((inner) => inner)] as const);
  expect(one).not.toBe(other);
  expect(haveSameShape(one, other)).toBe(true);
  expect(haveSameShape(one.exports, other.exports)).toBe(true);
  expect(Object.getPrototypeOf(one.exports)).toBeNull();
  expect(Object.isFrozen(one.exports)).toBe(true);
  await pool.close();
});
