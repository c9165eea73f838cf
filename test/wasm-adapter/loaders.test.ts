// What a loader makes, and what it leaves running: guards that are exported functions, timers and
// finalizers that outlive their loan, singletons, stand-ins.
import { setTimeout as sleep } from 'node:timers/promises';
import { createWasmPool, createWasmWorkerPool, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { describe, expect, test, vi } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';
import { wat } from '../helpers/wat.js';

/** As long as it takes, and never longer than a hang. */
const soon = { timeout: 60_000, interval: 5 };

const counter = wat(`(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (type $pair (func (param i32 i64) (result i64 f32 f64 externref funcref)))
  (func $bump (export "bump") (export "again") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
  (func (export "count") (result i32) (global.get $count))
  (func (export "trap") unreachable)
  (func (export "free") (param i32) (global.set $count (i32.const 0)))
  (func (export "many") (type $pair)
    (local.get 1) (f32.const 1.5) (f64.const 2.5) (ref.null extern) (ref.func $bump)))`);

interface Raw {
  bump(): number;
  again(): number;
  count(): number;
  trap(): void;
  free(value: number): void;
  many(a: number, b: bigint): unknown[];
}

/** What a loader asks of an instance. */
type Linker = Pick<WasmInstance, 'link'>;

/** The exports of `counter`, by their types. */
const raw = (exports: object) => exports as Raw;

const link = (instance: Linker) => raw(instance.link({}).exports);

describe('the exports that a loader links', () => {
  test('are exported functions with the length, the name and the identity of those they guard', async () => {
    const plain = new WebAssembly.Instance(new WebAssembly.Module(counter)).exports;
    let seen: Raw | undefined;
    await using pool = await createWasmPool(counter, {
      max: 1,
      instantiate: (_, instance: Linker) => {
        seen = link(instance);
        return { ...seen };
      },
    });
    for (const [name, value] of Object.entries(seen ?? {})) {
      if (typeof value !== 'function') continue;
      const original = plain[name] as CallableFunction;
      expect([value.length, value.name]).toEqual([original.length, original.name]);
      const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
      table.set(0, value);
      expect(table.get(0)).toBe(value);
    }
    expect(seen?.again).toBe(seen?.bump);
    const { many } = await pool.use(({ exports }) => ({ many: exports.many(1, 2n) }));
    expect(many).toEqual([2n, 1.5, 2.5, null, expect.any(Function)]);
  });

  test('are linked without a look at imports that nobody asks for, as dynamic linking makes them up', async () => {
    const asked: (string | symbol)[] = [];
    const own = new Proxy<Record<string, unknown>>(
      { f: () => {}, other: 1 },
      {
        get(target, name) {
          asked.push(name);
          return Reflect.get(target, name);
        },
      },
    );
    const bytes = wat('(module (import "e" "f" (func)))');
    await using _ = await createWasmPool(bytes, {
      instantiate: (_module, instance: Linker) => ({ ...instance.link({ e: own }).exports }),
    });
    expect(new Set(asked)).toEqual(new Set(['f']));
  });

  test('note a trap, also one that the loader catches', async () => {
    await using pool = await createWasmPool(counter, {
      instantiate: (_, instance: Linker) => {
        const own = link(instance);
        return {
          caught() {
            try {
              own.trap();
            } catch {}
          },
        };
      },
    });
    await pool.use(({ exports }) => exports.caught());
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(pool);
  });
});

describe('what a loader left running', () => {
  /** A loader whose `later` calls the instance when `fire` says so. */
  function pending() {
    const fires: (() => void)[] = [];
    const instantiate = (_: WebAssembly.Module, instance: Linker) => {
      const own = link(instance);
      return {
        ...own,
        later: () => {
          void new Promise<void>((resolve) => fires.push(resolve)).then(() => {
            answers.push([own.bump(), ...own.many(1, 2n)]);
          });
        },
      };
    };
    const answers: unknown[][] = [];
    return { fires, answers, instantiate };
  }

  test('does nothing between two loans, throws nowhere, and is counted', async () => {
    const { fires, answers, instantiate } = pending();
    await using pool = await createWasmPool(counter, { max: 1, instantiate });
    await pool.use(({ exports }) => exports.later());
    fires[0]?.();
    await vi.waitFor(() => expect(answers).toEqual([[0, 0n, 0, 0, null, null]]), soon);
    expect(await pool.use(({ exports }) => exports.count())).toBe(0);
    expect(pool.stats().strayCalls).toBe(2);
  });

  test.each(['reuse', 'restore'] as const)(
    'does not reach the next borrower, %s',
    async (reset) => {
      const { fires, answers, instantiate } = pending();
      await using pool = await createWasmPool(counter, {
        max: 1,
        reset,
        statelessLoader: true,
        instantiate,
      });
      await pool.use(({ exports }) => exports.later());
      await pool.use(async ({ exports }) => {
        fires[0]?.();
        await vi.waitFor(() => expect(answers).toHaveLength(1), soon);
        expect(exports.count()).toBe(0);
        expect(exports.bump()).toBe(1);
      });
      expect(pool.stats().strayCalls).toBe(2);
    },
  );

  test('is made in the loan that began it', async () => {
    const { fires, answers, instantiate } = pending();
    await using pool = await createWasmPool(counter, { max: 1, instantiate });
    await pool.use(async ({ exports }) => {
      exports.later();
      fires[0]?.();
      await vi.waitFor(() => expect(answers[0]?.[0]).toBe(1), soon);
    });
    expect(pool.stats().strayCalls).toBe(0);
  });

  test('such as a call that is suspended is not lent on', async () => {
    if (!('Suspending' in WebAssembly)) return;
    const { suspending } = await import('@wasm-pool/wasm-adapter');
    const bytes = wat(
      `(module (import "e" "wait" (func $wait)) (func (export "run") (call $wait)))`,
    );
    const gate = Promise.withResolvers<void>();
    await using pool = await createWasmPool(bytes, {
      instantiate: (_, instance: Linker) => {
        const { run } = instance.link({ e: { wait: suspending(() => gate.promise) } }).exports;
        const promising: (fn: unknown) => () => Promise<void> = Reflect.get(
          WebAssembly,
          'promising',
        );
        return { run: promising(run) };
      },
    });
    await pool.use(({ exports }) => {
      void exports.run();
    });
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    gate.resolve();
  });
});

describe('finalizers of a loader', () => {
  /** As wasm-bindgen's glue: what is not freed by hand is freed by the collector. */
  const instantiate = async (_: WebAssembly.Module, instance: Linker) => {
    await sleep(1); // a loader takes its time
    const own = link(instance);
    const registry = new FinalizationRegistry<number>((value) => own.free(value));
    return {
      ...own,
      leave: () => registry.register({ some: 'object' }, 1),
    };
  };
  const collect = async () => {
    await globalThis.gc?.({ type: 'major', execution: 'async' });
    await sleep(1);
  };

  test('run between two loans of an instance that is reused', async () => {
    await using pool = await createWasmPool(counter, { max: 1, instantiate });
    await pool.use(({ exports }) => {
      exports.bump();
      exports.leave();
    });
    await vi.waitFor(async () => {
      await collect();
      expect(await pool.use(({ exports }) => exports.count())).toBe(0);
    }, soon);
    expect(pool.stats().strayCalls).toBe(0);
  });

  test('do nothing in a later life of one that is restored', async () => {
    await using pool = await createWasmPool(counter, {
      max: 1,
      reset: 'restore',
      statelessLoader: true,
      instantiate,
    });
    await pool.use(({ exports }) => exports.leave());
    await pool.use(async ({ exports }) => {
      exports.bump();
      await vi.waitFor(async () => {
        await collect();
        expect(pool.stats().strayCalls).toBe(1);
      }, soon);
      expect(exports.count()).toBe(1);
    });
    expect(pool.stats().destroyed).toBe(0);
  });

  test('in a registry made before the loader ran cost the instance, where it was to be restored', async () => {
    const before = new FinalizationRegistry<unknown>(() => {});
    await using pool = await createWasmPool(counter, {
      max: 1,
      reset: 'restore',
      statelessLoader: true,
      instantiate: (_, instance: Linker) => ({
        ...link(instance),
        leave: () => before.register({}, 1),
      }),
    });
    const reasons: (string | undefined)[] = [];
    pool.on('destroy', ({ unfitReason }) => reasons.push(unfitReason));
    await pool.use(({ exports }) => exports.leave());
    expect(reasons).toEqual([
      'a finalizer was registered in a FinalizationRegistry made before its loader ran',
    ]);
    expect(pool.stats().destroyedBy).toEqual({ unrestorable: 1 });
  });

  test('leave the FinalizationRegistry of others as it was', async () => {
    const { FinalizationRegistry: original } = globalThis;
    await using _ = await createWasmPool(counter, { max: 1, instantiate });
    expect(globalThis.FinalizationRegistry).toBe(original);
    expect(new FinalizationRegistry(() => {})).toBeInstanceOf(original);
  });
});

describe('what a loader keeps in JavaScript', () => {
  /** As vscode-oniguruma does: a buffer for all calls, allocated at the first. */
  const withBuffer = (_: WebAssembly.Module, instance: Linker) => {
    const { bump, count } = instance.link({}).exports as unknown as Record<string, () => number>;
    let buffer: number | undefined;
    return {
      ask() {
        buffer ??= bump?.();
        return { buffer, count: count?.() };
      },
    };
  };

  test('reaches no other borrower: its instances are replaced, and the pool says why', async () => {
    await using pool = await createWasmPool(counter, {
      max: 1,
      reset: 'restore',
      instantiate: withBuffer,
    });
    for (let loan = 0; loan < 3; loan++) {
      expect(await pool.use(({ exports }) => exports.ask())).toEqual({ buffer: 1, count: 1 });
    }
    expect(pool.restoreBlockers).toEqual([expect.stringContaining('statelessLoader: true')]);
    expect(pool.stats().destroyedBy).toEqual({ unrestorable: 3 });
  });

  test('is no matter where onCreate has had it kept, and its user says so', async () => {
    await using pool = await createWasmPool(counter, {
      max: 1,
      reset: 'restore',
      statelessLoader: true,
      instantiate: withBuffer,
      onCreate: ({ exports }) => exports.ask(),
    });
    for (let loan = 0; loan < 3; loan++) {
      expect(await pool.use(({ exports }) => exports.ask())).toEqual({ buffer: 1, count: 1 });
    }
    expect(pool.stats().destroyed).toBe(0);
  });

  test.each([
    ['the exports', (instance: Linker) => instance.link({}).exports],
    ['the instance', (instance: Linker) => instance.link({})],
    ['some of the exports', (instance: Linker) => ({ bump: instance.link({}).exports.bump })],
  ])('is nothing where it returns %s of instance.link', async (_, instantiate) => {
    await using pool = await createWasmPool<object>(counter, {
      max: 1,
      reset: 'restore',
      instantiate: (_module, instance) => instantiate(instance),
    });
    expect(pool.restoreBlockers).toEqual([]);
  });
});

describe('a loader that keeps one instance', () => {
  test.each(['reuse', 'restore', 'fresh'] as const)(
    'is refused when the pool is created, %s',
    async (reset) => {
      let singleton: object | undefined;
      const instantiate = (_: WebAssembly.Module, instance: Linker) => {
        singleton ??= { ...instance.link({}).exports };
        return singleton;
      };
      const error = await failure(createWasmPool(counter, { reset, instantiate }));
      expect(error).toMatchObject({ code: 'ERR_WASM_LOADER' });
      expect(error.message).toMatch(
        /keeps one for all. Accepted: .*import a copy for each instance/,
      );
    },
  );

  test('is refused too where it wraps it anew', async () => {
    let only: Raw | undefined;
    const instantiate = (_: WebAssembly.Module, instance: Linker) => {
      only ??= link(instance);
      return { ...only };
    };
    const error = await failure(createWasmPool(counter, { instantiate }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LOADER' });
  });
});

describe('instance.WebAssembly', () => {
  const loaders: [string, (wasm: typeof WebAssembly) => Promise<WebAssembly.Exports>][] = [
    [
      'instantiate of bytes',
      async (wasm) => (await wasm.instantiate(counter, {})).instance.exports,
    ],
    [
      'instantiate of a module',
      async (wasm) => (await wasm.instantiate(await wasm.compile(counter))).exports,
    ],
    [
      'new Instance',
      async (wasm) => new wasm.Instance(new wasm.Module(counter.slice().buffer), {}).exports,
    ],
    [
      'instantiateStreaming',
      async (wasm) => {
        const headers = { 'content-type': 'application/wasm' };
        return (await wasm.instantiateStreaming(new Response(counter, { headers }))).instance
          .exports;
      },
    ],
  ];
  test.each(loaders)('makes the pool see what a loader makes by %s', async (_, load) => {
    await using pool = await createWasmPool(counter, {
      max: 1,
      reset: 'restore',
      statelessLoader: true,
      instantiate: async (_module, instance: Pick<WasmInstance, 'WebAssembly'>) =>
        raw(await load(instance.WebAssembly)),
    });
    expect(pool.restoreBlockers).toEqual([]);
    expect(await pool.use(({ exports }) => exports.bump())).toBe(1);
    expect(await pool.use(({ exports }) => exports.bump())).toBe(1);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('leaves other modules, memories and errors as they are', async () => {
    const other = wat('(module (func (export "f") (result i32) (i32.const 7)))');
    await using pool = await createWasmPool(counter, {
      max: 1,
      instantiate: async (_, { WebAssembly: own }: Pick<WasmInstance, 'WebAssembly'>) => {
        const { instance } = await own.instantiate(other);
        const memory = new own.Memory({ initial: 1 });
        return {
          f: instance.exports.f,
          memory,
          same: own.RuntimeError === WebAssembly.RuntimeError,
        };
      },
    });
    const { memory, same } = await pool.use(({ exports }) => exports);
    expect(memory).toBeInstanceOf(WebAssembly.Memory);
    expect(same).toBe(true);
  });
});

describe('options of loaders', () => {
  test('onDestroy runs while the instance can be called, and waits', async () => {
    const ends: unknown[] = [];
    const pool = await createWasmPool<Raw>(counter, {
      onDestroy: async ({ id, exports }) => {
        await sleep(1);
        ends.push([id, exports.bump()]);
      },
    });
    const kept = await pool.acquire();
    const { bump } = kept.exports;
    await pool.destroy(kept);
    await pool.close();
    expect(ends).toEqual([[1, 1]]);
    expect(bump).toThrow(/not on loan/);
  });

  test('what onDestroy throws is told, and the instance is gone', async () => {
    const pool = await createWasmPool<Raw>(counter, {
      onDestroy: () => {
        throw new Error('no');
      },
    });
    const told: unknown[] = [];
    pool.on('factoryDestroyError', ({ cause }) => told.push(cause));
    await pool.destroy(await pool.acquire());
    await pool.close();
    expect(told).toEqual([expect.objectContaining({ message: 'no' })]);
  });

  test('wasi beside instantiate is an error', async () => {
    const error = await failure(
      createWasmPool(counter, { wasi: true, instantiate: (_, instance: Linker) => link(instance) }),
    );
    expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect(error.message).toMatch(/wasi is given beside instantiate/);
  });

  test('onDestroy is one of the options that a module of tasks exports', async () => {
    const tasks = `
      let ended = 0;
      export const onDestroy = () => { ended++; };
      export const ends = () => ended;`;
    await using pool = await createWasmWorkerPool<{ ends(): number }>(counter, {
      max: 1,
      maxUses: 1,
      module: `data:text/javascript,${encodeURIComponent(tasks)}`,
    });
    expect(await pool.run.ends()).toBe(0);
    expect(await pool.run.ends()).toBe(1);
  });
});
