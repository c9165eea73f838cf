// Guests that do their worst. What the borrower sees, and that the pool is at rest afterwards. A
// guest that never returns is not among them: it blocks its thread, and only a worker can be ended.
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';
import { fixture, type Guest } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';

const PAGE = 65_536;

describe('a guest that', () => {
  test('grows its memory to the maximum gets no more, and is replaced', async () => {
    const bytes = wat(`(module
      (memory (export "memory") 1)
      (func (export "grow") (result i32)
        (loop $more
          (br_if $more (i32.ne (memory.grow (i32.const 1024)) (i32.const -1))))
        (memory.size)))`);
    await using pool = await createWasmPool<{ grow(): number }>(bytes, {
      max: 2,
      maxMemoryBytes: 16 * PAGE,
    });
    for (let round = 0; round < 5; round++) {
      const pages = await pool.use(({ exports }) => exports.grow());
      expect(pages).toBeGreaterThan(32_768);
      expect(pages).toBeLessThanOrEqual(65_536);
    }
    expect(pool.stats().destroyedBy).toEqual({ memory: 5 });
    expectAtRest(pool);
  });

  test('declares a maximum of its own gets no more than that', async () => {
    const bytes = wat(`(module
      (memory (export "memory") 1 3)
      (func (export "grow") (result i32) (memory.grow (i32.const 1))))`);
    await using pool = await createWasmPool<{ grow(): number }>(bytes, { max: 1 });
    const grow = () => pool.use(({ exports }) => exports.grow());
    expect([await grow(), await grow(), await grow(), await grow()]).toEqual([1, 2, -1, -1]);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('asks for more memory than there can be cannot be made', async () => {
    const bytes = wat('(module (memory i64 200000000))'); // 12 TiB
    const error = await failure(createWasmPool(bytes));
    expect(error).toMatchObject({ name: 'WasmError' });
    expect(['ERR_WASM_LIMIT', 'ERR_WASM_COMPILE']).toContain(error.code);
  });

  test('recurses for ever overflows the stack, and only its own call', async () => {
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      imports: { env: { callback: () => 0 } },
      max: 2,
    });
    for (let round = 0; round < 5; round++) {
      const error = await failure(pool.use(({ exports }) => exports.recurse(2 ** 31 - 1)));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toContain('Maximum call stack size exceeded');
      expect(await pool.use(({ exports }) => exports.recurse(100))).toBe(150);
    }
    expect(pool.stats().destroyedBy).toEqual({ trap: 5 });
    expectAtRest(pool);
  });

  test('fills its table to the limit gets no more', async () => {
    const bytes = wat(`(module
      (table (export "table") 1 externref)
      (func (export "grow") (result i32)
        (loop $more
          (br_if $more
            (i32.ne (table.grow (ref.null extern) (i32.const 1000000)) (i32.const -1))))
        (table.size)))`);
    await using pool = await createWasmPool<{ grow(): number }>(bytes, { max: 1 });
    const size = await pool.use(({ exports }) => exports.grow());
    expect(size).toBeGreaterThan(1_000_000);
    expect(size).toBeLessThanOrEqual(10_000_000);
    expectAtRest(pool);

    // Tables are not counted, and with `reuse` they stay.
    expect(await pool.use((instance) => instance.memoryBytes)).toBe(0);
    await using restoring = await createWasmPool<{ grow(): number }>(bytes, { reset: 'restore' });
    expect(await restoring.use(({ exports }) => exports.grow())).toBe(size);
    expect(restoring.stats().destroyedBy).toEqual({ unrestorable: 1 });
    expectAtRest(restoring);
  });

  test('has a start function that recurses for ever cannot be made', async () => {
    const bytes = wat('(module (func $down (call $down)) (start $down))');
    const error = await failure(createWasmPool(bytes));
    expect(error).toMatchObject({ code: 'ERR_WASM_START' });
    expect(error.message).toContain('Maximum call stack size exceeded');
  });

  test('recurses for ever where it may be suspended overflows that stack, and is replaced', async () => {
    const bytes = wat(`(module
      (func $down (export "down") (param i32) (result i32)
        (i32.add (i32.const 1) (call $down (i32.add (local.get 0) (i32.const 1))))))`);
    await using pool = await createWasmPool<{ down(depth: number): Promise<number> }>(bytes, {
      promising: ['down'],
      max: 1,
    });
    for (let round = 0; round < 3; round++) {
      const error = await failure(pool.use(({ exports }) => exports.down(0)));
      expect(error).toBeInstanceOf(RangeError);
    }
    expect(pool.stats().destroyedBy).toEqual({ trap: 3 });
    expectAtRest(pool);
  });

  test('grows a memory of 64-bit addresses to the maximum is replaced as any other', async () => {
    const bytes = wat(`(module
      (memory (export "memory") i64 1 100000)
      (func (export "grow") (result i64) (memory.grow (i64.const 99999))))`);
    await using pool = await createWasmPool<{ grow(): bigint }>(bytes, {
      maxMemoryBytes: PAGE,
      limits: { memoryBytes: 2 ** 33 },
    });
    const sizes: number[] = [];
    await pool.use((instance) => {
      expect(instance.exports.grow()).toBe(1n);
      sizes.push(instance.memoryBytes);
    });
    expect(sizes).toEqual([100_000 * PAGE]);
    expect(pool.stats().destroyedBy).toEqual({ memory: 1 });
    expect(await pool.use((instance) => instance.memoryBytes)).toBe(PAGE);
    expectAtRest(pool);
  });

  test('calls itself through the host until the stack ends', async () => {
    const bytes = wat(`(module
      (import "env" "again" (func $again))
      (func (export "go") (call $again)))`);
    await using pool = await createWasmPool<{ go(): void }>(bytes, {
      imports: (instance) => ({ env: { again: () => instance.exports.go() } }),
    });
    expect(await failure(pool.use(({ exports }) => exports.go()))).toBeInstanceOf(RangeError);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(pool);
  });

  test.each([
    ['divides by zero', '(drop (i32.div_s (i32.const 1) (i32.const 0)))', /divide by zero/],
    ['reads out of bounds', '(drop (i32.load (i32.const -1)))', /out of bounds/],
    ['calls no function', '(call_indirect (type $none) (i32.const 0))', /null function|signature/],
    ['calls one of another type', '(call_indirect (type $none) (i32.const 1))', /signature/],
    ['calls beyond its table', '(call_indirect (type $none) (i32.const 9))', /out of bounds/],
    ['throws a null reference', '(throw_ref (ref.null exn))', /null/],
  ])('%s traps, and is replaced', async (_, body, message) => {
    const bytes = wat(`(module
      (type $none (func))
      (memory 1)
      (table 2 funcref)
      (elem (i32.const 1) $typed)
      (func $typed (param i32))
      (func (export "go") ${body}))`);
    await using pool = await createWasmPool<{ go(): void }>(bytes);
    const error = await failure(pool.use(({ exports }) => exports.go()));
    expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(error.message).toMatch(message);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(pool);
  });

  test('gives a host function pointers out of range has that fail, and no other', async () => {
    const bytes = wat(`(module
      (import "env" "log" (func $log (param i32 i32)))
      (memory (export "memory") 1)
      (func (export "log") (param i32 i32) (call $log (local.get 0) (local.get 1))))`);
    const lines: string[] = [];
    interface Exports {
      log(at: number, length: number): void;
    }
    await using pool = await createWasmPool<Exports>(bytes, {
      imports: (instance) => ({
        env: {
          log(at: number, length: number) {
            const { buffer } = instance.memory as WebAssembly.Memory;
            lines.push(Buffer.from(new Uint8Array(buffer, at >>> 0, length >>> 0)).toString());
          },
        },
      }),
    });
    for (const [at, length] of [
      [-1, 1],
      [PAGE, 1],
      [0, PAGE + 1],
      [0, -1],
      [PAGE - 1, 2],
    ] as const) {
      const error = await failure(pool.use(({ exports }) => exports.log(at, length)));
      expect(error).toBeInstanceOf(RangeError);
    }
    expect(pool.stats().destroyedBy).toEqual({ trap: 5 });
    await pool.use(({ exports }) => exports.log(PAGE - 2, 2));
    expect(lines).toEqual(['\0\0']);
    expectAtRest(pool);
  });

  test('gives WASI pointers out of range gets an error number', async () => {
    const bytes = wat(`(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "random") (result i32) (call $random (i32.const 65535) (i32.const 100)))
      (func (export "write") (result i32)
        (call $write (i32.const 1) (i32.const 65530) (i32.const 100) (i32.const 0))))`);
    await using pool = await createWasmPool<{ random(): number; write(): number }>(bytes, {
      wasi: true,
    });
    const codes = await pool.use(({ exports }) => [exports.random(), exports.write()]);
    for (const code of codes) expect(code).toBeGreaterThan(0);
    expectAtRest(pool);
  });
});

describe('a host function that', () => {
  const bytes = wat(`(module
    (import "env" "i32" (func $i32 (result i32)))
    (import "env" "i64" (func $i64 (result i64)))
    (import "env" "two" (func $two (result i32 i32)))
    (func (export "i32") (result i32) (call $i32))
    (func (export "i64") (result i64) (call $i64))
    (func (export "two") (result i32) (i32.add (call $two))))`);
  type Exports = Record<'i32' | 'i64' | 'two', () => unknown>;

  const returning = (value: () => unknown) =>
    createWasmPool<Exports>(bytes, {
      imports: { env: { i32: value, i64: value, two: value } },
      max: 1,
    });

  test.each([
    ['an object', (): unknown => ({}), 0],
    ['nothing', () => undefined, 0],
    ['text', () => 'seven', 0],
    ['text of a number', () => '7', 7],
    ['a fraction', () => 7.9, 7],
    ['a large number', () => 2 ** 32 + 7, 7],
    ['NaN', () => Number.NaN, 0],
    ['a promise', () => new Promise(() => {}), 0],
  ])('returns %s for an i32 gives what JavaScript makes of it', async (_, value, expected) => {
    await using pool = await returning(value);
    expect(await pool.use(({ exports }) => exports.i32())).toBe(expected);
    expect(pool.stats().destroyed).toBe(0);
    expectAtRest(pool);
  });

  test.each([
    ['a symbol', 'i32', (): unknown => Symbol('s')],
    ['a BigInt', 'i32', (): unknown => 7n],
    ['a number', 'i64', (): unknown => 7],
    ['nothing', 'i64', (): unknown => undefined],
    ['one number', 'two', (): unknown => 7],
    ['too few numbers', 'two', (): unknown => [7]],
    ['a promise', 'i64', () => Promise.resolve(7n)], // V8: a SyntaxError, as of BigInt('[object…')
  ] as const)(
    'returns %s for %s throws what JavaScript says of it, and is a trap',
    async (_, name, value) => {
      await using pool = await returning(value);
      const error = await failure(pool.use(({ exports }) => exports[name]()));
      expect(['TypeError', 'SyntaxError']).toContain(error.name);
      expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
      expectAtRest(pool);
    },
  );

  test('is async and rejects does not reach the guest: its rejection is its own', async () => {
    const rejections: Promise<unknown>[] = [];
    await using pool = await returning(() => {
      const promise = Promise.reject(new Error('too late'));
      rejections.push(promise);
      promise.catch(() => {});
      return promise;
    });
    expect(await pool.use(({ exports }) => exports.i32())).toBe(0);
    await expect(rejections[0]).rejects.toThrow('too late');
    expect(pool.stats().destroyed).toBe(0);
    expectAtRest(pool);
  });

  test('returns its own instance to the pool has that destroyed: its call is not over', async () => {
    let giveBack: () => unknown = () => 0;
    await using pool = await returning(() => giveBack());
    const instance = await pool.acquire();
    giveBack = () => {
      void pool.release(instance);
      return 7;
    };
    expect(instance.exports.i32()).toBe(7);
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    expectAtRest(pool);
  });

  test('borrows a further instance of the same pool gets another one', async () => {
    let borrow: () => unknown = () => 0;
    await using pool = await createWasmPool<Exports>(bytes, {
      imports: { env: { i32: () => borrow(), i64: () => 0n, two: () => [1, 2] } },
      min: 2,
    });
    borrow = () => pool.useSync(({ id }) => id);
    const [outer, inner] = await pool.use(({ id, exports }) => [id, exports.i32()]);
    expect([outer, inner].sort()).toEqual([1, 2]);
    expectAtRest(pool);
  });
});

describe('many that fail at once', () => {
  test('leave a pool that is at rest, and of its size', async () => {
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      imports: {
        env: {
          callback(value: number) {
            if (value % 3 === 0) throw new Error('a third');
            return value;
          },
        },
      },
      max: 4,
    });
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, (_, index) =>
        pool.use(({ exports }) => {
          const answer = exports.ask(index);
          if (index % 3 === 1) throw new Error('own');
          return [answer, exports.damage()];
        }),
      ),
    );
    const values = results.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    expect(values).toEqual(Array.from({ length: 100 }, (_, index) => [index * 3 + 2, 0]));
    expect(pool.stats().destroyedBy).toEqual({ trap: 100 });
    await expect.poll(() => pool.stats().creating).toBe(0); // for one who was served before
    expect(pool.size).toBeLessThanOrEqual(4);
    expectAtRest(pool);
  });
});
