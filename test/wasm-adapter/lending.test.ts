// What a pool of instances is, before anything else: the cases of wazero-pool's own suite that the
// contract of all pools (test/helpers/test-pool.ts) does not have.
import { closeSync, openSync } from 'node:fs';
import { createWasmPool, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { collected } from '../helpers/collected.js';
import { failure } from '../helpers/failure.js';
import { ADD, type Add, fixture } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';

const add = wat(ADD);

describe('a pool of instances', () => {
  test('lends an instance, takes it back, and lends it again', async () => {
    await using pool = await createWasmPool<Add>(add);
    for (let round = 0; round < 2; round++) {
      const instance = await pool.acquire();
      expect(instance.exports.add(1, 1)).toBe(2);
      expect(pool.isBorrowedResource(instance)).toBe(true);
      await pool.release(instance);
      expectAtRest(pool);
    }
    expect(pool.size).toBe(1);
  });

  test('lends two instances at once to two borrowers', async () => {
    await using pool = await createWasmPool<Add>(add);
    const first = await pool.acquire();
    const second = await pool.acquire();
    expect(second).not.toBe(first);
    expect([first.exports.add(1, 1), second.exports.add(2, 2)]).toEqual([2, 4]);
    await pool.release(first);
    await pool.release(second);
    expectAtRest(pool);
    expect(pool.size).toBe(2);
  });

  test('lends for the length of a function, and gives its result on', async () => {
    await using pool = await createWasmPool<Add>(add);
    expect(await pool.use((instance) => instance.exports.add(1, 1))).toBe(2);
    expect(await pool.use(async ({ exports }) => exports.add(2, 1))).toBe(3);
    expect(pool.useSync((instance) => instance.exports.add(2, 2))).toBe(4);
    expectAtRest(pool);
  });

  test('has made its first instance when it is there', async () => {
    await using pool = await createWasmPool<Add>(add);
    expect(pool.available).toBe(1);
    expect(pool.useSync(({ id }) => id)).toBe(1);
    await using several = await createWasmPool<Add>(add, { min: 3 });
    expect(several.available).toBe(3);
  });

  test('gives the compiled module, from which others can be made', async () => {
    await using pool = await createWasmPool<Add>(add);
    expect(pool.module).toBeInstanceOf(WebAssembly.Module);
    await using second = await createWasmPool<Add>(pool.module);
    expect(second.module).toBe(pool.module);
  });

  test('names its instances after itself, and never gives a number twice', async () => {
    await using pool = await createWasmPool<Add>(add, { name: 'adder' });
    const instance = await pool.acquire();
    expect(instance.name).toBe('adder#1');
    await pool.destroy(instance);
    expect(await pool.use(({ id, name }) => [id, name])).toEqual([2, 'adder#2']);
  });
});

describe('a pool of instances, as any other,', () => {
  test('has limits, counters and listeners', async () => {
    await using pool = await createWasmPool<Add>(wat(ADD), { min: 1, max: 3 });
    const seen: string[] = [];
    const onDestroy = (instance: WasmInstance<Add>, reason: string) => {
      seen.push(`${instance.name} ${reason} ${Object.keys(instance.exports).length}`);
    };
    pool.once('create', (instance) => seen.push(`${instance.name} created`));
    pool.on('destroy', onDestroy);
    expect([pool.min, pool.max, pool.spareResourceCapacity]).toEqual([1, 3, 2]);
    await pool.ready(3);
    expect(pool.spareResourceCapacity).toBe(0);
    await pool.destroy(await pool.acquire());
    pool.off('destroy', onDestroy);
    await pool.clear();
    // A destroyed instance is empty: its name is what tells which it was.
    expect(seen).toEqual(['wasm#2 created', 'wasm#3 borrower 0']);
    pool.start(); // as createWasmPool did
    await pool.drain();
    expect(await failure(pool.acquire())).toMatchObject({ code: 'ERR_POOL_CLOSED' });
  });

  test('gives each borrower its own context, also one that waited', async () => {
    await using pool = await createWasmPool<Add>(wat(ADD), { max: 1 });
    const lent = await pool.acquire({ context: 'first' });
    const next = pool.acquire({ context: 'second' });
    expect(lent.context).toBe('first');
    await pool.release(lent);
    expect((await next).context).toBe('second');
    await pool.release(await next);
  });
});

describe('a pool of instances is not made', () => {
  test('of bytes that are no module', async () => {
    const error = await failure(createWasmPool(Buffer.from('invalid')));
    expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_COMPILE' });
  });

  test('of a module whose start function traps', async () => {
    const error = await failure(
      createWasmPool(wat('(module (func $start unreachable) (start $start))')),
    );
    expect(error).toMatchObject({ code: 'ERR_WASM_START' });
    expect(error.message).toContain('unreachable');
    expect(error.cause).toBeInstanceOf(WebAssembly.RuntimeError);
  });

  test.each(['_start', '_initialize'])('of a module whose %s traps', async (entry) => {
    const error = await failure(
      createWasmPool(wat(`(module (func (export "${entry}") unreachable))`)),
    );
    expect(error).toMatchObject({ code: 'ERR_WASM_START' });
    expect(error.message).toMatch(new RegExp(`${entry}.*unreachable`));
  });

  test('of a WASI command that exits with a code other than 0', async () => {
    const stdin = openSync('/dev/null', 'r'); // the process's own might never end
    const wasi = { args: ['command', 'fail'], stdin };
    const error = await failure(createWasmPool(fixture('command.wasm'), { wasi }));
    closeSync(stdin);
    expect(error).toMatchObject({ code: 'ERR_WASM_START' });
    expect(error.message).toContain('exited with code 3');
  });
});

describe('the limit of a pool', () => {
  test('is none when max is 0, or absent', async () => {
    for (const options of [{ max: 0 }, {}]) {
      await using pool = await createWasmPool<Add>(add, options);
      const instances = await Promise.all(Array.from({ length: 50 }, () => pool.acquire()));
      expect(new Set(instances).size).toBe(50);
      for (const instance of instances) await pool.release(instance);
      expectAtRest(pool);
    }
  });

  test('cannot be negative', async () => {
    const error = await failure(createWasmPool(add, { max: -1 }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/max is -1; accepted: .*at least 0/);
  });
});

describe('memory', () => {
  const big = wat('(module (memory (export "memory") 16) (func (export "touch")))');

  test('of an idle instance is freed once that is evicted', async () => {
    await using pool = await createWasmPool(big, { idleTimeoutMillis: 20 });
    const { instance, memory } = await pool.use((lent) => ({
      instance: new WeakRef<object>(lent.exports),
      memory: new WeakRef<object>(lent.memory ?? {}),
    }));
    expect(pool.size).toBe(1);
    await expect.poll(() => pool.size).toBe(0);
    expect(await collected(instance)).toBe(true);
    expect(await collected(memory)).toBe(true);
  });

  test('of a destroyed instance is freed even while its borrower holds on to it', async () => {
    await using pool = await createWasmPool(big);
    const lent = await pool.acquire();
    const memory = new WeakRef<object>(lent.memory ?? {});
    await pool.destroy(lent);
    expect(await collected(memory)).toBe(true);
    expect(lent.memory).toBeUndefined();
  });

  test('of a closed pool is freed', async () => {
    const pool = await createWasmPool(big, { min: 3 });
    const memory = await pool.use((lent) => new WeakRef<object>(lent.memory ?? {}));
    await pool.close();
    expect(await collected(memory)).toBe(true);
  });

  test('of an instance on loan, and of an idle one, stays', async () => {
    await using pool = await createWasmPool(big);
    const memory = await pool.use((lent) => new WeakRef<object>(lent.memory ?? {}));
    expect(await collected(memory)).toBe(false);
  });
});
