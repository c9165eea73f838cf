// What cannot be put back exactly is known, and is replaced.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWasmPool, type WasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { afterAll, describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { wat } from '../../helpers/wat.js';
import { assemble, END, EXNREF, NULLEXNREF, section } from './sections.js';

async function expectReplaced(pool: WasmPool, loans = 3): Promise<void> {
  const ids: number[] = [];
  for (let loan = 0; loan < loans; loan++) await pool.use(({ id }) => ids.push(id));
  expect(new Set(ids).size).toBe(loans);
  expect(pool.stats().destroyedBy).toEqual({ unrestorable: loans });
  expectAtRest(pool);
}

describe('a module is known to be unrestorable that has', () => {
  const passive = (code: string) => `(module (memory 1) (table 1 funcref) (func $f)
    (data "passive") (elem func $f) (func (export "run") ${code}))`;
  test.each([
    [
      'a v128 that changes',
      wat('(module (global (mut v128) (v128.const i32x4 1 2 3 4)))'),
      /global/,
    ],
    ['an exception that changes', assemble(section(6, [EXNREF, 1, 0xd0, EXNREF, END])), /global/],
    [
      'an exception by its long name',
      assemble(section(6, [0x63, EXNREF, 1, 0xd0, EXNREF, END])),
      /global/,
    ],
    ['no exception', assemble(section(6, [NULLEXNREF, 1, 0xd0, NULLEXNREF, END])), /global/],
    ['a table of exceptions', assemble(section(4, [EXNREF, 0, 1])), /table/],
    [
      'a table of exceptions by their long name',
      assemble(section(4, [0x63, EXNREF, 0, 1])),
      /table/,
    ],
    ['a memory for threads', wat('(module (memory 1 1 shared))'), /shared memory/],
    ['structs and arrays that change', fixture('structs.wasm'), /mutable fields/],
    ['data that may be dropped', wat(passive('(data.drop 0)')), /passive/],
    ['elements that may be dropped', wat(passive('(elem.drop 0)')), /passive/],
    [
      'been given compiled',
      new WebAssembly.Module(wat('(module (memory (export "m") 1))')),
      /given compiled/,
    ],
  ])('%s', async (_, src, reason) => {
    await using pool = await createWasmPool(src, { reset: 'restore' });
    expect(pool.restoreBlockers).toEqual([expect.stringMatching(reason)]);
    await expectReplaced(pool);
  });

  test('several such things, and names them all', async () => {
    const bytes = wat(`(module (memory 1 1 shared) (global (mut v128) (v128.const i32x4 1 2 3 4))
      (data "x") (func (export "f") (data.drop 0)))`);
    await using pool = await createWasmPool(bytes, { reset: 'restore' });
    expect(pool.restoreBlockers).toHaveLength(3);
  });

  test('a mutable global that holds a NaN when it is set up', async () => {
    const bytes = wat('(module (global (export "g") (mut f64) (f64.const nan:0x4000000000001)))');
    await using pool = await createWasmPool(bytes, { reset: 'restore' });
    expect(pool.restoreBlockers).toEqual([expect.stringContaining('NaN')]);
    await expectReplaced(pool);
  });
});

describe('a module is restorable that has', () => {
  test.each([
    ['a constant v128', '(module (global v128 (v128.const i32x4 1 2 3 4)))'],
    ['a constant NaN', '(module (global f64 (f64.const nan)))'],
    ['passive segments that nothing drops', '(module (memory 1) (data "passive"))'],
    ['nothing', '(module)'],
  ])('%s', async (_, text) => {
    await using pool = await createWasmPool(wat(text), { reset: 'restore' });
    for (let loan = 0; loan < 3; loan++) await pool.use(() => {});
    expect(pool.restoreBlockers).toEqual([]);
    expect(pool.stats().created).toBe(1);
  });

  test('a global that a borrower made a NaN', async () => {
    const bytes = wat('(module (global (export "g") (mut f64) (f64.const 1)))');
    interface Exports {
      g: WebAssembly.Global;
    }
    await using pool = await createWasmPool<Exports>(bytes, { reset: 'restore' });
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(({ exports }) => {
        expect(exports.g.value).toBe(1);
        exports.g.value = Number.NaN;
      });
    }
    expect(pool.stats().created).toBe(1);
  });

  test.each(['reuse', 'fresh'] as const)('whatever it has, with %s', async (reset) => {
    await using pool = await createWasmPool(fixture('structs.wasm'), { reset });
    expect(pool.restoreBlockers).toEqual([]);
  });
});

describe('an instance is replaced', () => {
  const bytes = wat(`(module
    (memory (export "first") 1) (memory $private 1) (table $t (export "t") 1 externref)
    (func (export "growMemory") (drop (memory.grow $private (i32.const 1))))
    (func (export "growTable") (drop (table.grow $t (ref.null extern) (i32.const 1)))))`);
  interface Growing {
    first: WebAssembly.Memory;
    t: WebAssembly.Table;
    growMemory(): void;
    growTable(): void;
  }
  test.each<[string, (exports: Growing) => void]>([
    ['private memory', (exports) => exports.growMemory()],
    ['exported memory', (exports) => exports.first.grow(1)],
    ['table', (exports) => exports.growTable()],
    ['exported table', (exports) => exports.t.grow(1)],
  ])('whose %s grew, and only that one', async (_, grow) => {
    await using pool = await createWasmPool<Growing>(bytes, { reset: 'restore' });
    expect(pool.restoreBlockers).toEqual([]);
    await pool.use(() => {});
    await pool.use(({ exports }) => grow(exports));
    expect(await pool.use((instance) => [instance.id, instance.memoryBytes])).toEqual([2, 131_072]);
    expect(pool.stats().destroyedBy).toEqual({ unrestorable: 1 });
  });

  test('that is half restorable, with nothing of it put back', async () => {
    await using pool = await createWasmPool<Growing>(bytes, { reset: 'restore' });
    const kept = await pool.use(({ exports }) => {
      new Uint8Array(exports.first.buffer)[0] = 7;
      exports.growTable();
      return exports.first;
    });
    expect(new Uint8Array(kept.buffer)[0]).toBe(7);
    await pool.use(({ exports }) => expect(new Uint8Array(exports.first.buffer)[0]).toBe(0));
  });
});

describe('a loader', () => {
  const bytes = wat(
    '(module (global $g (mut i32) (i32.const 0)) (func (export "next") (result i32)\
    (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))',
  );
  interface Counter {
    next(): number;
  }
  const pool = (instantiate: NonNullable<WasmPoolOptions<Counter>['instantiate']>) =>
    createWasmPool<Counter>(bytes, { reset: 'restore', statelessLoader: true, instantiate });
  const twice = async (made: WasmPool<Counter>) => [
    await made.use(({ exports }) => exports.next()),
    await made.use(({ exports }) => exports.next()),
  ];

  test('that links once is restored', async () => {
    await using once = await pool((_, instance) => instance.link({}).exports as unknown as Counter);
    expect(once.restoreBlockers).toEqual([]);
    expect(await twice(once)).toEqual([1, 1]);
    expect(once.stats().created).toBe(1);
  });

  test('that links twice is replaced, and known', async () => {
    await using both = await pool((_, instance) => {
      instance.link({});
      return instance.link({}).exports as unknown as Counter;
    });
    expect(both.restoreBlockers).toEqual([expect.stringContaining('instance.link 2 times')]);
    expect(await twice(both)).toEqual([1, 1]);
    expect(both.stats().destroyedBy).toEqual({ unrestorable: 2 });
  });

  test('that makes its instance itself is replaced, and known', async () => {
    await using own = await pool(
      (module) => new WebAssembly.Instance(module).exports as unknown as Counter,
    );
    expect(own.restoreBlockers).toEqual([expect.stringContaining('instance.link 0 times')]);
    expect(await twice(own)).toEqual([1, 1]);
    expect(own.stats().destroyedBy).toEqual({ unrestorable: 2 });
  });

  test('that links a second time while it is lent is replaced', async () => {
    await using late = await pool((_, instance) => {
      const first = instance.link({}).exports as unknown as Counter;
      let second: Counter | undefined;
      return {
        next() {
          second ??= instance.link({}).exports as unknown as Counter;
          return first.next() + second.next() * 10;
        },
      };
    });
    expect(late.restoreBlockers).toEqual([]);
    expect(await twice(late)).toEqual([11, 11]);
    expect(late.stats().destroyedBy).toEqual({ unrestorable: 2 });
  });
});

describe('WASI', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-restoreBlockers-'));
  writeFileSync(join(folder, 'input.txt'), 'first second');
  afterAll(() => rmSync(folder, { recursive: true }));

  const INPUT = 100;
  const OPENED = 200;
  const guest = wat(`(module
    (import "wasi_snapshot_preview1" "path_open" (func $open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const ${INPUT}) "input.txt")
    (data (i32.const 0) "\\2c\\01\\00\\00\\05\\00\\00\\00") ;; five bytes at 300
    (func (export "open") (result i32)
      (call $open (i32.const 3) (i32.const 0) (i32.const ${INPUT}) (i32.const 9) (i32.const 0)
        (i64.const 6) (i64.const 6) (i32.const 0) (i32.const ${OPENED})))
    (func (export "read") (result i32)
      (call $read (i32.load (i32.const ${OPENED})) (i32.const 0) (i32.const 1) (i32.const 400)))
    (func (export "pread") (result i32)
      (call $pread (i32.load (i32.const ${OPENED})) (i32.const 0) (i32.const 1) (i64.const 6) (i32.const 400)))
    (func (export "seek") (result i32)
      (call $seek (i32.load (i32.const ${OPENED})) (i64.const 1) (i32.const 0) (i32.const 400)))
    (func (export "close") (result i32) (call $close (i32.load (i32.const ${OPENED}))))
    (func (export "print") (result i32)
      (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 400)))
    (func (export "random") (result i32) (call $random (i32.const 300) (i32.const 8))))`);
  type Wasi = Record<
    'open' | 'read' | 'pread' | 'seek' | 'close' | 'print' | 'random',
    () => number
  > & {
    memory: WebAssembly.Memory;
  };
  const options: WasmPoolOptions<Wasi> = {
    reset: 'restore',
    wasi: { preopens: { '/data': folder } },
    onCreate: ({ exports }) => expect(exports.open()).toBe(0),
  };
  const readText = ({ memory }: Wasi) => Buffer.from(memory.buffer).toString('latin1', 300, 305);

  test.each(['open', 'read', 'seek', 'close', 'pread', 'print', 'random'] as const)(
    'has what call %s changed put back with the instance',
    async (name) => {
      await using pool = await createWasmPool<Wasi>(guest, options);
      expect(pool.restoreBlockers).toEqual([]);
      for (let loan = 0; loan < 2; loan++) {
        await pool.use(({ exports }) => expect(exports[name]()).toBe(0));
      }
      expect(pool.stats().destroyed).toBe(0);
      await pool.use(({ exports }) => {
        expect(exports.read()).toBe(0);
        expect(readText(exports)).toBe('first');
      });
    },
  );

  test.each(['open', 'read', 'seek', 'close'] as const)(
    "of 'node' keeps what call %s changes out of reach, so that its instance is replaced",
    async (name) => {
      const wasi = { implementation: 'node', preopens: { '/data': folder } } as const;
      await using pool = await createWasmPool<Wasi>(guest, { ...options, wasi });
      for (let loan = 0; loan < 2; loan++) {
        await pool.use(({ exports }) => expect(exports[name]()).toBe(0));
      }
      expect(pool.stats().destroyedBy).toEqual({ unrestorable: 2 });
    },
  );

  test('has each borrower read a file from where onCreate left it', async () => {
    await using pool = await createWasmPool<Wasi>(guest, options);
    for (let loan = 0; loan < 3; loan++) {
      await pool.use(({ exports }) => {
        expect(exports.read()).toBe(0);
        expect(readText(exports)).toBe('first');
      });
    }
  });
});

test('an instance that its borrower makes throw is destroyed for that, not for its state', async () => {
  await using pool = await createWasmPool<{ f(): void }>(
    wat('(module (memory 1) (func (export "f") (drop (memory.grow (i32.const 1))) unreachable))'),
    { reset: 'restore' },
  );
  await failure(pool.use(({ exports }) => exports.f()));
  expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
});
