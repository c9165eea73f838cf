import type { Component } from '../../component/component.js';
import { exportsLookLikeAPromise, exportsOf, hasOwnGlobals } from '../../component/jco-code.js';
import { WasmError } from '../../errors.js';
import { CompiledModule } from '../../module/compiled-module.js';
import { requireJspi } from '../jspi.js';
import type { WasmImports } from '../link.js';
import type { PooledInstance } from '../pooled-instance.js';
import { componentImports, type HostFunction } from './component-imports.js';
import { type ComponentWasiOptions, componentWasi } from './component-wasi.js';
import { guardComponent } from './guard-component.js';
import { HeldResources } from './held-resources.js';
import { importsWithGlobals, OwnGlobals } from './own-globals.js';
import { PendingCalls } from './pending-calls.js';

/**
 * Makes an instance of a component. Rejects with a `WasmError`: `ERR_WASM_LINK` with the first import
 * that is missing, before any of it is made, `ERR_WASM_JSPI`, `ERR_WASM_COMPONENT` for a component
 * transpiled ahead that exports `then`, and as `link` for each core instance.
 *
 * @param wasi undefined: it has no WASI
 */
export async function instantiateComponent<Exports>(
  component: Component,
  instance: PooledInstance<Exports>,
  own: WasmImports,
  wasi: ComponentWasiOptions | undefined,
): Promise<void> {
  if (exportsLookLikeAPromise(component.instantiate)) {
    const message = `${instance.name} is a component transpiled ahead that exports \`then\`, for which a promise would wait for ever; accepted: the component itself`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }
  const standard = wasi && (await componentWasi(component, wasi, instance.name, instance.dropped));
  const held = new HeldResources(instance.calls, () => instance.dropped);
  const imports = componentImports(
    own,
    (name) => standard?.(name),
    component.traits.unversioned,
    instance.name,
    (call) => watchCalls(call, instance, component.traits.hasStreams ? held : undefined),
  );
  const pending = new PendingCalls();
  const globals = new OwnGlobals(instance.calls, instance.dropped, held.registry, pending);
  const make = () =>
    component.instantiate(
      async (file) => (await component.module(file)).extended,
      importsWithGlobals(imports, globals),
      async (module, coreImports = {}) => {
        const compiled = component.modules.find((it) => it.extended === module);
        const core = instance.linkModule(
          compiled ?? new CompiledModule({ original: module, extended: module, shape: undefined }),
          coreImports as WasmImports,
        );
        globals.noteExports(core.exports);
        return core;
      },
    );
  const watched = hasOwnGlobals(component.instantiate) ? make : () => held.watch(make);
  const exports = exportsOf(await withJspiHint(watched));
  const { hasStreams } = component.traits;
  instance.exports = guardComponent(exports, instance.calls, held, hasStreams, pending) as Exports;
}

/**
 * A host function, with what it is passed noted, and with its promises in flight until they settle: a
 * component may have answered its borrower before, and go on once they have.
 *
 * @param held undefined: there are no streams or futures
 */
function watchCalls(
  call: HostFunction,
  instance: PooledInstance,
  held: HeldResources | undefined,
): HostFunction {
  const { calls } = instance;
  const end = () => {
    calls.inFlight--;
  };
  return (...args) => {
    held?.noteOpen(args);
    const result = instance.callHost(call, args);
    if (result instanceof Promise) {
      calls.inFlight++;
      result.then(end, end);
    }
    return result;
  };
}

/** jco's code of what may be suspended fails, while it makes an instance, for want of JSPI. */
async function withJspiHint<R>(make: () => R): Promise<Awaited<R>> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof TypeError) requireJspi();
    throw error;
  }
}
