import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { fixture, type Guest } from '../helpers/fixture.js';
import { long } from '../helpers/long.js';
import { wat } from '../helpers/wat.js';

const PAGE = 65_536;
/** How often a guest leaks 64 KiB: that is 61 GiB, or 6 GiB in the short form. */
const LEAKS = long ? 1_000_000 : 20_000;
const imports = { env: { callback: () => 0 } };

describe('maxMemoryBytes', () => {
  test('replaces an instance that is larger when it is returned', async () => {
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      imports,
      maxMemoryBytes: 4 * PAGE,
    });
    const sizes: number[] = [];
    for (let call = 0; call < 7; call++) {
      await pool.use((instance) => {
        sizes.push(instance.exports.leak());
        expect(instance.memoryBytes).toBe((sizes.at(-1) ?? 0) * PAGE);
      });
    }
    expect(sizes).toEqual([2, 3, 4, 5, 2, 3, 4]); // 5 pages: too large, and so replaced
    expect(pool.stats().destroyedBy).toEqual({ memory: 1 });
    expectAtRest(pool);
  });

  test('lets an instance of just that size stay', async () => {
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      imports,
      maxMemoryBytes: 2 * PAGE,
    });
    await pool.use(({ exports }) => exports.leak());
    expect(pool.stats().destroyed).toBe(0);
  });

  test('absent lets it grow', async () => {
    for (const options of [{}, { maxMemoryBytes: 0 }]) {
      await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
        imports,
        ...options,
      });
      for (let call = 0; call < 50; call++) await pool.use(({ exports }) => exports.leak());
      expect(await pool.use((instance) => instance.memoryBytes)).toBe(51 * PAGE);
      expect(pool.stats().destroyed).toBe(0);
    }
  });

  test('keeps the memory of a process level over many calls that leak 64 KiB each', async () => {
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      imports,
      max: 2,
      maxMemoryBytes: 64 * PAGE,
    });
    const levels: number[] = [];
    for (let call = 1; call <= LEAKS; call++) {
      await pool.use(({ exports }) => exports.leak());
      if (call % (LEAKS / 10) > 0) continue;
      await globalThis.gc?.({ type: 'major', execution: 'async' });
      levels.push(process.memoryUsage.rss());
    }
    const [first = 0, ...later] = levels;
    expect(later).toHaveLength(9);
    expect(Math.max(...later) - first).toBeLessThan(512 * 2 ** 20);
    expect(pool.stats().destroyedBy).toEqual({ memory: Math.floor(LEAKS / 64) });
    expectAtRest(pool);
  });

  test('judges again before lending, when testOnBorrow is on', async () => {
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      imports,
      maxMemoryBytes: 2 * PAGE,
      testOnBorrow: true,
    });
    const memory = await pool.use((instance) => instance.memory);
    memory?.grow(5); // by one who kept the memory of an idle instance
    expect(await pool.use(({ id, memoryBytes }) => [id, memoryBytes])).toEqual([2, PAGE]);
    expect(pool.stats().destroyedBy).toEqual({ memory: 1 });
  });
});

describe('memoryBytes', () => {
  test('is 0 for a module without memory', async () => {
    await using pool = await createWasmPool(wat('(module)'));
    await pool.use(({ memory, memoryBytes }) => {
      expect(memory).toBeUndefined();
      expect(memoryBytes).toBe(0);
    });
  });

  test('counts an imported memory, and one that is exported under two names once', async () => {
    const memory = new WebAssembly.Memory({ initial: 3 });
    await using imported = await createWasmPool(wat('(module (import "e" "m" (memory 1)))'), {
      imports: { e: { m: memory } },
    });
    expect(await imported.use((instance) => instance.memoryBytes)).toBe(3 * PAGE);
    await using twice = await createWasmPool(wat('(module (memory (export "a") (export "b") 2))'));
    expect(await twice.use((instance) => instance.memoryBytes)).toBe(2 * PAGE);
  });

  test('counts what it can see of a module that was given compiled', async () => {
    const text = '(module (import "e" "m" (memory 3)) (memory (export "own") 1) (memory 7))';
    const module = new WebAssembly.Module(wat(text));
    const memories = () => ({ e: { m: new WebAssembly.Memory({ initial: 3 }) } });
    await using pool = await createWasmPool(module, { imports: memories });
    expect(await pool.use((instance) => instance.memoryBytes)).toBe(4 * PAGE);
  });

  test('counts what a loader returns: an instance, or memories among its exports', async () => {
    const bytes = wat('(module (memory (export "memory") 2))');
    for (const loaded of [
      (made: WebAssembly.Instance) => made,
      (made: WebAssembly.Instance) => made.exports,
      (made: WebAssembly.Instance) => ({ exports: { inner: made.exports.memory } }),
    ]) {
      await using pool = await createWasmPool<object>(bytes, {
        instantiate: (compiled) => loaded(new WebAssembly.Instance(compiled)),
      });
      expect(await pool.use((instance) => instance.memoryBytes)).toBe(2 * PAGE);
    }
  });

  test('is 0 of an instance that was destroyed', async () => {
    await using pool = await createWasmPool(wat('(module (memory (export "m") 2))'));
    const instance = await pool.acquire();
    await pool.destroy(instance);
    expect(instance.memoryBytes).toBe(0);
  });
});
