import { checkOptions, type OptionCheck } from '@wasm-pool/core/internal';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import { load, makeProgram, type WasmSource } from '../program.js';
import { checkWasmOptions, type WasmPoolOptions, wasmOptionChecks } from './options.js';
import { WasmFactory } from './wasm-factory.js';

/** The options of `createWasmPool` that are about one instance. */
const factoryOptions = [
  'name',
  'imports',
  'wasi',
  'instantiate',
  'preinitialize',
  'snapshot',
  'onCreate',
  'createTimeoutMillis',
  'maxMemoryBytes',
  'limits',
  'promising',
  'component',
] as const;

/**
 * How the instances of a `createWasmFactory` are made and judged: those options of `createWasmPool`
 * that are about one instance. `createTimeoutMillis` limits `preinitialize` alone. How many there are,
 * and for how long, is for the pool that they are made for.
 *
 * @typeParam Exports what `instance.exports` is
 * @typeParam Prepared what `preinitialize` returns
 */
export interface WasmFactoryOptions<Exports = WebAssembly.Exports, Prepared = unknown>
  extends Pick<WasmPoolOptions<Exports, unknown, Prepared>, (typeof factoryOptions)[number]> {}

const checks = Object.fromEntries<OptionCheck>(
  factoryOptions.map((name) => [name, wasmOptionChecks[name]]),
);

/**
 * Makes and judges instances, in the interface of generic-pool's factories. The functions need no
 * `this`, so that `{ ...factory }` is one, too.
 */
export interface WasmInstanceFactory<Exports = WebAssembly.Exports> {
  /**
   * Makes an instance, whose exports can be called until it is destroyed. Rejects as
   * `createWasmFactory` does.
   */
  readonly create: () => Promise<WasmInstance<Exports>>;

  /**
   * Lets go of an instance and its memory; what is kept of its exports throws from then on. Does
   * nothing for one that is destroyed. Rejects with a TypeError for one of another factory.
   */
  readonly destroy: (instance: WasmInstance<Exports>) => Promise<void>;

  /** `isFit`, for pools that expect a promise. */
  readonly validate: (instance: WasmInstance<Exports>) => Promise<boolean>;

  /**
   * Whether an instance that nobody has borrowed may be lent again. It may not, once an exception went
   * through it, its memories are larger than `maxMemoryBytes`, a call of it is suspended, a resource
   * of a component was not disposed of, or it is destroyed. False for one of another factory.
   */
  readonly isFit: (instance: WasmInstance<Exports>) => boolean;
}

/**
 * Compiles `src` once and gives a factory of its instances, for generic-pool's own `createPool`, tarn,
 * lightning-pool, or a pool that a framework brings. The first instance is made at once, so that a
 * module that cannot be linked or started fails here; the first `create` gives it.
 *
 * Have the pool ask `validate` before it lends (generic-pool: `testOnBorrow: true`): no other pool asks
 * when an instance is returned. `createWasmPool` has, besides: `reset`, `context`, exports that throw
 * after the return, `maxUses`, a budget, and judging by what the borrower threw.
 *
 * Rejects with an `OptionError`, with a `WasmError` where `src` or its first instance fails, and with
 * whatever `imports`, `wasi`, `instantiate`, `preinitialize` or `onCreate` threw.
 */
export async function createWasmFactory<Exports = WebAssembly.Exports, Prepared = unknown>(
  src: WasmSource,
  options: WasmFactoryOptions<Exports, Prepared> = {},
): Promise<WasmInstanceFactory<Exports>> {
  const where = 'createWasmFactory';
  checkOptions(where, options, checks);
  const checked = checkWasmOptions<Exports, unknown, Prepared>(where, options);
  const { name = 'wasm' } = checked;
  const program = await makeProgram(await load(src), checked);
  if (program.kind === 'component') program.mainModule(name); // throws where there is none
  const factory = new WasmFactory(program, name, checked);
  const made = new WeakMap<WasmInstance<Exports>, PooledInstance<Exports, unknown>>();

  const make = async (): Promise<WasmInstance<Exports>> => {
    const instance = await factory.create();
    factory.lend(instance, undefined);
    made.set(instance, instance);
    return instance;
  };
  await factory.prepare();
  let first: WasmInstance<Exports> | undefined = await make();

  const isFit = (instance: WasmInstance<Exports>): boolean => {
    const own = made.get(instance);
    return own !== undefined && factory.isFit(own);
  };
  return {
    create: async () => {
      const instance = first;
      first = undefined;
      return instance ?? make();
    },
    destroy: async (instance) => {
      const own = made.get(instance);
      if (own === undefined) {
        throw new TypeError(`destroy: the instance was not made by this factory (${name})`);
      }
      factory.destroy(own);
    },
    validate: async (instance) => isFit(instance),
    isFit,
  };
}
