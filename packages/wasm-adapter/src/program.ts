import type { Component } from './component/component.js';
import { loadComponent } from './component/load-component.js';
import type { TranspilingOptions } from './component/transpile-options.js';
import { transpiledComponent } from './component/transpiled-component.js';
import { isTranspiledComponent, type TranspiledComponent } from './component/transpiled-source.js';
import { type CompiledModule, compile } from './module/compiled-module.js';
import type { ModuleOptions } from './module/limits.js';
import { isComponent } from './source/describe-bytes.js';
import { type LoadedModule, loadSource, type ModuleSource } from './source/source.js';

/** Where a program comes from: what `ModuleSource` says, or a component that is transpiled already. */
export type WasmSource = ModuleSource | TranspiledComponent;

/** A program: a compiled core module, or a transpiled component. */
export type AnyProgram = CompiledModule | Component;

/** A source that is loaded, and neither compiled nor transpiled yet. */
export type Loaded = LoadedModule | TranspiledComponent;

/** Loads a source. Rejects with a `WasmError` `ERR_WASM_SOURCE` when there is nothing to compile. */
export async function load(src: WasmSource): Promise<Loaded> {
  return isTranspiledComponent(src) ? src : loadSource(src);
}

/** Compiles a loaded source; transpiles a component first. Rejects as `compile` and `loadComponent`. */
export async function makeProgram(
  loaded: Loaded,
  options: TranspilingOptions & ModuleOptions,
): Promise<AnyProgram> {
  if (isTranspiledComponent(loaded)) return transpiledComponent(loaded, options);
  if (!(loaded instanceof WebAssembly.Module) && isComponent(loaded.bytes)) {
    return loadComponent(loaded.bytes, loaded.name, options);
  }
  return compile(loaded, options);
}
