import type { WasmImports } from '../link.js';
import { CommandSlot } from './command-wasi.js';
import { OwnWasi, type WasiContext, type WasiOwner } from './context.js';
import { GivenWasi, NodeWasi } from './foreign-wasi.js';
import { type AnyWasiOptions, checkWasi, isImplementation } from './options.js';

/**
 * A WASI preview 1 context for one instance. By default it is our own, where a guest reaches nothing
 * but what `options` name. With `suspends`, a guest that waits is suspended. `own` is what the module
 * is given beside.
 *
 * Rejects with an `OptionError` for an option that there is none of, and with a `WasmError`.
 */
export async function wasiContext(
  module: WebAssembly.Module,
  options: AnyWasiOptions,
  owner: WasiOwner,
  suspends: boolean,
  own: WasmImports,
): Promise<WasiContext> {
  if (options instanceof CommandSlot) return options.make(module, owner, suspends, own);
  checkWasi(`${owner.name}: wasi`, options);
  if (options === 'node') {
    return new NodeWasi(module, { implementation: 'node' }, owner, suspends);
  }
  if (isImplementation(options)) return new GivenWasi(options);
  if ('implementation' in options) return new NodeWasi(module, options, owner, suspends);
  const context = new OwnWasi(module, owner, suspends, own);
  await context.configure(options);
  return context;
}
