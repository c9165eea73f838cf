import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { haveSameShape } from '../helpers/same-shape.js';
import { wat } from '../helpers/wat.js';

test.each([1, 40])('the %s exports of all instances are of one shape to V8', async (count) => {
  const functions = Array.from({ length: count }, (_, at) => `(func (export "f${at}"))`);
  const pool = await createWasmPool(await wat(`(module ${functions.join('')})`), { min: 2 });
  const [one, other] = await Promise.all([pool.acquire(), pool.acquire()]);
  expect(one).not.toBe(other);
  expect(haveSameShape(one, other)).toBe(true);
  expect(haveSameShape(one.exports, other.exports)).toBe(true);
  expect(Object.getPrototypeOf(one.exports)).toBeNull();
  expect(Object.isFrozen(one.exports)).toBe(true);
  await Promise.all([pool.release(one), pool.release(other)]);
  await pool.close();
});
