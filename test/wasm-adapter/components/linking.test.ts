import { parse } from '@bytecodealliance/jco';
import { createWasmPool, createWasmPoolFactory } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { cache, type Guest, guest, guestPool, host } from './guests.js';

const { log, lookUp, measure } = host()['test:guest/host@1.0.0'];

describe('the imports of a component', () => {
  test.each([
    ['with their version', 'test:guest/host@1.0.0'],
    ['without it', 'test:guest/host'],
    ['with one that is compatible', 'test:guest/host@1.7.3'],
  ])('are given by the name of their interface, %s', async (_, name) => {
    await using pool = await guestPool({ imports: { [name]: { log, lookUp, measure } } });
    expect(await pool.use(({ exports }) => exports.faults.ask('four'))).toBe(4);
  });

  test('can be of their instance, and know its borrower', async () => {
    const said: unknown[] = [];
    await using pool = await createWasmPool<Guest, { id: number }>(guest, {
      component: { cache },
      imports: (instance) => ({
        'test:guest/host': {
          log: (message: string) => said.push([instance.name, instance.context?.id, message]),
          lookUp,
          measure,
        },
      }),
    });
    await pool.use(({ exports }) => exports.faults.say('hello'), { context: { id: 7 } });
    expect(said).toEqual([['wasm#1', 7, 'hello']]);
  });

  test('are told apart by their versions', async () => {
    const bytes = await parse(`(component
      (import "a:b/c@1.0.0" (instance $one (export "f" (func (result u32)))))
      (import "a:b/c@2.0.0" (instance $two (export "f" (func (result u32)))))
      (core func $one (canon lower (func $one "f")))
      (core func $two (canon lower (func $two "f")))
      (core module $m
        (import "" "one" (func $one (result i32)))
        (import "" "two" (func $two (result i32)))
        (func (export "run") (result i32)
          (i32.add (i32.mul (i32.const 10) (call $one)) (call $two))))
      (core instance $i (instantiate $m
        (with "" (instance (export "one" (func $one)) (export "two" (func $two))))))
      (func (export "run") (result u32) (canon lift (core func $i "run"))))`);
    const versions = (...names: string[]) =>
      Object.fromEntries(names.map((name) => [`a:b/c@${name}`, { f: () => Number(name[0]) }]));
    const made = (imports: ReturnType<typeof versions>) =>
      createWasmPool<{ run(): number }>(bytes, { imports, component: { cache } });
    await using pool = await made(versions('2.0.0', '1.0.0'));
    expect(await pool.use(({ exports }) => exports.run())).toBe(12);
    const error = await failure(made(versions('1.0.0', '3.0.0', '2.0.0-rc.1')));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toContain('the component imports a:b/c@2.0.0#f, and it is missing');
  });

  test('that are functions of the world itself are given by their names', async () => {
    const bytes = await parse(`(component
      (import "two-times" (func $f (param "x" u32) (result u32)))
      (core func $lowered (canon lower (func $f)))
      (core module $m
        (import "" "f" (func $f (param i32) (result i32)))
        (func (export "run") (param i32) (result i32) (call $f (local.get 0))))
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $lowered))))))
      (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run"))))`);
    type Run = { run(x: number): number };
    const twoTimes = (x: number) => x * 2;
    for (const given of [twoTimes, { default: twoTimes }]) {
      const imports = { 'two-times': given as never };
      await using pool = await createWasmPool<Run>(bytes, { imports, component: { cache } });
      expect(await pool.use(({ exports }) => exports.run(21))).toBe(42);
    }
    const error = await failure(createWasmPool(bytes, { component: { cache } }));
    expect(error.message).toBe(
      'wasm#1: the component imports two-times, and it is missing in the imports given',
    );
  });

  test.each<[string, Record<string, Record<string, unknown>>, string]>([
    ['no interface', {}, 'test:guest/host@1.0.0#log, and it is missing'],
    [
      'no such function',
      { 'test:guest/host': { log } },
      'test:guest/host@1.0.0#lookUp, and it is missing',
    ],
    [
      'no function',
      { 'test:guest/host': { log, lookUp: 5, measure } },
      'test:guest/host@1.0.0#lookUp, and it is a number',
    ],
  ])('are named where there is %s', async (_, imports, what) => {
    const error = await failure(guestPool({ imports }));
    expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_LINK' });
    expect(error.message).toContain(`guest#1: the component imports ${what}`);
  });
});

describe('no pool is made of', () => {
  const broken = guest.slice();
  broken.fill(0xff, 200, 260);
  const old = guest.slice();
  old[4] = 0x0c;

  test.each<[string, Uint8Array, object, string, RegExp]>([
    [
      'a component of another version',
      old,
      {},
      'ERR_WASM_COMPONENT',
      /src is a component of version 12 of the binary format; accepted: 13/,
    ],
    [
      'a component that ends too early',
      guest.subarray(0, 900),
      {},
      'ERR_WASM_COMPILE',
      /jco could not transpile src, a component of 900 bytes: .*unexpected end/s,
    ],
    [
      'a component that is broken',
      broken,
      {},
      'ERR_WASM_COMPILE',
      /jco could not transpile src, a component of \d+ bytes: /,
    ],
    [
      'a component without code',
      guest.subarray(0, 8),
      {},
      'ERR_WASM_COMPONENT',
      /wasm is a component without a core module/,
    ],
    [
      'a component, with a loader for modules',
      guest,
      { instantiate: () => ({}) },
      'ERR_WASM_COMPONENT',
      /wasm is a component, and instantiate is for core modules/,
    ],
    [
      'a component, with an option of jco that we do not have',
      guest,
      { component: { minify: true } },
      'ERR_POOL_OPTION',
      /createWasmPool: component: .*minify.*accepted: asyncImports, cache, transpileMemoryBytes, transpileTimeoutMillis/,
    ],
    [
      'a component, with a WASI option that is for core modules',
      guest,
      { imports: host(), wasi: { files: {} } },
      'ERR_POOL_OPTION',
      /wasm#1: wasi: .*files.*accepted: args, env, http, network, preopens/,
    ],
  ])('%s', async (_, bytes, options, code, message) => {
    const error = await failure(createWasmPool(bytes, { component: { cache: false }, ...options }));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
  });
});

describe('instance.link', () => {
  test('is for core modules', async () => {
    await using pool = await guestPool();
    const linking = pool.use((instance) => instance.link({}));
    expect(await failure(linking)).toMatchObject({ code: 'ERR_WASM_COMPONENT' });
  });
});

describe('a pool factory', () => {
  test('has a component transpiled once for all pools of the same bytes and options', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 3 });
    const options = { imports: host(), component: { cache } };
    const one = await factory.create<Guest>(guest, options);
    const two = await factory.create<Guest>(guest.slice(), { ...options, name: 'two' });
    await factory.create(wat('(module)'));
    expect(one.module).toBe(two.module);
    expect(factory.stats()).toMatchObject({ modules: 2, instances: 3 });
    expect(factory.stats().memoryBytes).toBe(2 * one.useSync(({ memoryBytes }) => memoryBytes));
  });
});
