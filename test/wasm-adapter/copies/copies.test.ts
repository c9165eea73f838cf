// Each kind of state, and what of a prepared instance its copies have.
import { createWasmPool, createWasmPoolFactory } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { wat } from '../../helpers/wat.js';
import { assemble, body, exported, I64, section } from '../reset/sections.js';

const PAGE = 65_536;

describe('what is prepared', () => {
  const counter = wat(`(module
    (import "host" "started" (func $started)) (import "host" "initialized" (func $initialized))
    (global $n (mut i32) (i32.const 0))
    (func $start (call $started)) (start $start)
    (func (export "_initialize") (call $initialized))
    (func (export "count") (result i32)
      (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`);
  interface Counter {
    count(): number;
  }

  test('is prepared once, and starts once, for any number of instances', async () => {
    const calls: string[] = [];
    await using pool = await createWasmPool<Counter, unknown, number>(counter, {
      min: 4,
      imports: {
        host: { started: () => calls.push('start'), initialized: () => calls.push('_initialize') },
      },
      async preinitialize({ exports, id, name }) {
        calls.push(`preinitialize ${name}`);
        await Promise.resolve();
        exports.count();
        expect(id).toBe(0);
        return exports.count();
      },
      onCreate({ id, exports }, prepared) {
        calls.push(`onCreate ${id} with ${prepared}`);
        exports.count();
      },
    });
    expect(calls.sort()).toEqual([
      '_initialize',
      'onCreate 1 with 2',
      'onCreate 2 with 2',
      'onCreate 3 with 2',
      'onCreate 4 with 2',
      'preinitialize wasm#0',
      'start',
    ]);
    const lent = await Promise.all([1, 2, 3, 4].map(() => pool.acquire()));
    expect(lent.map(({ exports }) => exports.count())).toEqual([4, 4, 4, 4]);
    for (const instance of lent) await pool.release(instance);
  });

  test('is what restore goes back to, and what an instance that grew is replaced by', async () => {
    const bytes = wat(`(module (memory (export "memory") 1) (global $g (mut i64) (i64.const 1))
      (func (export "set") (param i32 i64)
        (i64.store (local.get 0) (local.get 1)) (global.set $g (local.get 1)))
      (func (export "get") (param i32) (result i64)
        (i64.add (i64.load (local.get 0)) (global.get $g)))
      (func (export "grow") (drop (memory.grow (i32.const 1)))))`);
    interface Keeper {
      set(at: number, value: bigint): void;
      get(at: number): bigint;
      grow(): void;
    }
    await using pool = await createWasmPool<Keeper>(bytes, {
      max: 1,
      reset: 'restore',
      preinitialize({ exports }) {
        exports.grow();
        exports.set(PAGE + 8, 5n);
      },
    });
    expect(pool.restoreBlockers).toEqual([]);
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(({ exports, memoryBytes }) => {
        expect(memoryBytes).toBe(2 * PAGE);
        expect([exports.get(PAGE + 8), exports.get(0)]).toEqual([10n, 5n]);
        exports.set(PAGE + 8, 7n);
        exports.set(0, 3n);
      });
    }
    expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
    await pool.use(({ exports }) => exports.grow());
    await pool.use(({ exports, memoryBytes }) => {
      expect([memoryBytes, exports.get(PAGE + 8)]).toEqual([2 * PAGE, 10n]);
    });
    expect(pool.stats()).toMatchObject({ created: 2, destroyedBy: { unrestorable: 1 } });
    expectAtRest(pool);
  });

  test('and what onCreate has changed of it, is what restore goes back to', async () => {
    const bytes = wat(`(module (memory (export "memory") 4))`);
    await using pool = await createWasmPool<{ memory: WebAssembly.Memory }>(bytes, {
      max: 1,
      reset: 'restore',
      preinitialize: ({ exports }) => void new Uint8Array(exports.memory.buffer).fill(1, 0, PAGE),
      onCreate({ exports }) {
        new Uint8Array(exports.memory.buffer).fill(2, 100, 200);
        new Uint8Array(exports.memory.buffer).fill(3, 3 * PAGE, 3 * PAGE + 10);
      },
    });
    const sums: number[] = [];
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(({ exports }) => {
        const now = new Uint8Array(exports.memory.buffer);
        sums.push(now.reduce((total, byte) => total + byte, 0));
        now.fill(9);
      });
    }
    const sum = PAGE + 100 + 30;
    expect(sums).toEqual([sum, sum, sum]);
    expect(pool.stats().created).toBe(1);
  });

  test('is what fresh makes ahead', async () => {
    let prepared = 0;
    await using pool = await createWasmPool<Counter>(counter, {
      reset: 'fresh',
      imports: { host: { started() {}, initialized() {} } },
      preinitialize({ exports }) {
        prepared++;
        for (let i = 0; i < 10; i++) exports.count();
      },
    });
    for (let loan = 0; loan < 5; loan++) {
      expect(await pool.use(({ exports }) => exports.count())).toBe(11);
    }
    expect(prepared).toBe(1);
    expect(pool.stats().destroyedBy.used).toBeGreaterThan(0);
  });

  test('counts in a budget, each pool of the same module with its own', async () => {
    const bytes = wat(`(module (memory (export "memory") 1)
      (func (export "grow") (param i32) (drop (memory.grow (local.get 0)))))`);
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 20 * PAGE });
    const pool = (pages: number) =>
      factory.create<{ grow(pages: number): void }>(bytes, {
        preinitialize: ({ exports }) => exports.grow(pages),
      });
    const [small, large] = [await pool(1), await pool(9)];
    expect(factory.stats()).toMatchObject({ memoryBytes: 12 * PAGE, instances: 2, modules: 1 });
    await small.use(({ memoryBytes }) => expect(memoryBytes).toBe(2 * PAGE));
    await large.use(({ memoryBytes }) => expect(memoryBytes).toBe(10 * PAGE));
    const error = await failure(pool(30));
    expect(error).toMatchObject({ code: 'ERR_WASM_BUDGET' });
  });

  test('is prepared anew once the pool is told to replace its instances', async () => {
    let prepared = 0;
    await using pool = await createWasmPool<Counter>(counter, {
      imports: { host: { started() {}, initialized() {} } },
      preinitialize({ exports }) {
        prepared++;
        for (let i = 0; i < 10 * prepared; i++) exports.count();
      },
    });
    expect(await pool.use(({ exports }) => exports.count())).toBe(11);
    pool.replace();
    expect(await pool.use(({ exports }) => exports.count())).toBe(21);
    expect(prepared).toBe(2);
  });

  test('has its author see nothing of what the pool exports for it', async () => {
    const bytes = wat(`(module (memory 1) (table 2 funcref) (func $f) (elem (i32.const 0) func $f)
      (func $start) (start $start) (func (export "put") (table.set 0 (i32.const 1) (ref.func $f))))`);
    await using pool = await createWasmPool<{ put(): void }>(bytes, {
      preinitialize({ exports }) {
        expect(Reflect.ownKeys(exports)).toEqual(['put']);
        exports.put();
      },
    });
    await pool.use(({ exports }) => expect(Reflect.ownKeys(exports)).toEqual(['put']));
  });
});

describe('a memory', () => {
  test('that is imported for each instance is copied, and cleared where the original is zero', async () => {
    const bytes = wat(`(module (import "e" "m" (memory 1))
      (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
      (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))`);
    interface Guest {
      store(at: number, value: number): void;
      load(at: number): number;
    }
    let made = 0;
    await using pool = await createWasmPool<Guest>(bytes, {
      min: 2,
      imports() {
        const m = new WebAssembly.Memory({ initial: 1, maximum: 8 });
        if (made++ > 0) new Uint8Array(m.buffer).fill(7); // the host's, of each copy
        return { e: { m } };
      },
      preinitialize(instance) {
        instance.exports.store(16, 5);
        instance.memory?.grow(1);
        instance.exports.store(PAGE, 6);
      },
    });
    const lent = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const { exports, memoryBytes } of lent) {
      expect(memoryBytes).toBe(2 * PAGE);
      expect([0, 16, 20, PAGE].map((at) => exports.load(at))).toEqual([0, 5, 0, 6]);
    }
    lent[0]?.exports.store(0, 1);
    expect(lent[1]?.exports.load(0)).toBe(0);
    for (const instance of lent) await pool.release(instance);
  });

  test('with 64-bit addresses, private, and beside others, has its size and content', async () => {
    const bytes = wat(`(module (memory $a 1) (memory $b i64 1 20) (memory $c (export "c") 2)
      (func (export "prepare")
        (drop (memory.grow $b (i64.const 3)))
        (i32.store8 $b (i64.const 250000) (i32.const 1))
        (i32.store8 $a (i32.const 65535) (i32.const 2)))
      (func (export "sum") (result i64)
        (i64.add (memory.size $b) (i64.add
          (i64.mul (i64.const 100) (i64.load8_u $b (i64.const 250000)))
          (i64.mul (i64.const 1000) (i64.load8_u $a (i32.const 65535)))))))`);
    interface Guest {
      prepare(): void;
      sum(): bigint;
    }
    for (const instantiate of [
      undefined,
      (_: unknown, instance: { link(imports: object): WebAssembly.Instance }) =>
        instance.link({}).exports as WebAssembly.Exports & Guest,
    ]) {
      await using pool = await createWasmPool<Guest>(bytes, {
        min: 2,
        instantiate,
        preinitialize: ({ exports }) => exports.prepare(),
      });
      await pool.use(({ exports, memoryBytes }) => {
        expect(exports.sum()).toBe(2104n);
        expect(memoryBytes).toBe(7 * PAGE);
      });
    }
  });

  test('that grew keeps the views that a loader has of it', async () => {
    const bytes = wat(`(module (memory (export "memory") 1)
      (func (export "grow") (drop (memory.grow (i32.const 2)))))`);
    interface Loaded {
      readonly heap: Uint8Array;
      grow(): void;
      read(at: number): number | undefined;
    }
    await using pool = await createWasmPool<Loaded>(bytes, {
      min: 2,
      instantiate(_, instance) {
        const { memory, grow } = instance.link({}).exports as {
          memory: WebAssembly.Memory;
          grow(): void;
        };
        let heap = new Uint8Array(memory.buffer);
        return {
          get heap() {
            return heap;
          },
          grow() {
            grow();
            heap = new Uint8Array(memory.buffer);
          },
          read: (at) => heap[at],
        };
      },
      preinitialize({ exports }) {
        exports.grow();
        exports.heap[3 * PAGE - 1] = 9;
      },
    });
    for (let loan = 0; loan < 2; loan++) {
      await pool.use(({ exports }) => expect(exports.read(3 * PAGE - 1)).toBe(9));
    }
  });
});

describe('what a loader has left in a copy', () => {
  /** Writes where it is told, then says that it is ready; a copy has to have nothing of that. */
  const copies = async (placesOf: (made: number) => readonly number[]) => {
    const module = wat('(module (memory (export "memory") 8))');
    let made = 0;
    const pool = await createWasmPool<{ memory: WebAssembly.Memory }>(module, {
      min: 6,
      instantiate(_, instance) {
        const { memory } = instance.link({}).exports as { memory: WebAssembly.Memory };
        for (const at of placesOf(made++)) new Uint8Array(memory.buffer)[at] = 1;
        return { memory };
      },
      preinitialize({ exports }) {
        new Uint8Array(exports.memory.buffer).fill(0).set([1, 2, 3], 5 * PAGE);
      },
    });
    await using open = pool;
    const lent = await Promise.all(Array.from({ length: 6 }, () => open.acquire()));
    const seen = lent.map(({ exports }) => new Uint8Array(exports.memory.buffer).slice());
    for (const instance of lent) await open.release(instance);
    for (const bytes of seen) {
      expect(bytes.reduce((sum, byte) => sum + byte, 0)).toBe(6);
      expect([...bytes.subarray(5 * PAGE, 5 * PAGE + 3)]).toEqual([1, 2, 3]);
    }
  };

  test.each<[string, (made: number) => readonly number[]]>([
    ['the same in each', () => [10, 3 * PAGE]],
    [
      'more in each than in the last, next to it',
      (made) => Array.from({ length: made + 1 }, (_, i) => i * 4096),
    ],
    ['elsewhere in each', (made) => [(made * 40_000) % (8 * PAGE)]],
    ['less in later ones', (made) => (made < 2 ? [0, 20_000, 8 * PAGE - 1] : [0])],
    ['next to what the prepared state has', () => [5 * PAGE - 1, 5 * PAGE + 16_384]],
    ['nothing', () => []],
  ])('is gone: %s', async (_, placesOf) => {
    await copies(placesOf);
  });
});

describe('tables and globals', () => {
  const holder = wat(`(module
    (import "e" "f" (func $host (result i32))) (import "e" "t" (table $imported 1 funcref))
    (import "e" "g" (global $shared (mut i32)))
    (table $funcs (export "funcs") 2 8 funcref) (table $hosts 1 externref)
    (global $fn (mut funcref) (ref.null func)) (global $extern (mut externref) (ref.null extern))
    (global $f32 (mut f32) (f32.const 0)) (global $f64 (mut f64) (f64.const 0))
    (global $i64 (mut i64) (i64.const 0))
    (elem (table $funcs) (i32.const 0) func $one) (elem declare func $two $host)
    (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
    (func (export "prepare") (param externref)
      (drop (table.grow $funcs (ref.func $two) (i32.const 3)))
      (table.set $funcs (i32.const 0) (ref.null func))
      (table.set $funcs (i32.const 1) (ref.func $host))
      (table.set $imported (i32.const 0) (ref.func $one))
      (table.set $hosts (i32.const 0) (local.get 0))
      (global.set $fn (ref.func $host)) (global.set $extern (local.get 0))
      (global.set $f32 (f32.const -0)) (global.set $f64 (f64.const -inf))
      (global.set $i64 (i64.const -9223372036854775808)) (global.set $shared (i32.const 77)))
    (func (export "call") (param i32) (result i32) (call_indirect $funcs (result i32) (local.get 0)))
    (func (export "imported") (result i32)
      (call_indirect $imported (result i32) (i32.const 0)))
    (func (export "fn") (result funcref) (global.get $fn))
    (func (export "size") (result i32) (table.size $funcs))
    (func (export "extern") (result externref) (global.get $extern))
    (func (export "host") (result externref) (table.get $hosts (i32.const 0)))
    (func (export "f32") (result f32) (global.get $f32))
    (func (export "f64") (result f64) (global.get $f64))
    (func (export "i64") (result i64) (global.get $i64)))`);
  interface Holder {
    readonly funcs: WebAssembly.Table;
    prepare(value: unknown): void;
    call(index: number): number;
    imported(): number;
    fn(): () => number;
    size(): number;
    extern(): unknown;
    host(): unknown;
    f32(): number;
    f64(): number;
    i64(): bigint;
  }
  const poolOf = (value: unknown, f: (id: number) => () => number = () => () => 9) =>
    createWasmPool<Holder>(holder, {
      min: 2,
      imports: ({ id }) => ({
        e: {
          f: f(id),
          t: new WebAssembly.Table({ element: 'anyfunc', initial: 1 }),
          g: new WebAssembly.Global({ value: 'i32', mutable: true }, id),
        },
      }),
      preinitialize: ({ exports }) => exports.prepare(value),
    });

  test('are copied: functions as the own ones of each, numbers to their last bit', async () => {
    await using pool = await poolOf('text');
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const { exports } of [one, two]) {
      expect(exports.size()).toBe(5);
      expect(exports.funcs.get(0)).toBeNull();
      expect([1, 2, 3, 4].map((index) => exports.call(index))).toEqual([9, 2, 2, 2]);
      expect(exports.imported()).toBe(1);
      expect(exports.fn()()).toBe(9);
      expect([exports.extern(), exports.host()]).toEqual(['text', 'text']);
      expect([exports.f32(), exports.f64()]).toEqual([-0, Number.NEGATIVE_INFINITY]);
      expect(exports.i64()).toBe(-(2n ** 63n));
    }
    expect(one?.exports.funcs.get(2)).not.toBe(two?.exports.funcs.get(2));
    expect(one?.exports.funcs.get(2)?.name).toBe(two?.exports.funcs.get(2)?.name);
    await pool.release(one);
    await pool.release(two);
  });

  test('hold the host function that each instance has imported', async () => {
    await using pool = await poolOf(null, (id) => () => 100 + id);
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const { id, exports } of [one, two]) {
      expect([exports.call(1), exports.fn()()]).toEqual([100 + id, 100 + id]);
    }
    expect(one.id).not.toBe(two.id);
    await pool.release(one);
    await pool.release(two);
  });

  test.each([[undefined], [null], [5], [-0], [Number.NaN], [2n ** 70n], [true], [Symbol('own')]])(
    'hold %s of the host as it is',
    async (value) => {
      await using pool = await poolOf(value);
      await pool.use(({ exports }) => {
        expect(Object.is(exports.extern(), value)).toBe(true);
        expect(Object.is(exports.host(), value)).toBe(true);
      });
    },
  );

  test('hold what the host function is that they were given', async () => {
    const value = () => 3;
    const bytes =
      wat(`(module (import "e" "f" (func $f (result i32))) (global $g (mut externref) (ref.null extern))
      (func (export "put") (param externref) (global.set $g (local.get 0)))
      (func (export "get") (result externref) (global.get $g)))`);
    await using pool = await createWasmPool<{ put(value: unknown): void; get(): unknown }>(bytes, {
      imports: { e: { f: value } },
      preinitialize: ({ exports }) => exports.put(value),
    });
    expect(await pool.use(({ exports }) => exports.get() === value)).toBe(true);
  });

  test('hold the export of each copy that a loader has put there', async () => {
    const bytes = wat(`(module (global $n (mut i32) (i32.const 0)) (table (export "t") 2 funcref)
      (func (export "count") (result i32)
        (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n))
      (func (export "call") (result i32) (call_indirect (result i32) (i32.const 1))))`);
    interface Counter {
      readonly t: WebAssembly.Table;
      count(): number;
      call(): number;
    }
    await using pool = await createWasmPool<Counter>(bytes, {
      min: 2,
      instantiate: (_, instance) => {
        const exports: Partial<Counter> = { ...instance.link({}).exports };
        return exports as Counter;
      },
      preinitialize: ({ exports }) => exports.t.set(1, exports.count),
    });
    const counts = await Promise.all(
      [1, 2].map(() =>
        pool.use(async ({ exports }) => {
          await Promise.resolve();
          return [exports.call(), exports.count(), exports.call()];
        }),
      ),
    );
    expect(counts).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test('of 64-bit addresses are copied', async () => {
    const grow = [0xd2, 0, 0x42, 2, 0xfc, 15, 0]; // ref.func 0, i64.const 2, table.grow 0
    const bytes = assemble(
      section(1, [0x60, 0, 1, I64]),
      section(3, 0),
      section(4, [0x70, 4, 1]),
      section(7, exported('grow', 'function', 0), exported('t', 'table', 0)),
      section(10, body(grow)),
    );
    interface Guest {
      grow(): bigint;
      t: { length: bigint; get(index: bigint): unknown };
    }
    await using pool = await createWasmPool<Guest>(bytes, {
      preinitialize: ({ exports }) => void exports.grow(),
    });
    await pool.use(({ exports }) => {
      expect(exports.t.length).toBe(3n);
      expect(exports.t.get(0n)).toBeNull();
      expect(typeof exports.t.get(2n)).toBe('function');
      expect(exports.grow()).toBe(3n);
    });
  });
});

describe('a reactor of WASI', () => {
  interface Reactor {
    memory: WebAssembly.Memory;
    started(): number;
    buffer(): number;
    read(): number;
    print(number: number): void;
  }
  const write = ({ exports }: { exports: Reactor }, what: string) => {
    Buffer.from(exports.memory.buffer).write(`${what}\0`, exports.buffer());
  };
  const text = ({ exports }: { exports: Reactor }, length: number) =>
    Buffer.from(exports.memory.buffer, exports.buffer(), length).toString();

  test('is initialized once, and its copies have what it has read', async () => {
    await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), {
      min: 2,
      wasi: true,
      preinitialize(instance) {
        expect(instance.exports.started()).toBe(1);
        write(instance, 'prepared');
      },
    });
    await pool.use((instance) => {
      expect(instance.exports.started()).toBe(1);
      expect(text(instance, 8)).toBe('prepared');
    });
  });
});
