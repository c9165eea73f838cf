import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, suspending } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { promising } from '../../../packages/wasm-adapter/src/instance/jspi.js';
import { expectAtRest } from '../../helpers/at-rest.js';
import { type Asking, asking, Gate } from './guests.js';

/** Host functions whose answers come in the order that the test wants. */
function answers() {
  const gates: Gate[] = [];
  const answer = suspending(() => {
    const gate = new Gate();
    gates.push(gate);
    return gate.promise;
  });
  return { gates, imports: { env: { answer, note() {} } } };
}

describe('two suspended calls', () => {
  test('on one shared instance leave its stack pointer moved, and the frames of others to write to', async () => {
    const { gates, imports } = answers();
    const { exports } = new WebAssembly.Instance(
      new WebAssembly.Module(asking),
      imports as unknown as WebAssembly.Imports,
    );
    const { stack } = exports as unknown as Asking;
    const ask = promising(exports.ask as (value: number) => number);
    const before = stack.value;
    const calls = [ask(1), ask(2)];
    gates[0]?.open(0); // who came first ends first, and gives its frame back
    await turn();
    calls.push(ask(3), ask(4)); // whose frame is that of the second, which still waits
    for (const gate of gates) gate.open(0);
    expect(await Promise.all(calls)).toEqual([1, 4, 3, 4]);
    expect(stack.value).not.toBe(before);
  });

  test('on two instances of a pool are right, and so is what comes after them', async () => {
    const { gates, imports } = answers();
    await using pool = await createWasmPool<Asking>(asking, { imports, promising: ['ask'] });
    const ask = (value: number) => pool.use(({ exports }) => exports.ask(value));
    const calls = [ask(1), ask(2)];
    await turn();
    gates[0]?.open(0);
    await turn();
    calls.push(ask(3));
    await turn();
    for (const gate of gates) gate.open(0);
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
    const pointers = [await pool.acquire(), await pool.acquire()].map((instance) => {
      void pool.release(instance);
      return instance.exports.stack.value;
    });
    expect(pointers).toEqual([65_536, 65_536]);
    expect(pool.stats().destroyed).toBe(0);
    expectAtRest(pool);
  });
});

test('a thousand calls that end in any order are right', async () => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed;
  };
  await using pool = await createWasmPool<Asking>(asking, {
    max: 8,
    promising: ['ask', 'askTwice'],
    reset: 'restore',
    imports: {
      env: {
        answer: suspending(async (value: number) => {
          for (let count = random() % 4; count > 0; count--) await (count % 2 ? null : turn());
          return value;
        }),
        note() {},
      },
    },
  });
  const calls = Array.from({ length: 1_000 }, (_, value) =>
    pool.use(({ exports }) => (value % 2 ? exports.ask(value) : exports.askTwice(value))),
  );
  const expected = Array.from({ length: 1_000 }, (_, value) =>
    value % 2 ? value * 2 : value * 4 + 2,
  );
  expect(await Promise.all(calls)).toEqual(expected);
  expect(pool.stats().destroyed).toBe(0);
  expectAtRest(pool);
});
