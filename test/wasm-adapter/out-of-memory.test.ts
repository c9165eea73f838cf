// The real thing: V8 reserves address space for each memory, and there is an end to it.
import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, createWasmPoolFactory, WasmError } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';
import { wat } from '../helpers/wat.js';
import { guestPool } from './components/guests.js';

const bytes = wat('(module (memory (export "memory") 1))');

/** As many as leave a gap that V8 finds: it looks for one with room to align a memory in. */
const IDLE = 4;

/** All memories that this process can still have, in the hands of somebody else. */
let others: WebAssembly.Memory[] = [];
async function takeTheRest(): Promise<void> {
  // What a collection gives back later is taken, too: an instance would be made of it.
  for (let taken = -1; taken < others.length; ) {
    taken = others.length;
    try {
      for (;;) others.push(new WebAssembly.Memory({ initial: 1 }));
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
    await collect();
  }
}

/** The error of a pool that cannot be made. Room that threads give back meanwhile is taken, too. */
async function failureWithoutRoom(make: () => Promise<AsyncDisposable>): Promise<WasmError> {
  for (;;) {
    await takeTheRest();
    try {
      await (await make())[Symbol.asyncDispose]();
    } catch (error) {
      if (error instanceof WasmError) return error;
      throw error;
    }
  }
}

async function collect(): Promise<void> {
  await globalThis.gc?.({ type: 'major', execution: 'async' });
}

async function forgetThem(): Promise<void> {
  others = [];
  await collect();
}
beforeEach(forgetThem);
afterEach(forgetThem);

test('no pool can be made, and the error says why and what to do', async () => {
  const error = await failureWithoutRoom(() => createWasmPool(bytes));
  expect(error).toMatchObject({ code: 'ERR_WASM_MEMORY' });
  expect(error.message).toMatch(/no room for a further instance .*8 GiB of address space/);
  expect(error.cause).toBeInstanceOf(RangeError);
  await forgetThem();
  await using pool = await createWasmPool(bytes);
  expectAtRest(pool);
});

test('says the same where imports ask for a memory', async () => {
  const imports = () => ({ env: { memory: new WebAssembly.Memory({ initial: 1 }) } });
  const error = await failureWithoutRoom(() => createWasmPool(wat('(module)'), { imports }));
  expect(error).toMatchObject({ code: 'ERR_WASM_MEMORY' });
});

test('says the same of a component', async () => {
  const pool = await guestPool(); // jco has memories too: the component is in the cache from here on
  await pool.close();
  const error = await failureWithoutRoom(guestPool);
  expect(error).toMatchObject({ code: 'ERR_WASM_MEMORY' });
  expect(error.message).toMatch(/^guest#1: V8 has no room for a further instance/);
});

test('idle instances are dropped to make another one, and it is tried once more', async () => {
  await using pool = await createWasmPool(bytes);
  await pool.ready(IDLE);
  await takeTheRest();
  expect(Reflect.apply(Reflect.get(pool, 'grow'), pool, [])).toBe(1);
  await expect.poll(() => pool.stats().creating).toBe(0);
  expect(pool.stats()).toMatchObject({ createErrors: 0, destroyedBy: { outOfMemory: IDLE } });
  expect(await pool.use(({ id }) => id)).toBeGreaterThan(IDLE);
  expect(pool.size).toBe(1);
  expectAtRest(pool);
});

test('idle instances of other pools of one budget are dropped, too', async () => {
  await using factory = createWasmPoolFactory();
  const a = await factory.create(bytes);
  const b = await factory.create(bytes);
  await b.ready(IDLE);
  const lent = await a.acquire();
  await takeTheRest();
  await a.use(({ memoryBytes }) => expect(memoryBytes).toBe(65_536));
  expect(b.stats().destroyedBy).toEqual({ outOfMemory: IDLE });
  expect(factory.stats().instances).toBe(2);
  await a.release(lent);
  expectAtRest(a);
});

test('fresh spares that were dropped are not made anew over and over', async () => {
  await using pool = await createWasmPool(bytes, { reset: 'fresh', min: IDLE });
  await takeTheRest();
  const lent = await pool.acquire(); // and one more is to be made in its place
  await expect.poll(() => pool.stats().destroyedBy).toEqual({ outOfMemory: IDLE - 1 });
  await expect.poll(() => pool.stats().creating).toBe(0);
  const { created } = pool.stats();
  for (let turns = 0; turns < 20; turns++) await turn();
  expect(pool.stats().created).toBe(created);
  await pool.release(lent);
});

test('where nothing is idle the acquire fails, and the pool is none the worse', async () => {
  await using pool = await createWasmPool(bytes);
  const lent = await pool.acquire();
  await takeTheRest();
  const acquired = failure(pool.acquire({ timeoutMillis: 2_000 }));
  acquired.catch(() => {}); // the line below fails first where it is served
  await expect.poll(() => pool.stats().createErrors).toBeGreaterThan(0);
  const error = await acquired;
  await pool.release(lent);
  expect(error).toMatchObject({
    code: 'ERR_POOL_ACQUIRE_TIMEOUT',
    cause: { code: 'ERR_WASM_MEMORY' },
  });
  expect(pool.size).toBe(1);
  expect(await pool.use(({ id }) => id)).toBe(1);
  expectAtRest(pool);
});

describe('instances that are copies', () => {
  const counter = wat(`(module (memory (export "memory") 1)
    (func (export "set") (i32.store (i32.const 8) (i32.const 42)))
    (func (export "get") (result i32) (i32.load (i32.const 8))))`);
  interface Counter {
    set(): void;
    get(): number;
  }
  const preinitialize = ({ exports }: { exports: Counter }) => exports.set();

  test('are not prepared where there is no room for the one that is prepared', async () => {
    const error = await failureWithoutRoom(() =>
      createWasmPool<Counter>(counter, { preinitialize }),
    );
    expect(error).toMatchObject({ code: 'ERR_WASM_MEMORY' });
    await forgetThem();
    await using pool = await createWasmPool<Counter>(counter, { preinitialize });
    expect(await pool.use(({ exports }) => exports.get())).toBe(42);
  });

  test('that there is no room for cost nothing that is there, and are copied when there is', async () => {
    await using pool = await createWasmPool<Counter>(counter, { preinitialize });
    const lent = await pool.acquire();
    await takeTheRest();
    const error = await failure(pool.acquire({ timeoutMillis: 500 }));
    expect(error).toMatchObject({ cause: { code: 'ERR_WASM_MEMORY' } });
    await forgetThem();
    const second = await pool.acquire();
    expect([lent.exports.get(), second.exports.get()]).toEqual([42, 42]);
    await pool.release(lent);
    await pool.release(second);
    expectAtRest(pool);
  });
});
