// What cannot be copied exactly, and what goes wrong while an instance is prepared: refused when the
// pool is created, by name, and with nothing left behind.
import {
  createWasmPool,
  createWasmPoolFactory,
  createWasmSnapshot,
  suspending,
  type WasmPoolOptions,
} from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { wat } from '../../helpers/wat.js';
import { assemble, body, EXNREF, section } from '../reset/sections.js';

const PAGE = 65_536;

describe('a state that cannot be copied is refused, and named:', () => {
  const passive = `(memory (export "m") 1) (data $d "passive")`;
  const cases: [string, Uint8Array<ArrayBuffer>, unknown[], RegExp][] = [
    [
      'an f64 that holds a NaN',
      wat(`(module (global (export "ok") (mut i32) (i32.const 1)) (global $g (export "x") (mut f64) (f64.const 0))
        (func (export "prepare") (global.set $g (f64.div (f64.const 0) (f64.const 0)))))`),
      [],
      /global 1 \("x"\) holds a NaN/,
    ],
    [
      'an f32 that holds a NaN',
      wat('(module (global (mut f32) (f32.const nan:0x200001)) (func (export "prepare")))'),
      [],
      /global 0 holds a NaN/,
    ],
    [
      'a v128',
      wat(
        '(module (global (export "vector") (mut v128) (v128.const i32x4 1 2 3 4)) (func (export "prepare")))',
      ),
      [],
      /global 0 \("vector"\) is of a type that JavaScript cannot read/,
    ],
    [
      'an object of the host in a global',
      wat(`(module (global $g (mut externref) (ref.null extern))
        (func (export "prepare") (param externref) (global.set $g (local.get 0))))`),
      [{}],
      /global 0 holds an object of the host/,
    ],
    [
      'an object of the host in a table',
      wat(`(module (table $t (export "objects") 5 externref)
        (func (export "prepare") (param externref) (table.set $t (i32.const 3) (local.get 0))))`),
      [[]],
      /element 3 of table 0 \("objects"\) holds an object of the host/,
    ],
    [
      'a function of another instance',
      wat(`(module (table $t 2 funcref)
        (func (export "prepare") (param funcref) (table.set $t (i32.const 1) (local.get 0))))`),
      [
        new WebAssembly.Instance(new WebAssembly.Module(wat('(module (func (export "f")))')))
          .exports.f,
      ],
      /element 1 of table 0 holds a function of another instance/,
    ],
    [
      'a segment that may have been dropped',
      wat(`(module ${passive} (func (export "prepare") (data.drop $d)))`),
      [],
      /drop a passive segment/,
    ],
    [
      'a shared memory',
      wat('(module (memory (export "m") 1 1 shared) (func (export "prepare")))'),
      [],
      /memory 0 \("m"\) is shared/,
    ],
    [
      'a table of exceptions',
      assemble(
        section(1, [0x60, 0, 0]),
        section(3, 0),
        section(4, [EXNREF, 0, 2]),
        section(7, [7, ...new TextEncoder().encode('prepare'), 0, 0]),
        section(10, body()),
      ),
      [],
      /table 0 is of a type that JavaScript cannot read/,
    ],
    [
      'structs that code may change',
      fixture('structs.wasm'),
      [],
      /structs or arrays with mutable fields/,
    ],
  ];
  test.each(cases)('%s', async (_, bytes, args, message) => {
    const prepare = ({ exports }: { exports: WebAssembly.Exports }) => {
      (exports.prepare as (...given: unknown[]) => void)?.(...args);
    };
    for (const work of [
      () => createWasmPool(bytes, { preinitialize: prepare }),
      () => createWasmSnapshot(bytes, { preinitialize: prepare }),
    ]) {
      const error = await failure(work());
      expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
      expect(error.message).toMatch(message);
      expect(error.message).toContain('onCreate');
    }
    // And the way out works.
    const onCreate = ({ exports }: { exports: WebAssembly.Exports }) => prepare({ exports });
    await using pool = await createWasmPool(bytes, { onCreate });
    expect(pool.size).toBe(1);
  });

  test('a module that was given compiled: its private state is out of reach', async () => {
    const module = new WebAssembly.Module(wat('(module (memory 1))'));
    const error = await failure(createWasmPool(module, { preinitialize() {} }));
    expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(error.message).toMatch(/given compiled.*accepted: its bytes/);
  });

  test('a component', async () => {
    const error = await failure(
      createWasmPool(fixture('components/guest.wasm'), { preinitialize() {} }),
    );
    expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(error.message).toContain('component');
  });

  test('a loader that links twice, or not at all', async () => {
    for (const times of [0, 2]) {
      const error = await failure(
        createWasmPool(wat('(module (func (export "f")))'), {
          instantiate(_, instance) {
            for (let i = 0; i < times; i++) instance.link({});
            return {};
          },
          preinitialize() {},
        }),
      );
      expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
      expect(error.message).toContain(`instance.link ${times} times; accepted: once`);
    }
  });
});

describe('imports that the copies would share are refused:', () => {
  const bytes = wat('(module (import "e" "m" (memory 1)))');
  test.each<[string, () => WasmPoolOptions['imports']]>([
    ['in an object for all', () => ({ e: { m: new WebAssembly.Memory({ initial: 1 }) } })],
    [
      'by a function that gives the same to each',
      () => {
        const m = new WebAssembly.Memory({ initial: 1 });
        return () => ({ e: { m } });
      },
    ],
  ])('%s', async (_, imports) => {
    const error = await failure(createWasmPool(bytes, { imports: imports(), preinitialize() {} }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toMatch(/each instance is a copy.*share the imported memory e\.m/);
  });
});

describe('an imported memory or table that cannot be made like the prepared one is refused:', () => {
  const bytes = wat(`(module (import "e" "m" (memory 1)) (import "e" "t" (table 1 funcref))
    (func (export "grow") (drop (memory.grow (i32.const 3)))
      (drop (table.grow 0 (ref.null func) (i32.const 3)))))`);
  interface Guest {
    grow(): void;
  }
  /** A pool whose copies, and not the prepared instance, import these. */
  const poolOf = (memory: WebAssembly.MemoryDescriptor, table: number) =>
    createWasmPool<Guest>(bytes, {
      imports: ({ id }) => ({
        e: {
          m: new WebAssembly.Memory(id === 0 ? { initial: 1 } : memory),
          t: new WebAssembly.Table({ element: 'anyfunc', initial: id === 0 ? 1 : table }),
        },
      }),
      preinitialize: ({ exports }) => exports.grow(),
    });

  test('a memory that cannot grow that far', async () => {
    const error = await failure(poolOf({ initial: 1, maximum: 2 }, 1));
    expect(error).toMatchObject({ code: 'ERR_WASM_MEMORY' });
    expect(error.message).toMatch(/wasm#\d+: memory 0 could not grow from 65536 to the 262144/);
  });

  test('a memory, or a table, that is larger', async () => {
    const larger = await failure(poolOf({ initial: 9 }, 1));
    expect(larger).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(larger.message).toContain(`memory 0 has a size of ${9 * PAGE}`);
    const longer = await failure(poolOf({ initial: 1 }, 9));
    expect(longer).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(longer.message).toContain('table 0 has a size of 9');
  });
});

describe('preinitialize', () => {
  const bytes = wat(`(module (import "e" "wait" (func $wait))
    (memory (export "memory") 1)
    (func (export "trap") unreachable)
    (func (export "suspend") (call $wait)))`);
  interface Guest {
    memory: WebAssembly.Memory;
    trap(): void;
    suspend(): Promise<void>;
  }
  const imports = { e: { wait() {} } };

  test('that throws has the pool rejected with just that', async () => {
    const thrown = new Error('my own');
    for (const preinitialize of [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ]) {
      expect(await failure(createWasmPool(bytes, { imports, preinitialize }))).toBe(thrown);
      expect(await failure(createWasmSnapshot(bytes, { imports, preinitialize }))).toBe(thrown);
    }
  });

  test('that lets a trap through is rejected with it; one that catches it is refused', async () => {
    const trapped = await failure(
      createWasmPool<Guest>(bytes, { imports, preinitialize: ({ exports }) => exports.trap() }),
    );
    expect(trapped).toBeInstanceOf(WebAssembly.RuntimeError);
    const caught = await failure(
      createWasmPool<Guest>(bytes, {
        imports,
        preinitialize({ exports }) {
          expect(() => exports.trap()).toThrow(WebAssembly.RuntimeError);
        },
      }),
    );
    expect(caught).toMatchObject({ code: 'ERR_WASM_START' });
    expect(caught.message).toContain('preinitialize caught an exception');
  });

  test('that never settles is given up after createTimeoutMillis', async () => {
    const error = await failure(
      createWasmPool(bytes, {
        imports,
        createTimeoutMillis: 20,
        preinitialize: () => new Promise(() => {}),
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(error.message).toBe(
      'wasm: preinitialize did not settle within 20 ms (createTimeoutMillis)',
    );
  });

  test('that leaves a call suspended is refused', async () => {
    const error = await failure(
      createWasmPool<Guest>(bytes, {
        promising: ['suspend'],
        imports: { e: { wait: suspending(() => new Promise(() => {})) } },
        preinitialize({ exports }) {
          exports.suspend().catch(() => {});
        },
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_WASM_START' });
    expect(error.message).toContain('a call that preinitialize or instantiate began is suspended');
  });

  test('fails in one pool of a factory, and the next one, with the same module, is made', async () => {
    await using factory = createWasmPoolFactory();
    const thrown = new Error('not yet');
    const work = factory.create(bytes, {
      imports,
      preinitialize() {
        throw thrown;
      },
    });
    expect(await failure(work)).toBe(thrown);
    expect(factory.stats()).toMatchObject({ instances: 0, modules: 0, pools: [] });
    await using pool = await factory.create(bytes, { imports, preinitialize() {} });
    expect(pool.size).toBe(1);
  });

  test('and a snapshot are not both accepted; nor is what is no function', async () => {
    const snapshot = new Uint8Array();
    const both = await failure(createWasmPool(bytes, { imports, snapshot, preinitialize() {} }));
    expect(both).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect(both.message).toMatch(/preinitialize and snapshot are given; accepted: one of them/);
    for (const wrong of [1, 'x', {}, null]) {
      const work = createWasmPool(bytes, { imports, preinitialize: wrong as never });
      expect(await failure(work)).toMatchObject({
        code: 'ERR_POOL_OPTION',
      });
    }
  });
});
