import type { Component } from './component/component.js';
import type { TranspilingOptions } from './component/transpile-options.js';
import { isTranspiledComponent } from './component/transpiled-source.js';
import { type CompiledModule, compile } from './module/compiled-module.js';
import type { ModuleOptions } from './module/limits.js';
import { isComponent } from './source/describe-bytes.js';
import type { Loaded } from './wasm-source.js';

/** A program: a compiled core module, or a transpiled component. */
export type AnyProgram = CompiledModule | Component;

/** Compiles a loaded source; transpiles a component first. Rejects as `compile` and `loadComponent`. */
export async function makeProgram(
  loaded: Loaded,
  options: TranspilingOptions & ModuleOptions,
): Promise<AnyProgram> {
  if (isTranspiledComponent(loaded)) {
    const { transpiledComponent } = await import('./component/transpiled-component.js');
    return transpiledComponent(loaded, options);
  }
  if (!(loaded instanceof WebAssembly.Module) && isComponent(loaded.bytes)) {
    const { loadComponent } = await import('./component/load-component.js');
    return loadComponent(loaded.bytes, loaded.name, options);
  }
  return compile(loaded, options);
}
