import { Component } from './component/component.js';
import { loadComponent, type TranspilingOptions } from './component/load-component.js';
import type { PostedComponent } from './component/posted-component.js';
import { transpiledComponent } from './component/transpiled-component.js';
import { isTranspiledComponent } from './component/transpiled-source.js';
import { WasmError } from './errors.js';
import { type Compiled, compile } from './module/compile.js';
import { restoreBlockersOf } from './module/restore-blockers.js';
import { isComponent } from './source/describe-bytes.js';
import type { Loaded } from './source/source.js';

/** What a pool makes instances of: a core module, or a component. */
export type Program = Compiled | Component;

/** Compiles what was loaded, having it transpiled first if need be. Rejects as `compile`, `loadComponent`. */
export async function makeProgram(loaded: Loaded, options: TranspilingOptions): Promise<Program> {
  if (isTranspiledComponent(loaded)) return transpiledComponent(loaded);
  if (!(loaded instanceof WebAssembly.Module) && isComponent(loaded.bytes)) {
    return loadComponent(loaded.bytes, loaded.name, options);
  }
  return compile(loaded);
}

/**
 * Why no instance of a program can be put back exactly as it was; empty where that can be done. What
 * only shows at run time (a memory that grew, say) is not among these.
 */
export function restoreBlockersOfProgram(program: Program): readonly string[] {
  const own = modulesOf(program).flatMap((module) => restoreBlockersOf(module.shape));
  return [...new Set(program instanceof Component ? [...program.restoreBlockers, ...own] : own)];
}

/** A program as it goes to another thread. Throws an `ERR_WASM_COMPONENT` where its code is not known. */
export function postable(program: Program): Compiled | PostedComponent {
  if (!(program instanceof Component)) return program;
  const { code, files, restoreBlockers } = program;
  if (code !== undefined) return { code, modules: files, restoreBlockers };
  throw new WasmError(
    'ERR_WASM_COMPONENT',
    "src is a component transpiled ahead, whose code cannot go to another thread; accepted: the component's bytes",
  );
}

/** The module of a program, of a component the first that it makes an instance of. */
export function mainModule(program: Program, name: string): WebAssembly.Module {
  const [main] = modulesOf(program);
  if (main !== undefined) return main.module;
  throw new WasmError(
    'ERR_WASM_COMPONENT',
    `${name} is a component without a core module: nothing runs in it`,
  );
}

/** The core modules of a program; of a component that was transpiled ahead, those in use by now. */
export function modulesOf(program: Program): readonly Compiled[] {
  return program instanceof Component ? program.modules : [program];
}

/**
 * How often an instance is lent where the pool's options do not say; 0: without an end. jco 1.35 keeps
 * each stream and future that crosses a component's border for as long as the instance lives, with the
 * task that it came of: some 10 KiB each. And where tasks cannot be seen, one that has answered may go on.
 */
export function defaultMaxUses(program: Program): number {
  if (!(program instanceof Component)) return 0;
  if (program.hidesTasks) return 1;
  return program.hasStreams ? 100 : 0;
}
