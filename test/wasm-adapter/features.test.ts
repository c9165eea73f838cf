// What a module can be: each feature works in several instances at once, or is refused with a reason.
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';
import { fixture } from '../helpers/fixture.js';
import { wat, watModule } from '../helpers/wat.js';

const PAGE = 65_536;

describe('a module with', () => {
  test('several memories counts them all, and its memory is the first', async () => {
    const bytes = wat(`(module
      (memory (export "first") 1)
      (memory (export "second") 2)
      (func (export "put") (param i32)
        (i32.store 0 (i32.const 0) (local.get 0))
        (i32.store 1 (i32.const 0) (i32.mul (local.get 0) (i32.const 2))))
      (func (export "sum") (result i32)
        (i32.add (i32.load 0 (i32.const 0)) (i32.load 1 (i32.const 0)))))`);
    interface Exports {
      first: WebAssembly.Memory;
      put(value: number): void;
      sum(): number;
    }
    await using pool = await createWasmPool<Exports>(bytes);
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    a.exports.put(1);
    b.exports.put(10);
    expect([a.exports.sum(), b.exports.sum()]).toEqual([3, 30]);
    expect(a.memoryBytes).toBe(3 * PAGE);
    expect(a.memory).toBe(a.exports.first);
    await pool.release(a);
    await pool.release(b);
    expectAtRest(pool);
  });

  test('an imported memory, given compiled, counts that one and no other', async () => {
    const module = watModule('(module (import "env" "memory" (memory 1)))');
    const pages = (initial: number) => new WebAssembly.Memory({ initial });
    const imports = { env: { memory: pages(1), other: pages(8) }, none: undefined };
    await using pool = await createWasmPool(module, { imports: imports as never });
    expect(await pool.use((instance) => instance.memoryBytes)).toBe(65_536);
  });

  test('an imported memory of its own, when imports make one for each instance', async () => {
    const bytes = wat(`(module
      (import "env" "memory" (memory 1 10))
      (func (export "next") (result i32)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (i32.load (i32.const 0))))`);
    await using pool = await createWasmPool<{ next(): number }>(bytes, {
      imports: () => ({ env: { memory: new WebAssembly.Memory({ initial: 1, maximum: 10 }) } }),
      maxMemoryBytes: PAGE,
    });
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    expect([a.exports.next(), a.exports.next(), b.exports.next()]).toEqual([1, 2, 1]);
    expect(a.memory).not.toBe(b.memory);
    b.memory?.grow(1);
    expect(b.memoryBytes).toBe(2 * PAGE);
    await pool.release(a);
    await pool.release(b);
    expect(pool.stats().destroyedBy).toEqual({ memory: 1 });
  });

  test('a shared memory', async () => {
    const bytes = wat(`(module
      (import "env" "memory" (memory 1 2 shared))
      (func (export "next") (result i32)
        (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))`);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    await using pool = await createWasmPool<{ next(): number }>(bytes, {
      imports: { env: { memory } },
    });
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    expect([a.exports.next(), b.exports.next(), a.exports.next()]).toEqual([0, 1, 2]);
    expect(a.memoryBytes).toBe(PAGE);
    await pool.release(a);
    await pool.release(b);
  });

  test('a 64-bit memory', async () => {
    const bytes = wat(`(module
      (memory (export "memory") i64 1)
      (func (export "put") (param i64 i32) (i32.store (local.get 0) (local.get 1)))
      (func (export "get") (param i64) (result i32) (i32.load (local.get 0))))`);
    interface Exports {
      put(at: bigint, value: number): void;
      get(at: bigint): number;
    }
    await using pool = await createWasmPool<Exports>(bytes);
    await pool.use(({ exports, memoryBytes }) => {
      exports.put(65_532n, 7);
      expect(exports.get(65_532n)).toBe(7);
      expect(memoryBytes).toBe(PAGE);
    });
    expect(await failure(pool.use(({ exports }) => exports.get(2n ** 40n)))).toBeInstanceOf(
      WebAssembly.RuntimeError,
    );
    expectAtRest(pool);
  });

  test.each([
    [
      'exceptions',
      '(block $caught (result i32) (try_table (result i32) (catch $tag $caught) (throw $tag (local.get 0))))',
    ],
    [
      'exceptions of the first proposal',
      '(try (result i32) (do (throw $tag (local.get 0))) (catch $tag))',
    ],
  ])('%s that it catches itself is kept', async (_, body) => {
    const bytes = wat(`(module
      (tag $tag (export "tag") (param i32))
      (func (export "caught") (param i32) (result i32) ${body})
      (func (export "uncaught") (param i32) (throw $tag (local.get 0))))`);
    interface Exports {
      tag: object;
      caught(value: number): number;
      uncaught(value: number): void;
    }
    await using pool = await createWasmPool<Exports>(bytes);
    expect(await pool.use(({ exports }) => exports.caught(3))).toBe(3);
    expect(pool.stats().destroyed).toBe(0);

    await pool.use(({ exports }) => {
      expect(() => exports.uncaught(5)).toThrow(
        expect.objectContaining({
          constructor: (WebAssembly as { Exception?: unknown }).Exception,
        }),
      );
    });
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('a host exception that it catches itself is kept', async () => {
    const bytes = wat(`(module
      (import "env" "fail" (func $fail))
      (func (export "safe") (result i32)
        (block $caught (try_table (catch_all $caught) (call $fail)) (return (i32.const 0)))
        (i32.const 1)))`);
    await using pool = await createWasmPool<{ safe(): number }>(bytes, {
      imports: {
        env: {
          fail() {
            throw new Error('from the host');
          },
        },
      },
    });
    expect(await pool.use(({ exports }) => exports.safe())).toBe(1);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('SIMD', async () => {
    const bytes = wat(`(module
      (func (export "sum") (param i32) (result i32)
        (local $v v128)
        (local.set $v (i32x4.add (i32x4.splat (local.get 0)) (v128.const i32x4 1 2 3 4)))
        (i32.add (i32x4.extract_lane 0 (local.get $v)) (i32x4.extract_lane 3 (local.get $v)))))`);
    await using pool = await createWasmPool<{ sum(value: number): number }>(bytes);
    expect(await pool.use(({ exports }) => exports.sum(10))).toBe(25);
  });

  test('SIMD in an export that JavaScript cannot call says so, and is destroyed', async () => {
    const bytes = wat('(module (func (export "v") (result v128) (v128.const i32x4 1 2 3 4)))');
    await using pool = await createWasmPool<{ v(): unknown }>(bytes);
    expect(await failure(pool.use(({ exports }) => exports.v()))).toBeInstanceOf(TypeError);
    expectAtRest(pool);
  });

  test('reference types, whose values are the very ones that were given', async () => {
    const bytes = wat(`(module
      (table (export "table") 4 externref)
      (func (export "put") (param i32 externref) (table.set (local.get 0) (local.get 1)))
      (func (export "get") (param i32) (result externref) (table.get (local.get 0))))`);
    interface Exports {
      table: WebAssembly.Table;
      put(at: number, value: unknown): void;
      get(at: number): unknown;
    }
    await using pool = await createWasmPool<Exports>(bytes);
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    const value = { any: 'thing' };
    a.exports.put(2, value);
    expect(a.exports.get(2)).toBe(value);
    expect(a.exports.table.get(2)).toBe(value);
    expect(b.exports.get(2)).toBeNull();
    await pool.release(a);
    await pool.release(b);
  });

  test('structs and arrays of the garbage collector', async () => {
    interface Exports {
      keep(x: number): void;
      kept(): number;
      pair(x: number, y: number): object;
      x(pair: object): number;
      size(length: number): number;
    }
    await using pool = await createWasmPool<Exports>(fixture('structs.wasm'));
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    a.exports.keep(40);
    b.exports.keep(1);
    expect([a.exports.kept(), b.exports.kept()]).toEqual([42, 3]);
    expect(a.exports.size(1000)).toBe(1000);
    const pair = a.exports.pair(5, 6);
    expect(b.exports.x(pair)).toBe(5); // of one module, of one type
    expect(() => a.exports.x({})).toThrow(TypeError);
    await pool.release(a);
    await pool.release(b);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(pool);
  });

  test('tail calls, as deep as it likes', async () => {
    const bytes = wat(`(module
      (func $down (export "down") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
          (then (i32.const 0))
          (else (return_call $down (i32.sub (local.get 0) (i32.const 1)))))))`);
    await using pool = await createWasmPool<{ down(depth: number): number }>(bytes);
    expect(await pool.use(({ exports }) => exports.down(1_000_000))).toBe(0);
  });

  test('bulk memory, several results and 64-bit numbers', async () => {
    const bytes = wat(`(module
      (memory (export "memory") 1)
      (data $text "hello")
      (func (export "load") (memory.init $text (i32.const 8) (i32.const 0) (i32.const 5)))
      (func (export "both") (param i64) (result i64 i32) (local.get 0) (i32.const 2)))`);
    interface Exports {
      memory: WebAssembly.Memory;
      load(): void;
      both(value: bigint): [bigint, number];
    }
    await using pool = await createWasmPool<Exports>(bytes);
    await pool.use(({ exports }) => {
      exports.load();
      expect(Buffer.from(exports.memory.buffer, 8, 5).toString()).toBe('hello');
      expect(exports.both(2n ** 62n)).toEqual([2n ** 62n, 2]);
    });
  });

  test('a feature that V8 does not have is refused, with what V8 says', async () => {
    // A function type of the shared-everything-threads proposal.
    const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x65, 0x60, 0, 0]);
    const error = await failure(createWasmPool(bytes));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPILE' });
    expect(error.message).toContain((error.cause as Error).message);
  });
});

describe('a module written in AssemblyScript', () => {
  interface Words {
    memory: WebAssembly.Memory;
    __new(size: number, type: number): number;
    __pin(pointer: number): number;
    __unpin(pointer: number): void;
    count(word: number): number;
    total(): number;
    reverse(word: number): number;
  }

  function lower({ exports }: { exports: Words }, word: string): number {
    const pointer = exports.__new(word.length * 2, 2);
    Buffer.from(exports.memory.buffer, pointer).write(word, 'utf16le');
    return pointer;
  }

  function lift(memory: WebAssembly.Memory, pointer: number): string {
    const size = new DataView(memory.buffer).getUint32(pointer - 4, true);
    return Buffer.from(memory.buffer, pointer, size).toString('utf16le');
  }

  const wordsPool = () =>
    createWasmPool<Words>(fixture('words.wasm'), {
      max: 3,
      imports: (instance) => ({
        env: {
          abort(message: number) {
            const { memory } = instance;
            throw new Error(memory && lift(memory, message));
          },
        },
      }),
    });

  test('keeps its state by instance, over many loans', async () => {
    await using pool = await wordsPool();
    const words = Array.from({ length: 300 }, (_, index) => `word ${index % 10} é 漢`);
    const reversed = await Promise.all(
      words.map((word) =>
        pool.use((instance) => {
          instance.exports.count(lower(instance, word));
          return lift(instance.exports.memory, instance.exports.reverse(lower(instance, word)));
        }),
      ),
    );
    expect(reversed).toEqual(words.map((word) => [...word].reverse().join('')));
    const lent = await Promise.all([1, 2, 3].map(() => pool.acquire()));
    expect(lent.reduce((sum, { exports }) => sum + exports.total(), 0)).toBe(300);
    for (const instance of lent) await pool.release(instance);
    expectAtRest(pool);
  });

  test('gives on what a failed assertion says, and is then replaced', async () => {
    await using pool = await wordsPool();
    await expect(
      pool.use((instance) => instance.exports.count(lower(instance, ''))),
    ).rejects.toThrow('an empty word');
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expect(await pool.use(({ exports }) => exports.total())).toBe(0);
  });
});
