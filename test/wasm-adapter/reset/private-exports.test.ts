// The module that instances are made of exports its private state, and nobody sees that.
import { globSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../packages/wasm-adapter/src/module/compiled-module.js';
import { moduleShape } from '../../../packages/wasm-adapter/src/module/module-shape.js';
import { restoreBlockersOf } from '../../../packages/wasm-adapter/src/module/restore-blockers.js';
import { rewriteModule } from '../../../packages/wasm-adapter/src/module/rewrite.js';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { guests } from './guests.js';
import { assemble, exported, section } from './sections.js';

const PAGE = 65_536;

describe('what the author wrote stays as it was:', () => {
  test.each(['reuse', 'restore', 'fresh'] as const)(
    'the exports of the module and of an instance, with reset %s',
    async (reset) => {
      await fc.assert(
        fc.asyncProperty(guests(true), async ({ text, exports, memoryBytes }) => {
          await using pool = await createWasmPool(wat(text), { reset });
          expect(WebAssembly.Module.exports(pool.module).map(({ name }) => name)).toEqual(exports);
          await pool.use((instance) => {
            expect(Object.keys(instance.exports)).toEqual(exports);
            expect(Reflect.ownKeys(instance.exports)).toEqual(exports);
            expect(instance.memoryBytes).toBe(memoryBytes);
          });
          await using lease = await pool.lease();
          expect(Object.keys(lease.value.exports)).toEqual(exports);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('the order of its exports, their kinds, and values that are exported twice', async () => {
    const bytes = wat(`(module
      (memory $a 1) (memory $b (export "2") (export "b") 1) (global $g (mut i32) (i32.const 1))
      (global (export "g") i32 (i32.const 7)) (table (export "1") 1 funcref)
      (func (export "z")) (func (export "__proto__")) (func (export "a")))`);
    const plain = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    await using pool = await createWasmPool(bytes, { reset: 'restore' });
    await pool.use(({ exports }) => {
      expect(Object.keys(exports)).toEqual(Object.keys(plain));
      expect(exports['2']).toBe(exports.b);
      expect(exports.g).toBeInstanceOf(WebAssembly.Global);
      expect(typeof Reflect.get(exports, '__proto__')).toBe('function');
      expect(Object.getPrototypeOf(exports)).toBeNull();
    });
  });

  test('what a loader sees, of the module and of the instance that it links', async () => {
    const bytes = wat('(module (memory 1) (table 1 funcref) (global (mut i32) (i32.const 1)))');
    await using pool = await createWasmPool(bytes, {
      reset: 'restore',
      instantiate(module, instance) {
        expect(WebAssembly.Module.exports(module)).toEqual([]);
        const made = instance.link({});
        expect(made).toBeInstanceOf(WebAssembly.Instance);
        expect(Reflect.ownKeys(made.exports)).toEqual([]);
        return made.exports;
      },
    });
    expect(pool.restoreBlockers).toEqual([]);
  });
});

describe('memoryBytes', () => {
  test('counts what is private, imported, exported and second', async () => {
    const memory = () => new WebAssembly.Memory({ initial: 5 });
    const bytes = wat(`(module (import "e" "m" (memory 1)) (memory 2) (memory (export "m") 4)
      (func (export "grow") (drop (memory.grow 1 (i32.const 8)))))`);
    await using pool = await createWasmPool<{ grow(): void }>(bytes, {
      imports: () => ({ e: { m: memory() } }),
    });
    await pool.use((instance) => {
      expect(instance.memoryBytes).toBe(11 * PAGE);
      instance.exports.grow();
      expect(instance.memoryBytes).toBe(19 * PAGE);
    });
  });

  test('counts a memory whose name begins with a byte order mark', async () => {
    const bytes = assemble(section(5, [0, 3]), section(7, exported('\ufeffmemory', 'memory', 0)));
    await using pool = await createWasmPool(bytes);
    expect(await pool.use((instance) => instance.memoryBytes)).toBe(3 * PAGE);
  });
});

describe('a module that', () => {
  test('has an export with a name of ours is refused: nobody could count its private memory', async () => {
    const name = '\\00wasm-pool.memory.0';
    const bytes = wat(`(module (memory 1) (func (export "${name}")) (func (export "f")))`);
    const error = await failure(createWasmPool(bytes));
    expect(error).toMatchObject({ code: 'ERR_WASM_COMPILE' });
    expect(error.message).toMatch(/private state exported.*Duplicate export name/);
  });

  test('V8 takes, and the pool does not know, is left as it is', async () => {
    const preamble = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
    const bytes = new Uint8Array([...preamble, 1, 3, 1, 0x5d, 0]); // the type of a continuation
    const module = new WebAssembly.Module(wat('(module)')); // as a V8 of then makes of it
    const streaming = Promise.resolve(module);
    const compiled = await compile({ name: 'newer', bytes, streaming });
    expect(compiled).toMatchObject({ module, extended: module, shape: undefined });
    expect(restoreBlockersOf(compiled.shape)).toEqual([expect.stringContaining('too new')]);
  });

  test('is given compiled exports no more than it did', async () => {
    const module = new WebAssembly.Module(wat('(module (memory 1))'));
    await using pool = await createWasmPool(module, { reset: 'restore' });
    expect(pool.module).toBe(module);
    expect(pool.restoreBlockers).toEqual([expect.stringContaining('given compiled')]);
    expect(await pool.use((instance) => instance.memoryBytes)).toBe(0);
  });
});

const tests = join(import.meta.dirname, '../..');

// By their real paths: a glob does not follow the links that pnpm makes.
const folders = [
  join(tests, 'fixtures'),
  ...globSync(['node_modules/*', 'node_modules/@*/*'], { cwd: tests }).map((path) =>
    realpathSync(join(tests, path)),
  ),
];
const real = folders.flatMap((folder) =>
  globSync('**/*.wasm', { cwd: folder, exclude: ['components/**'] }).map(
    (path) => [basename(path), join(folder, path)] as const,
  ),
);

describe('a real module', () => {
  test('is found in more than ten places', () => {
    expect(real.length).toBeGreaterThan(10);
  });

  test.each(real)('compiles and links as before: %s', (_, path) => {
    const bytes = new Uint8Array(readFileSync(path));
    const module = new WebAssembly.Module(bytes);
    const shape = moduleShape(bytes);
    const extended = new WebAssembly.Module(rewriteModule(bytes, shape, { exportState: true }));
    expect(WebAssembly.Module.imports(extended)).toEqual(WebAssembly.Module.imports(module));
    const [before, after] = [module, extended].map((made) => WebAssembly.Module.exports(made));
    expect(after?.slice(0, before?.length)).toEqual(before);

    const imports = standIns(module);
    const [plain, again] = [module, extended].map((made) => linked(made, imports));
    expect(Object.keys(again ?? {}).slice(0, before?.length)).toEqual(Object.keys(plain ?? {}));
    for (const [name, value] of Object.entries(plain ?? {})) {
      const same = (again as WebAssembly.Exports)[name];
      expect(Object.prototype.toString.call(same)).toBe(Object.prototype.toString.call(value));
    }
  });
});

/** Whatever a module imports. */
function standIns(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: WebAssembly.Imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    if (kind === 'function') imports[from][name] = () => 0;
    if (kind === 'memory')
      imports[from][name] = new WebAssembly.Memory({ initial: 256, maximum: 256 });
    if (kind === 'table')
      imports[from][name] = new WebAssembly.Table({ element: 'anyfunc', initial: 9 });
    if (kind === 'global') imports[from][name] = 0;
  }
  return imports;
}

function linked(module: WebAssembly.Module, imports: WebAssembly.Imports): object | undefined {
  try {
    return new WebAssembly.Instance(module, imports).exports;
  } catch (error) {
    if (error instanceof WebAssembly.LinkError) return undefined; // an import of another type
    throw error;
  }
}
