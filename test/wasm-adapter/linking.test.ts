import { createWasmPool, type WasmImports } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';
import { wat, watModule } from '../helpers/wat.js';

const wants = {
  function: wat('(module (import "env" "it" (func)))'),
  memory: wat('(module (import "env" "it" (memory 1)))'),
  table: wat('(module (import "env" "it" (table 1 funcref)))'),
  global: wat('(module (import "env" "it" (global i32)))'),
  tag: wat('(module (import "env" "it" (tag (param i32))))'),
};
type Kind = keyof typeof wants;

const gives: Record<string, unknown> = {
  'a function': () => {},
  'a Memory': new WebAssembly.Memory({ initial: 1 }),
  'a Table': new WebAssembly.Table({ element: 'anyfunc', initial: 1 }),
  'a Global': new WebAssembly.Global({ value: 'i32' }, 1),
  'a number': 1,
  'a string': 'it',
  null: null,
};
const fits: Record<Kind, string[]> = {
  function: ['a function'],
  memory: ['a Memory'],
  table: ['a Table'],
  global: ['a Global', 'a number'],
  tag: [],
};
const kinds = Object.keys(wants) as Kind[];
const pairs = kinds.flatMap((kind) => Object.keys(gives).map((given) => ({ kind, given })));

describe('a module that imports', () => {
  test.each(pairs.filter(({ kind, given }) => fits[kind].includes(given)))(
    'a $kind is content with $given',
    async ({ kind, given }) => {
      await using pool = await createWasmPool(wants[kind], {
        imports: { env: { it: gives[given] } },
      });
      expectAtRest(pool);
    },
  );

  test.each(pairs.filter(({ kind, given }) => !fits[kind].includes(given)))(
    'a $kind is not content with $given',
    async ({ kind, given }) => {
      const imports = { env: { it: gives[given] } };
      const error = await failure(createWasmPool(wants[kind], { imports, name: 'needy' }));
      expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_LINK' });
      expect(error.message).toMatch(/needy#1.*(env\.it|"env" "it")/);
    },
  );

  test.each(kinds)('a %s says so when its name is missing', async (kind) => {
    const error = await failure(createWasmPool(wants[kind], { imports: { env: { other: 1 } } }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toContain(`the module imports the ${kind} env.it, and it is missing`);
  });

  test.each(kinds)('a %s says so when its module is missing', async (kind) => {
    for (const options of [{}, { imports: {} }, { imports: { other: {} } }]) {
      const error = await failure(createWasmPool(wants[kind], options));
      expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
      expect(error.message).toContain('env.it, and it is missing');
    }
  });

  test.each(['externref', 'funcref'])('a global of %s is content with a function', async (type) => {
    const bytes = wat(`(module (import "env" "it" (global ${type}))
      (func (export "get") (result ${type}) (global.get 0)))`);
    const { f } = new WebAssembly.Instance(watModule('(module (func (export "f")))')).exports;
    await using pool = await createWasmPool<{ get(): unknown }>(bytes, {
      imports: { env: { it: f } },
    });
    expect(await pool.use(({ exports }) => exports.get())).toBe(f);
  });

  test('anything is content with an object that makes it up when it is asked', async () => {
    const imports = new Proxy({}, { get: () => ({ it() {} }) });
    await using pool = await createWasmPool(wants.function, { imports });
    expectAtRest(pool);
  });

  test.each([
    ['constructor', 'freeze'],
    ['constructor', 'constructor'],
    ['__proto__', 'constructor'],
    ['env', 'constructor'],
    ['env', 'toString'],
  ])('%s.%s is not content with what every object inherits', async (module, name) => {
    const guest = wat(`(module (import "${module}" "${name}" (func)))`);
    class Env {}
    for (const imports of [{ env: {} }, { env: new Env() }, () => ({ env: {} })] as never[]) {
      const error = await failure(createWasmPool(guest, { imports, wasi: true }));
      expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
      expect(error.message).toContain(`${module}.${name}, and it is missing`);
    }
  });

  test('a function that every object inherits is content with one that was given', async () => {
    const guest = wat('(module (import "env" "toString" (func)))');
    await using pool = await createWasmPool(guest, {
      imports: { env: { toString() {} } as never },
    });
    expectAtRest(pool);
  });

  test('a module of a kind that it cannot be says so', async () => {
    const imports = { env: null } as unknown as WasmImports;
    const error = await failure(createWasmPool(wants.function, { imports }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
  });

  test('WASI says so when the option is not set', async () => {
    const bytes = wat('(module (import "wasi_snapshot_preview1" "fd_write" (func)))');
    const error = await failure(createWasmPool(bytes));
    expect(error.message).toContain('function wasi_snapshot_preview1.fd_write, and it is missing');
  });
});

describe('of the type of an import V8 says what is wrong:', () => {
  const cases: [string, string, () => unknown, RegExp][] = [
    [
      'a function exported by another module, of another signature',
      '(func (param i32))',
      () =>
        new WebAssembly.Instance(new WebAssembly.Module(wat('(module (func (export "f")))')))
          .exports.f,
      /does not match the expected type/,
    ],
    [
      'a global of another type',
      '(global i64)',
      () => new WebAssembly.Global({ value: 'i32' }, 1),
      /type/,
    ],
    [
      'a global that is not mutable',
      '(global (mut i32))',
      () => new WebAssembly.Global({ value: 'i32', mutable: false }, 1),
      /mutability/,
    ],
    ['a number for a mutable global', '(global (mut i32))', () => 1, /mutable/],
    ['a number for a 64-bit global', '(global i64)', () => 1, /must be a number/],
    [
      'a memory that is too small',
      '(memory 2)',
      () => new WebAssembly.Memory({ initial: 1 }),
      /1 pages.*initial of 2/,
    ],
    [
      'a memory that may grow too large',
      '(memory 1 2)',
      () => new WebAssembly.Memory({ initial: 1 }),
      /maximum/,
    ],
    [
      'a memory that is not shared',
      '(memory 1 2 shared)',
      () => new WebAssembly.Memory({ initial: 1, maximum: 2 }),
      /shared/,
    ],
    [
      'a table of another type',
      '(table 1 externref)',
      () => new WebAssembly.Table({ element: 'anyfunc', initial: 1 }),
      /type/,
    ],
  ];

  test.each(cases)('%s', async (_, type, given, reason) => {
    const bytes = wat(`(module (import "env" "it" ${type}))`);
    const error = await failure(createWasmPool(bytes, { imports: { env: { it: given() } } }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toMatch(/"?env"? ?"?it"?|env\.it/);
    expect(error.message).toMatch(reason);
    expect(error.cause).toBeInstanceOf(WebAssembly.LinkError);
  });
});

describe('a start function whose host function throws', () => {
  test.each([TypeError, WebAssembly.LinkError, RangeError])(
    'a %o is no fault of the imports',
    async (Fault) => {
      const bytes = wat(`(module (import "env" "f" (func $f)) (start $f))`);
      const fail = () => {
        throw new Fault('of the host');
      };
      const error = await failure(createWasmPool(bytes, { imports: { env: { f: fail } } }));
      expect(error).toMatchObject({ code: 'ERR_WASM_START', cause: new Fault('of the host') });
    },
  );

  test('what is no error is given on as text', async () => {
    const bytes = wat(`(module (import "env" "f" (func $f)) (start $f))`);
    const text: unknown = 'plain text';
    const fail = () => {
      throw text;
    };
    const error = await failure(createWasmPool(bytes, { imports: { env: { f: fail } } }));
    expect(error.message).toBe('wasm#1: its start function threw: plain text');
  });
});

describe('imports', () => {
  const greeter = wat(`(module
    (import "env" "log" (func $log (param i32 i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "hello")
    (func (export "greet") (call $log (i32.const 16) (i32.const 5))))`);
  interface Greeter {
    greet(): void;
  }

  test('as a function reach the memory and the context of their own instance', async () => {
    const lines: string[] = [];
    await using pool = await createWasmPool<Greeter, { user: string }>(greeter, {
      imports: (instance) => ({
        env: {
          log(at: number, length: number) {
            const bytes = new Uint8Array(instance.memory?.buffer ?? new ArrayBuffer(0), at, length);
            lines.push(`${instance.name} ${instance.context?.user}: ${Buffer.from(bytes)}`);
          },
        },
      }),
    });
    const ada = await pool.acquire({ context: { user: 'Ada' } });
    const bob = await pool.acquire({ context: { user: 'Bob' } });
    bob.exports.greet();
    ada.exports.greet();
    await pool.release(ada);
    await pool.release(bob);
    expect(lines).toEqual(['wasm#2 Bob: hello', 'wasm#1 Ada: hello']);
    expectAtRest(pool);
  });

  test('as a function are made once for each instance, and may be promised', async () => {
    const made: number[] = [];
    await using pool = await createWasmPool<Greeter>(greeter, {
      min: 2,
      async imports({ id }) {
        made.push(id);
        return { env: { log() {} } };
      },
    });
    await pool.use(({ exports }) => exports.greet());
    await pool.use(({ exports }) => exports.greet());
    expect(made).toEqual([1, 2]);
  });

  test.each([
    ['imports', () => undefined],
    ['imports', () => 5],
    ['wasi', () => undefined],
    ['wasi', () => 'yes'],
  ])('or wasi as a function that gives what is neither say so: %s', async (option, give) => {
    const error = await failure(createWasmPool(wat('(module)'), { [option]: give }));
    expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect(error.message).toMatch(new RegExp(`^wasm#1: ${option} is .*; accepted: `));
  });

  test('that throw while they are made reject the pool with what they threw', async () => {
    const reason = new Error('no database');
    const imports = () => {
      throw reason;
    };
    expect(await failure(createWasmPool(greeter, { imports }))).toBe(reason);
  });

  test('of one module are shared by all instances, memories too', async () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const counter = wat(`(module
      (import "env" "memory" (memory 1))
      (func (export "next") (result i32)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (i32.load (i32.const 0))))`);
    await using pool = await createWasmPool<{ next(): number }>(counter, {
      imports: { env: { memory } },
      min: 2,
    });
    const [a, b] = [await pool.acquire(), await pool.acquire()];
    expect([a.exports.next(), b.exports.next(), a.exports.next()]).toEqual([1, 2, 3]);
    expect(a.memory).toBe(memory);
    await pool.release(a);
    await pool.release(b);
  });

  test('may replace single functions of WASI', async () => {
    const bytes = wat(`(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (memory (export "memory") 1)
      (func (export "roll") (result i32)
        (drop (call $yield))
        (call $random (i32.const 0) (i32.const 4))))`);
    await using pool = await createWasmPool<{ roll(): number }>(bytes, {
      wasi: true,
      imports: { wasi_snapshot_preview1: { random_get: () => 99 } },
    });
    expect(await pool.use(({ exports }) => exports.roll())).toBe(99);
  });
});
