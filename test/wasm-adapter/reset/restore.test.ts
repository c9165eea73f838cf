import { createWasmPool, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture, type Guest } from '../../helpers/fixture.js';
import { wat } from '../../helpers/wat.js';

const SECRET = 'correct horse battery staple';

interface Keeper {
  memory: WebAssembly.Memory;
  second: WebAssembly.Memory;
  state: WebAssembly.Global;
  hosts: WebAssembly.Table;
  hide(at: number, byte: number): void;
  hidden(at: number): number;
  keep(value: unknown): void;
  kept(): unknown;
  set(value: bigint): void;
  get(): bigint;
  pick(which: number): void;
  picked(): number;
  trap(): void;
}

/** A guest with private and exported state of each kind. */
const keeper = wat(`(module
  (type $number (func (result i32)))
  (memory $first (export "memory") 2)
  (memory $private 1)
  (memory $second (export "second") 1)
  (global $exported (export "state") (mut i32) (i32.const 1))
  (global $number (mut i64) (i64.const 2))
  (global $host (mut externref) (ref.null extern))
  (table $functions 2 funcref)
  (table $hosts (export "hosts") 2 externref)
  (elem (table $functions) (i32.const 0) func $one $two)
  (data (i32.const 100) "as the author wrote it")
  (func $one (result i32) (i32.const 1))
  (func $two (result i32) (i32.const 2))
  (func (export "hide") (param i32 i32) (i32.store8 $private (local.get 0) (local.get 1)))
  (func (export "hidden") (param i32) (result i32) (i32.load8_u $private (local.get 0)))
  (func (export "keep") (param externref)
    (global.set $host (local.get 0))
    (table.set $hosts (i32.const 1) (local.get 0)))
  (func (export "kept") (result externref) (global.get $host))
  (func (export "set") (param i64) (global.set $number (local.get 0)))
  (func (export "get") (result i64) (global.get $number))
  (func (export "pick") (param i32)
    (table.set $functions (i32.const 0) (table.get $functions (local.get 0))))
  (func (export "picked") (result i32) (call_indirect $functions (type $number) (i32.const 0)))
  (func (export "trap") unreachable))`);

/** All that can be seen of a keeper, as text. */
function allOf({ exports }: { exports: Keeper }): string {
  const hidden = Array.from({ length: 65_536 }, (_, at) => exports.hidden(at));
  const memories = [exports.memory.buffer, exports.second.buffer, Uint8Array.from(hidden).buffer];
  const texts = memories.map((buffer) => Buffer.from(buffer).toString('latin1'));
  const others = [exports.kept(), exports.get(), exports.picked(), exports.state.value];
  const hosts = [exports.hosts.get(0), exports.hosts.get(1)];
  return [...texts, ...others, ...hosts].map(String).join('|');
}

function hideAll({ exports }: { exports: Keeper }): void {
  for (const [at, byte] of Buffer.from(SECRET).entries()) exports.hide(at * 1_000, byte);
  for (const [at, byte] of Buffer.from(SECRET).entries()) exports.hide(60_000 + at, byte);
  Buffer.from(exports.memory.buffer).write(SECRET, 0);
  Buffer.from(exports.memory.buffer).write(SECRET, 100);
  Buffer.from(exports.memory.buffer).write(SECRET, 131_072 - SECRET.length);
  Buffer.from(exports.second.buffer).write(SECRET, 16_384 - 3);
  exports.keep(SECRET);
  exports.hosts.set(0, SECRET);
  exports.set(0x5ec2e7n);
  exports.state.value = 1_234;
  exports.pick(1);
}

describe("one borrower's secret", () => {
  test('is in the instance while it is there', async () => {
    await using pool = await createWasmPool<Keeper>(keeper);
    await pool.use(hideAll);
    expect((await pool.use(allOf)).split(SECRET).length).toBeGreaterThan(8);
  });

  test('is nowhere in what the next one sees, who has the same instance', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1, reset: 'restore' });
    const untouched = await pool.use(allOf);
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(hideAll);
      expect(await pool.use(allOf)).toBe(untouched);
    }
    expect(pool.stats().destroyed).toBe(0);
    expect(pool.restoreBlockers).toEqual([]);
    expectAtRest(pool);
  });

  test('is nowhere in what the next one sees, who has a fresh one', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1, reset: 'fresh' });
    const untouched = await pool.use(allOf);
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(hideAll);
      expect(await pool.use(allOf)).toBe(untouched);
    }
    expect(pool.stats().destroyedBy).toEqual({ used: 7 });
  });

  test('is gone however the loan ended', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1, reset: 'restore' });
    const untouched = await pool.use(allOf);
    const lent = await pool.acquire();
    hideAll(lent);
    await pool.release(lent);
    expect(pool.useSync(allOf)).toBe(untouched);
    {
      await using lease = await pool.lease();
      hideAll(lease.value);
    }
    expect(pool.useSync(allOf)).toBe(untouched);
    pool.useSync(hideAll);
    expect(pool.useSync(allOf)).toBe(untouched);
    const error = await failure(
      pool.use((instance) => {
        hideAll(instance);
        throw new Error('own');
      }),
    );
    expect(error.message).toBe('own');
    expect(pool.useSync(allOf)).toBe(untouched);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('is gone after a trap, which costs the call and not the instance', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1, reset: 'restore' });
    const untouched = await pool.use(allOf);
    await failure(
      pool.use((instance) => {
        hideAll(instance);
        instance.exports.trap();
      }),
    );
    expect(await pool.use(allOf)).toBe(untouched);
    expect(pool.stats().destroyed).toBe(0);
    expectAtRest(pool);
  });

  test('is gone before the one who waits for the instance gets it', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { max: 1, reset: 'restore' });
    const untouched = await pool.use(allOf);
    const loans = Array.from({ length: 5 }, () =>
      pool.use(async (instance) => {
        const seen = allOf(instance);
        hideAll(instance);
        await null;
        return seen;
      }),
    );
    expect(await Promise.all(loans)).toEqual(Array(5).fill(untouched));
    expect(pool.stats().created).toBe(1);
  });
});

describe('restoring', () => {
  test('goes back to what onCreate left, in each instance its own', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, {
      reset: 'restore',
      onCreate({ exports, id }) {
        Buffer.from(exports.memory.buffer).write(`script of ${id}`, 70_000);
        exports.set(BigInt(id));
        exports.keep(`library of ${id}`);
        exports.pick(1);
      },
    });
    const seen = (instance: { exports: Keeper }) => [
      Buffer.from(instance.exports.memory.buffer).toString('latin1', 70_000, 70_011),
      instance.exports.get(),
      instance.exports.kept(),
      instance.exports.picked(),
    ];
    for (let loan = 0; loan < 3; loan++) {
      const [a, b] = [await pool.acquire(), await pool.acquire()];
      expect(seen(a)).toEqual([`script of ${a.id}`, BigInt(a.id), `library of ${a.id}`, 2]);
      expect(seen(b)).toEqual([`script of ${b.id}`, BigInt(b.id), `library of ${b.id}`, 2]);
      hideAll(a);
      hideAll(b);
      await pool.release(a);
      await pool.release(b);
    }
    expect(pool.stats().created).toBe(2);
  });

  test('makes whole what a borrower did to a stack that a guest has in its memory', async () => {
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      reset: 'restore',
      imports: { env: { callback: (value: number) => value } },
    });
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(({ exports, memory }) => {
        expect(exports.damage()).toBe(0);
        expect(exports.bump()).toBe(1);
        new Uint8Array(memory?.buffer ?? []).fill(0xee);
        exports.__stack_pointer.value = 64;
      });
    }
    expect(pool.stats().created).toBe(1);
  });

  test('leaves a memory and a table that were asked to grow by nothing, and detached buffers', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, { reset: 'restore' });
    const untouched = await pool.use(allOf);
    await pool.use((instance) => {
      hideAll(instance);
      instance.exports.memory.grow(0);
      instance.exports.hosts.grow(0);
    });
    expect(await pool.use(allOf)).toBe(untouched);
    expect(pool.stats().created).toBe(1);
  });

  test('keeps values that look alike apart', async () => {
    await using pool = await createWasmPool<Keeper>(keeper, {
      reset: 'restore',
      onCreate: ({ exports }) => {
        exports.hosts.set(0, -0);
        exports.hosts.set(1, undefined);
      },
    });
    await pool.use(({ exports }) => {
      exports.hosts.set(0, 0);
      exports.hosts.set(1, null);
    });
    await pool.use(({ exports }) => {
      expect(exports.hosts.get(0)).toBe(-0);
      expect(exports.hosts.get(1)).toBe(undefined);
    });
  });

  test('puts back memories and tables with 64-bit addresses', async () => {
    interface Wide {
      memory: WebAssembly.Memory;
      put(at: bigint): void;
      call(at: bigint): number;
    }
    const bytes = wat(`(module
      (type $number (func (result i32)))
      (memory (export "memory") i64 1)
      (table $t i64 2 funcref)
      (func $one (result i32) (i32.const 1)) (elem declare func $one)
      (func (export "put") (param i64) (table.set $t (local.get 0) (ref.func $one))
        (i64.store (local.get 0) (i64.const -1)))
      (func (export "call") (param i64) (result i32)
        (if (result i32) (ref.is_null (table.get $t (local.get 0)))
          (then (i32.const 0))
          (else (call_indirect $t (type $number) (local.get 0))))))`);
    await using pool = await createWasmPool<Wide>(bytes, { reset: 'restore' });
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(({ exports }) => {
        expect(exports.call(1n)).toBe(0);
        expect(new Uint8Array(exports.memory.buffer, 1, 8).every((byte) => byte === 0)).toBe(true);
        exports.put(1n);
        expect(exports.call(1n)).toBe(1);
      });
    }
    expect(pool.stats().created).toBe(1);
  });

  test('puts back memories, tables and globals that are imported', async () => {
    interface Importing {
      run(): number;
    }
    const bytes = wat(`(module
      (import "e" "m" (memory 1)) (import "e" "t" (table 1 externref))
      (import "e" "g" (global $g (mut i32)))
      (func (export "run") (result i32)
        (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (global.get $g)))
        (i32.load (i32.const 0))))`);
    await using pool = await createWasmPool<Importing>(bytes, {
      reset: 'restore',
      imports: () => ({
        e: {
          m: new WebAssembly.Memory({ initial: 1 }),
          t: new WebAssembly.Table({ initial: 1, element: 'externref' }),
          g: new WebAssembly.Global({ value: 'i32', mutable: true }, 6),
        },
      }),
    });
    for (let loan = 0; loan < 3; loan++) {
      expect(await pool.use(({ exports }) => [exports.run(), exports.run()])).toEqual([7, 15]);
    }
    expect(pool.stats().created).toBe(1);
  });
});

describe('state that all instances would share', () => {
  const shared = {
    memory: ['(memory 1)', () => new WebAssembly.Memory({ initial: 1 })],
    table: [
      '(table 1 externref)',
      () => new WebAssembly.Table({ initial: 1, element: 'externref' }),
    ],
    global: [
      '(global (mut i32))',
      () => new WebAssembly.Global({ value: 'i32', mutable: true }, 0),
    ],
  } as const;

  for (const [kind, [type, make]] of Object.entries(shared)) {
    const bytes = wat(`(module (import "env" "it" ${type}))`);

    test.each(['restore', 'fresh'] as const)(`is refused with %s: a ${kind}`, async (reset) => {
      const error = await failure(
        createWasmPool(bytes, { reset, imports: { env: { it: make() } } }),
      );
      expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
      expect(error.message).toContain(`share the imported ${kind} env.it`);

      const env = { it: make() };
      for (const sharing of [
        { imports: () => ({ env }) },
        { instantiate: (_: unknown, instance: WasmInstance) => instance.link({ env }).exports },
      ]) {
        const one = createWasmPool(bytes, { reset, min: 2, ...sharing });
        expect((await failure(one)).message).toContain(`share the imported ${kind} env.it`);
      }

      await using own = await createWasmPool(bytes, {
        reset,
        imports: () => ({ env: { it: make() } }),
      });
      expectAtRest(own);
    });

    test(`is none where a loader links twice within one instance: a ${kind}`, async () => {
      await using pool = await createWasmPool(bytes, {
        reset: 'fresh',
        min: 2,
        instantiate(_, instance) {
          const imports = { env: { it: make() } };
          instance.link(imports);
          return instance.link(imports).exports;
        },
      });
      expectAtRest(pool);
    });

    test(`is as it is with reuse: a ${kind}`, async () => {
      await using pool = await createWasmPool(bytes, { imports: { env: { it: make() } } });
      expectAtRest(pool);
    });
  }

  test('is none where it cannot change', async () => {
    const bytes = wat('(module (import "env" "it" (global i32)) (import "env" "f" (func)))');
    const constant = new WebAssembly.Global({ value: 'i32' }, 7);
    for (const given of [constant, 7]) {
      await using pool = await createWasmPool(bytes, {
        reset: 'restore',
        imports: { env: { it: given, f() {} } },
      });
      expect(pool.restoreBlockers).toEqual([]);
    }
  });
});
