import { createPool } from '@wasm-pool/core';
import { expect, test } from 'vitest';
import { haveSameShape } from '../helpers/same-shape.js';

test('all pools are of one shape to V8, and so is what they are made of', async () => {
  const make = (max: number, fifo: boolean) =>
    createPool({ create: () => ({}), destroy() {} }, { max, fifo, min: 1 });
  const [one, other] = [make(1, true), make(8, false)];
  await Promise.all([one.ready(), other.ready()]);
  expect(haveSameShape(one, other)).toBe(true);
  for (const [name, part] of Object.entries(one)) {
    if (typeof part !== 'object' || part === null) continue;
    expect([name, haveSameShape(part, Reflect.get(other, name))]).toEqual([name, true]);
  }
  await Promise.all([one.close(), other.close()]);
});
