import { checkOptions, type OptionCheck } from '@wasm-pool/core/internal';
import type { PooledInstance } from '../instance/pooled-instance.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import { makeProgram } from '../program.js';
import type { Loaded } from '../wasm-source.js';
import { checkWasmOptions, wasmOptionChecks } from './options.js';
import { WasmFactory } from './wasm-factory.js';
import {
  factoryOptions,
  type WasmFactoryOptions,
  type WasmInstanceFactory,
} from './wasm-instance-factory.js';

const checks = Object.fromEntries<OptionCheck>(
  factoryOptions.map((name) => [name, wasmOptionChecks[name]]),
);

/** What `createWasmFactory` does, and loads when it is first called. */
export async function makeWasmFactory<Exports, Prepared>(
  loading: Promise<Loaded>,
  options: WasmFactoryOptions<Exports, Prepared>,
): Promise<WasmInstanceFactory<Exports>> {
  const where = 'createWasmFactory';
  checkOptions(where, options, checks);
  const checked = checkWasmOptions<Exports, unknown, Prepared>(where, options);
  const { name = 'wasm' } = checked;
  const program = await makeProgram(await loading, checked);
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
