import { isTranspiledComponent, type TranspiledComponent } from './component/transpiled-source.js';
import { type LoadedModule, loadSource, type ModuleSource } from './source/source.js';

/** Where a program comes from: what `ModuleSource` says, or a component that is transpiled already. */
export type WasmSource = ModuleSource | TranspiledComponent;

/** A source that is loaded, and neither compiled nor transpiled yet. */
export type Loaded = LoadedModule | TranspiledComponent;

/** Loads a source. Rejects with a `WasmError` `ERR_WASM_SOURCE` when there is nothing to compile. */
export async function load(src: WasmSource): Promise<Loaded> {
  return isTranspiledComponent(src) ? src : loadSource(src);
}

/**
 * Begins to load a source: bytes are copied at once, so that what the caller writes into them later
 * changes nothing. Rejects as `load`, to whoever awaits it, and to nobody else.
 */
export function beginLoading(src: WasmSource): Promise<Loaded> {
  const loading = load(src);
  loading.catch(() => {});
  return loading;
}
