import { compile } from '../module/compiled-module.js';
import type { ModuleOptions } from '../module/limits.js';
import { loadSource } from '../source/source.js';
import { Component, type Instantiate } from './component.js';
import type { TranspiledComponent } from './transpiled-source.js';

/** A component that needs no transpiling. Its core modules are loaded when its first instance asks for them. */
export function transpiledComponent(
  { instantiate, modules }: TranspiledComponent,
  options: ModuleOptions,
): Component {
  const compileModule = async (file: string) => {
    const src = modules instanceof URL ? new URL(file, modules) : modules(file);
    return compile(await loadSource(src), options);
  };
  const codeBlockers = ['a component transpiled ahead: what its code keeps is not known'];
  return new Component(instantiate as Instantiate, codeBlockers, compileModule);
}
