// What a module asks for is limited when its pool is created, and what it grows to while it runs.
import {
  createWasmPool,
  createWasmPoolFactory,
  createWasmWorkerPool,
  type WasmLimits,
} from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModuleLimits } from '../../packages/wasm-adapter/src/module/limits.js';
import { moduleShape } from '../../packages/wasm-adapter/src/module/module-shape.js';
import { rewriteModule } from '../../packages/wasm-adapter/src/module/rewrite.js';
import { failure } from '../helpers/failure.js';
import { wat } from '../helpers/wat.js';
import { assemble, custom, number, section } from './reset/sections.js';

const PAGE = 65_536;
const ERR = { code: 'ERR_WASM_LIMIT' };

const GROW = `(module (memory (export "memory") 1)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`;

interface Grow {
  grow(pages: number): number;
}

describe('a module that asks for more than its pool lets it have is refused', () => {
  const cases: [keyof WasmLimits, number, string][] = [
    ['memories', 1, '(module (memory 1) (memory 1))'],
    ['memoryBytes', 2 * PAGE, '(module (memory 3))'],
    ['memoryBytes', 2 * PAGE, '(module (memory 1) (memory 2))'],
    ['tables', 1, '(module (table 1 funcref) (table 1 externref))'],
    ['tableElements', 9, '(module (table 5 funcref) (table 5 externref))'],
    ['globals', 1, '(module (global i32 (i32.const 1)) (global (mut i32) (i32.const 1)))'],
    ['moduleBytes', 8, '(module (memory 1))'],
  ];
  test.each(cases)('%s of %d', async (limit, most, text) => {
    const options = { limits: { [limit]: most } };
    const error = await failure(createWasmPool(wat(text), options));
    expect(error).toMatchObject(ERR);
    expect(error.message).toContain(`accepted: limits.${limit} of ${most}`);
    await using factory = createWasmPoolFactory();
    await expect(factory.create(wat(text), options)).rejects.toMatchObject(ERR);
    await expect(createWasmWorkerPool(wat(text), { max: 1, ...options })).rejects.toMatchObject(
      ERR,
    );
    const enough = { limits: { [limit]: most * 1000 } };
    await using pool = await createWasmPool(wat(text), enough);
    expect(pool.size).toBe(1);
  });

  test('by default too, where it would end the process', async () => {
    const tables = assemble(section(4, ...Array(60).fill([0x6f, 0, ...number(10_000_000)])));
    await expect(createWasmPool(tables)).rejects.toMatchObject(ERR);
    const memories = assemble(section(5, ...Array(33).fill([0, 0])));
    await expect(createWasmPool(memories)).rejects.toMatchObject(ERR);
    await using pool = await createWasmPool(assemble(section(5, [0, 1]), custom('x')));
    expect(pool.size).toBe(1);
  });

  test('with a limit that cannot be told to be kept, for its bytes are not known', async () => {
    const module = new WebAssembly.Module(wat('(module (memory 1))'));
    const error = await failure(createWasmPool(module, { limits: { tables: 4 } }));
    expect(error).toMatchObject(ERR);
    expect(error.message).toMatch(/given compiled; accepted: its bytes/);
    await using pool = await createWasmPool(module, { limits: {} });
    expect(pool.size).toBe(1);
  });

  test('when it starts above maxMemoryBytes, or is above it after onCreate', async () => {
    const pages = wat('(module (memory 3))');
    await expect(createWasmPool(pages, { maxMemoryBytes: 2 * PAGE })).rejects.toMatchObject(ERR);
    const error = await failure(
      createWasmPool<Grow>(wat(GROW), {
        maxMemoryBytes: 2 * PAGE,
        onCreate: ({ exports }) => exports.grow(2),
      }),
    );
    expect(error).toMatchObject(ERR);
    expect(error.message).toContain(`starts with ${3 * PAGE} bytes of memory`);
  });
});

describe('while an instance is on loan', () => {
  test.each(['reuse', 'restore', 'fresh'] as const)(
    'its memory cannot grow beyond the limit, %s',
    async (reset) => {
      await using pool = await createWasmPool<Grow>(wat(GROW), {
        reset,
        limits: { memoryBytes: 3 * PAGE },
      });
      await pool.use(({ exports }) => {
        expect(exports.grow(3)).toBe(-1);
        expect(exports.grow(2)).toBe(1);
        expect(exports.grow(1)).toBe(-1);
      });
    },
  );

  test('nor can the memory of a module that its loader makes by itself', async () => {
    await using pool = await createWasmPool<Grow>(wat(GROW), {
      limits: { memoryBytes: 2 * PAGE },
      instantiate: (module) => new WebAssembly.Instance(module).exports as unknown as Grow,
    });
    expect(await pool.use(({ exports }) => [exports.grow(2), exports.grow(1)])).toEqual([-1, 1]);
  });

  test('nor can it on a thread', async () => {
    await using pool = await createWasmWorkerPool<Grow>(wat(GROW), {
      max: 1,
      limits: { memoryBytes: 2 * PAGE },
    });
    expect(await pool.run.grow(2)).toBe(-1);
    expect(await pool.run.grow(1)).toBe(1);
  });

  test('several memories share what is left between them', async () => {
    const text = `(module (memory $a 1) (memory $b 3) (memory $c 1 1)
      (func (export "a") (result i32) (memory.grow $a (i32.const 3)))
      (func (export "b") (result i32) (memory.grow $b (i32.const 2))))`;
    await using pool = await createWasmPool<{ a(): number; b(): number }>(wat(text), {
      limits: { memoryBytes: 9 * PAGE },
    });
    expect(await pool.use(({ exports: { a, b } }) => [a(), b(), b()])).toEqual([-1, 3, -1]);
  });

  test('its tables cannot grow beyond the limit', async () => {
    const text = `(module (table 1 externref)
      (func (export "grow") (param i32) (result i32) (table.grow (ref.null extern) (local.get 0))))`;
    await using pool = await createWasmPool<Grow>(wat(text), { limits: { tableElements: 10 } });
    expect(await pool.use(({ exports }) => [exports.grow(10), exports.grow(9)])).toEqual([-1, 1]);
  });

  test('an imported memory or table that could grow further is refused', async () => {
    const bytes = wat('(module (import "e" "m" (memory 1)) (import "e" "t" (table 1 funcref)))');
    const imports = (maximum: number) => () => ({
      e: {
        m: new WebAssembly.Memory({ initial: 1, maximum }),
        t: new WebAssembly.Table({ initial: 1, maximum, element: 'anyfunc' }),
      },
    });
    const limits = { memoryBytes: 8 * PAGE, tableElements: 8 };
    const error = await failure(createWasmPool(bytes, { imports: imports(9), limits }));
    expect(error).toMatchObject(ERR);
    expect(error.message).toContain(
      `the imported memory e.m can grow beyond limits; accepted: one whose maximum is ${8 * PAGE} bytes`,
    );
    await expect(createWasmPool(bytes, { imports: imports(65_536), limits })).rejects.toMatchObject(
      ERR,
    );
    await expect(
      createWasmPool(bytes, { imports: imports(9), limits: { tableElements: 8 } }),
    ).rejects.toMatchObject(ERR);
    await using pool = await createWasmPool(bytes, { imports: imports(8), limits });
    expect(pool.size).toBe(1);
  });
});

test('an option that is no limit is refused, in words', async () => {
  const bytes = wat('(module)');
  const error = await failure(createWasmPool(bytes, { limits: { memoryBytes: -1 } }));
  expect(error.message).toMatch(/limits: memoryBytes is -1; accepted: a whole number/);
});

test('whatever a module says of its sizes, what it can grow to is within the limit', () => {
  const range = fc.tuple(fc.nat(20), fc.option(fc.nat(20), { nil: undefined }));
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 4 }),
      fc.integer({ min: 0, max: 200 }),
      (ranges, pages) => {
        const limitsOf = ([min, more]: [number, number | undefined]) =>
          more === undefined ? [0, min] : [1, min, min + more];
        const bytes = assemble(section(5, ...ranges.map(limitsOf)));
        const limits = new ModuleLimits({ memoryBytes: pages * PAGE });
        const shape = moduleShape(bytes);
        const asked = ranges.reduce((sum, [min]) => sum + min, 0);
        if (asked > pages) {
          expect(() => limits.checkShape('it', shape)).toThrow(/asks for/);
          return;
        }
        const { memories } = moduleShape(rewriteModule(bytes, shape, limits.changes(shape)));
        const total = memories.reduce((sum, it) => sum + it.maxBytes, 0);
        expect(total).toBeLessThanOrEqual(pages * PAGE);
        for (const [index, it] of memories.entries()) {
          expect(it.minBytes).toBe(shape.memories[index]?.minBytes);
          expect(it.maxBytes).toBeLessThanOrEqual(shape.memories[index]?.maxBytes ?? 0);
        }
      },
    ),
  );
});
