// createWasmFactory: what a wasm pool is made of, for pools of others as they come from npm.
import { createPool as createStrictPool } from '@wasm-pool/core';
import { createPool as createDropInPool } from '@wasm-pool/core/generic-pool';
import { createWasmFactory, suspending, type WasmInstanceFactory } from '@wasm-pool/wasm-adapter';
import genericPool from 'generic-pool';
import { Pool as LightningPool } from 'lightning-pool';
import * as tarn from 'tarn';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import { wat } from '../helpers/wat.js';

interface Guest {
  count(): number;
  trap(): void;
  grow(): number;
}
type Instance = Awaited<ReturnType<WasmInstanceFactory<Guest>['create']>>;

const guest = wat(`(module
  (memory (export "memory") 1 100)
  (global $count (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))
  (func (export "trap") unreachable)
  (func (export "grow") (result i32) (memory.grow (i32.const 9))))`);

/** What the tests ask of any pool. */
interface AnyPool {
  acquire(): Promise<Instance>;
  release(instance: Instance): unknown;
  close(): Promise<unknown>;
}

const pools: [string, (factory: WasmInstanceFactory<Guest>) => AnyPool][] = [
  [
    'generic-pool',
    (factory) => {
      const pool = genericPool.createPool(factory, { max: 2, testOnBorrow: true });
      return {
        acquire: () => pool.acquire(),
        release: (instance) => pool.release(instance),
        close: () => pool.drain().then(() => pool.clear()),
      };
    },
  ],
  [
    '@wasm-pool/core/generic-pool',
    (factory) => {
      const pool = createDropInPool(factory, { max: 2, testOnBorrow: true });
      return {
        acquire: () => pool.acquire(),
        release: (instance) => pool.release(instance),
        close: () => pool.drain().then(() => pool.clear()),
      };
    },
  ],
  [
    '@wasm-pool/core',
    (factory) => {
      const pool = createStrictPool(factory, { max: 2, testOnBorrow: true });
      return {
        acquire: () => pool.acquire(),
        release: (instance) => pool.release(instance),
        close: () => pool.close(),
      };
    },
  ],
  [
    'tarn',
    ({ create, destroy, isFit }) => {
      const pool = new tarn.Pool<Instance>({ create, destroy, validate: isFit, min: 0, max: 2 });
      return {
        acquire: () => pool.acquire().promise,
        release: (instance) => pool.release(instance),
        close: () => pool.destroy(),
      };
    },
  ],
  [
    'lightning-pool',
    (factory) => {
      const pool = new LightningPool<Instance>(factory, { max: 2, validation: true });
      return {
        acquire: () => pool.acquire(),
        release: (instance) => pool.releaseAsync(instance),
        close: () => pool.closeAsync(0),
      };
    },
  ],
];

describe.each(pools)('in a pool of %s', (_, poolOf) => {
  const maxMemoryBytes = 4 * 65_536;

  test('an instance is lent again while it is fit', async () => {
    const pool = poolOf(await createWasmFactory<Guest>(guest, { maxMemoryBytes }));
    for (let loan = 1; loan <= 3; loan++) {
      const instance = await pool.acquire();
      expect([instance.name, instance.exports.count()]).toEqual(['wasm#1', loan]);
      await pool.release(instance);
    }
    await pool.close();
  });

  test.each([
    ['trapped', ({ exports }: Instance) => expect(() => exports.trap()).toThrow('unreachable')],
    ['grew too large', ({ exports }: Instance) => expect(exports.grow()).toBe(1)],
  ])('an instance that %s is replaced', async (_what, hurt) => {
    const pool = poolOf(await createWasmFactory<Guest>(guest, { maxMemoryBytes }));
    const first = await pool.acquire();
    hurt(first);
    await pool.release(first);
    const second = await pool.acquire();
    expect([second.name, second.exports.count()]).toEqual(['wasm#2', 1]);
    expect(() => first.exports.count()).toThrow(); // it is destroyed
    await pool.release(second);
    await pool.close();
  });

  test('two borrowers have two instances', async () => {
    const pool = poolOf(await createWasmFactory<Guest>(guest));
    const both = await Promise.all([pool.acquire(), pool.acquire()]);
    expect(both.map(({ exports }) => exports.count())).toEqual([1, 1]);
    for (const instance of both) await pool.release(instance);
    await pool.close();
  });
});

describe('createWasmFactory', () => {
  test('rejects where the first instance cannot be linked, with what is missing', async () => {
    const module = wat(`(module (import "host" "log" (func)))`);
    const error = await failure(createWasmFactory(module));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK', message: expect.stringContaining('log') });
  });

  test('rejects where its start traps, or a hook throws', async () => {
    const module = wat(`(module (func $start unreachable) (start $start))`);
    expect(await failure(createWasmFactory(module))).toMatchObject({ code: 'ERR_WASM_START' });
    const onCreate = () => {
      throw new Error('no script');
    };
    expect(await failure(createWasmFactory(guest, { onCreate }))).toMatchObject({
      message: 'no script',
    });
  });

  test('rejects an option of pools, and says which there are', async () => {
    const options = { max: 5 } as object;
    const error = await failure(createWasmFactory(guest, options));
    expect(error.code).toBe('ERR_POOL_OPTION');
    expect(error.message).toMatch(
      /^createWasmFactory: unknown option max; accepted: .*maxMemoryBytes/,
    );
  });

  test('has each instance made by the options that are about one', async () => {
    const module = wat(`(module
      (import "host" "id" (func $id (result i32)))
      (memory (export "memory") 1)
      (func (export "id") (result i32) (call $id)))`);
    const created: string[] = [];
    const factory = await createWasmFactory<{ id(): number }>(module, {
      name: 'plugin',
      imports: (instance) => ({ host: { id: () => instance.id } }),
      onCreate: ({ name }) => created.push(name),
    });
    expect(created).toEqual(['plugin#1']);
    const both = [await factory.create(), await factory.create()];
    expect(both.map(({ name, exports }) => [name, exports.id()])).toEqual([
      ['plugin#1', 1],
      ['plugin#2', 2],
    ]);
  });

  test('prepares one instance, and gives copies of it', async () => {
    let prepared = 0;
    const factory = await createWasmFactory<Guest>(guest, {
      preinitialize: ({ exports }) => {
        prepared++;
        for (let call = 0; call < 5; call++) exports.count();
      },
    });
    const both = [await factory.create(), await factory.create()];
    expect(both.map(({ exports }) => exports.count())).toEqual([6, 6]);
    expect(prepared).toBe(1);
  });

  test('has functions that need no this', async () => {
    const { create, destroy, validate, isFit } = await createWasmFactory<Guest>(guest);
    const instance = await create();
    expect([isFit(instance), await validate(instance)]).toEqual([true, true]);
    await destroy(instance);
    await destroy(instance);
    expect([isFit(instance), await validate(instance)]).toEqual([false, false]);
    expect(instance.memoryBytes).toBe(0);
  });

  test('knows its own instances', async () => {
    const [one, other] = [await createWasmFactory(guest), await createWasmFactory(guest)];
    const instance = await one.create();
    expect(other.isFit(instance)).toBe(false);
    expect(await failure(other.destroy(instance))).toMatchObject({
      name: 'TypeError',
      message: 'destroy: the instance was not made by this factory (wasm)',
    });
    expect(one.isFit(instance)).toBe(true);
  });

  test.skipIf(!('Suspending' in WebAssembly))(
    'says of an instance with a suspended call that it is not fit',
    async () => {
      const module = wat(`(module
        (import "host" "wait" (func $wait))
        (func (export "run") (call $wait)))`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const factory = await createWasmFactory<{ run(): Promise<void> }>(module, {
        imports: { host: { wait: suspending(() => promise) } },
        promising: true,
      });
      const instance = await factory.create();
      const run = instance.exports.run();
      expect(factory.isFit(instance)).toBe(false);
      resolve();
      await run;
      expect(factory.isFit(instance)).toBe(true);
    },
  );
});
