import { compile } from '../module/compiled-module.js';
import type { ModuleOptions } from '../module/limits.js';
import { loadSource } from '../source/source.js';
import { Component, type Instantiate } from './component.js';
import { coreModuleFiles } from './jco-code.js';
import type { TranspiledComponent } from './transpiled-source.js';

/**
 * A component that needs no transpiling. Its core modules are loaded when its first instance asks for
 * them; at once where its code has a URL, for they go to threads with it.
 */
export async function transpiledComponent(
  { instantiate, modules, code }: TranspiledComponent,
  options: ModuleOptions,
): Promise<Component> {
  const compileModule = async (file: string) => {
    const src = modules instanceof URL ? new URL(file, modules) : modules(file);
    return compile(await loadSource(src), options);
  };
  const codeBlockers = ['a component transpiled ahead: what its code keeps is not known'];
  const component = new Component(instantiate as Instantiate, codeBlockers, compileModule, code);
  if (code !== undefined) {
    await Promise.all(coreModuleFiles(instantiate).map((file) => component.module(file)));
  }
  return component;
}
