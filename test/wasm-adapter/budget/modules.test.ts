// Compiled modules, shared by content.
import { createWasmPoolFactory } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass } from '../../helpers/core.js';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { expectWithin, make, PAGE, sized } from './guests.js';

describe('a factory', () => {
  test('compiles the same bytes once, wherever they come from', async () => {
    await using factory = createWasmPoolFactory();
    const bytes = sized(1);
    const response = new Response(bytes, { headers: { 'content-type': 'application/wasm' } });
    const pools = await Promise.all(
      [bytes, bytes.slice(), bytes.buffer, response].map((src) => factory.create(src)),
    );
    expect(new Set(pools.map((pool) => pool.module)).size).toBe(1);
    expect(factory.stats().modules).toBe(1);
    const other = await factory.create(sized(1, 1));
    expect(other.module).not.toBe(pools[0]?.module);
    expect(factory.stats().modules).toBe(2);
  });

  test('lets go of a module with the last pool of it', async () => {
    await using factory = createWasmPoolFactory();
    const [a, b] = await Promise.all([make(factory, 'a', 1), make(factory, 'b', 1)]);
    await a.close();
    expect(factory.stats().modules).toBe(1);
    await b.close();
    expect(factory.stats().modules).toBe(0);
    const again = await make(factory, 'c', 1);
    expect(again.module).toBeInstanceOf(WebAssembly.Module);
    expect(factory.stats().modules).toBe(1);
  });

  test('uses a module that was given compiled as it is', async () => {
    await using factory = createWasmPoolFactory();
    const module = new WebAssembly.Module(sized(1));
    const pools = [await factory.create(module), await factory.create(module)];
    expect(pools.map((pool) => pool.module)).toEqual([module, module]);
    await Promise.all(pools.map((pool) => pool.close()));
    expect(factory.stats().modules).toBe(0);
  });

  test('gives each pool what its reset needs: restore, a module of its own', async () => {
    await using factory = createWasmPoolFactory();
    const [reuse, restore] = await Promise.all([
      make(factory, 'reuse', 1, { reset: 'reuse' }),
      make(factory, 'restore', 1, { reset: 'restore' }),
    ]);
    expect(restore.restoreBlockers).toEqual([]);
    await restore.use(() => {});
    expect(restore.stats().destroyed).toBe(0);
    const fresh = await make(factory, 'fresh', 1, { reset: 'fresh' });
    expect(fresh.module).toBe(reuse.module);
    expect(factory.stats().modules).toBe(2);
  });
});

describe('a pool that could not be made', () => {
  const trapping = wat('(module (memory 1) (func $start unreachable) (start $start))');
  const failing: [string, Parameters<ReturnType<typeof createWasmPoolFactory>['create']>][] = [
    ['its bytes are no module', [new Uint8Array(9)]],
    ['its module traps at the start', [trapping]],
    ['an import is missing', [wat('(module (import "e" "f" (func)))')]],
    ['its onCreate throws', [sized(1), { onCreate: () => Promise.reject(new Error('no')) }]],
    ['it names an unknown export', [sized(1), { promising: ['none'] }]],
    ['its options do not go together', [sized(1), { min: 3, max: 2 }]],
    [
      'its onCreate takes too long',
      [sized(1), { onCreate: () => new Promise(() => {}), createTimeoutMillis: 1 }],
    ],
  ];
  test.each(failing)('since %s leaves nothing of it in the budget', async (_, given) => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    await failure(factory.create(...given));
    expect(factory.stats()).toMatchObject({ memoryBytes: 0, instances: 0, modules: 0, pools: [] });
    const a = await make(factory, 'a', 1);
    await Promise.all([a.use(() => {}), a.use(() => {})]);
  });

  test('does not take a module away from those who have it', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1);
    await failure(make(factory, 'b', 1, { onCreate: () => Promise.reject(new Error('no')) }));
    expect(factory.stats().modules).toBe(1);
    const c = await make(factory, 'c', 1);
    expect(c.module).toBe(a.module);
  });
});

describe('instances that could not be made later', () => {
  test('for want of an end to it leave nothing of them in the budget, but while they take', async () => {
    fakeTime();
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const ends: (() => void)[] = [];
    let hangs = false;
    const a = await make(factory, 'a', 1, {
      createTimeoutMillis: 20,
      onCreate: () => (hangs ? new Promise<void>((resolve) => ends.push(resolve)) : undefined),
    });
    await using b = await make(factory, 'b', 1);
    await a.destroy(await a.acquire()); // with a loan out, an acquire would wait for that
    hangs = true;
    for (let attempt = 0; attempt < 3; attempt++) {
      const acquired = failure(a.acquire());
      expect(factory.stats().instances).toBe(2);
      await pass(20);
      expect(await acquired).toMatchObject({ code: 'ERR_POOL_CREATE' });
    }
    expect(factory.stats()).toMatchObject({ instances: 1, memoryBytes: PAGE });
    const lent = [await b.acquire(), await b.acquire()]; // both fit
    for (const end of ends) end();
    await pass(0);
    expect(a.stats().destroyedBy).toEqual({ borrower: 1, late: 3 });
    expect(factory.stats()).toMatchObject({ instances: 2, memoryBytes: 2 * PAGE });
    for (const instance of lent) await b.release(instance);
    expectWithin(factory);
  });

  test('leave nothing of them in the budget', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    let failing = false;
    const a = await make(factory, 'a', 1, {
      onCreate() {
        if (failing) throw new Error('no');
      },
    });
    await a.destroy(await a.acquire());
    failing = true;
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await failure(a.acquire())).toMatchObject({ code: 'ERR_POOL_CREATE' });
    }
    expect(factory.stats().instances).toBe(0);
    failing = false;
    const lent = [await a.acquire(), await a.acquire()];
    expect(factory.stats().instances).toBe(2);
    for (const instance of lent) await a.release(instance);
  });
});

describe('limits', () => {
  test.each([
    [{ maxInstances: -1 }, /maxInstances is -1; accepted: a whole number of at least 0/],
    [{ maxTotalMemoryBytes: 1.5 }, /maxTotalMemoryBytes is 1\.5/],
    [{ maxMemory: 1 }, /maxMemory/],
  ])('%j are refused', (limits, message) => {
    expect(() => createWasmPoolFactory(limits as object)).toThrow(message);
  });

  test('of 0, or none, do not limit', async () => {
    for (const limits of [undefined, {}, { maxInstances: 0, maxTotalMemoryBytes: 0 }]) {
      await using factory = createWasmPoolFactory(limits);
      const a = await make(factory, 'a', 1);
      const lent = await Promise.all(Array.from({ length: 30 }, () => a.acquire()));
      expect(factory.stats().instances).toBe(30);
      for (const instance of lent) await a.release(instance);
    }
  });

  test('and what is held show in stats, as plain data', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 3, maxTotalMemoryBytes: 1e9 });
    const a = await make(factory, 'a', 1);
    const lent = await a.acquire();
    expect(JSON.parse(JSON.stringify(factory.stats()))).toEqual({
      memoryBytes: 65_536,
      instances: 1,
      maxTotalMemoryBytes: 1e9,
      maxInstances: 3,
      threads: 0,
      maxThreads: 0,
      modules: 1,
      pools: [{ name: 'a', instances: 1, memoryBytes: 65_536, borrowed: 1, pending: 0 }],
    });
    await a.release(lent);
  });
});
