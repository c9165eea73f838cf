import type { Factory, Verdict } from '@wasm-pool/core';
import type { WasmImports } from './link.js';
import type { PerInstance, WasmPoolOptions } from './options.js';
import { start } from './start.js';
import { wasiContext } from './wasi.js';
import { WasmInstance } from './wasm-instance.js';

/** What core needs to pool instances of one compiled module. */
export function wasmFactory<Exports, Context>(
  module: WebAssembly.Module,
  name: string,
  options: WasmPoolOptions<Exports, Context>,
): Factory<WasmInstance<Exports, Context>> {
  const maxMemoryBytes = options.maxMemoryBytes || Number.POSITIVE_INFINITY;
  let lastId = 0;

  async function create() {
    const instance = new WasmInstance<Exports, Context>(module, ++lastId, name);
    try {
      if (options.instantiate === undefined) await instantiate(module, instance, options);
      else instance.adopt(await options.instantiate(module, instance));
      await options.onCreate?.(instance);
    } catch (error) {
      instance.drop();
      throw error;
    }
    instance.calls.callable = false;
    return instance;
  }

  function validate(instance: WasmInstance<Exports, Context>): Verdict {
    if (instance.calls.poisoned) return 'trap';
    if (instance.calls.inFlight > 0) return 'busy';
    if (instance.memoryBytes > maxMemoryBytes) return 'memory';
    return true;
  }

  return {
    create,
    destroy: (instance) => instance.drop(),
    validate,
    recycle(instance) {
      instance.calls.callable = false;
      instance.context = undefined;
      return validate(instance);
    },
  };
}

async function instantiate<Exports, Context>(
  module: WebAssembly.Module,
  instance: WasmInstance<Exports, Context>,
  options: WasmPoolOptions<Exports, Context>,
): Promise<void> {
  const given = await forInstance(options.wasi ?? false, instance);
  const wasi = given === false ? undefined : await wasiContext(module, given === true ? {} : given);
  const own = await forInstance<WasmImports, Exports, Context>(options.imports ?? {}, instance);
  const linked = instance.link({ ...(wasi?.getImportObject() as WasmImports), ...own });
  instance.exports = linked.exports as Exports;
  start(linked, wasi, instance.name);
}

function forInstance<V, Exports, Context>(
  option: PerInstance<V, Exports, Context>,
  instance: WasmInstance<Exports, Context>,
): V | PromiseLike<V> {
  return isPerInstance(option) ? option(instance) : option;
}

function isPerInstance<V, Exports, Context>(
  option: PerInstance<V, Exports, Context>,
): option is (instance: WasmInstance<Exports, Context>) => V | PromiseLike<V> {
  return typeof option === 'function';
}
