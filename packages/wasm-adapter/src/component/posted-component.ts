import { CompiledModule } from '../module/compiled-module.js';
import { importModule } from '../platform/import-module.js';
import { Component, type Instantiate, type PostedComponent } from './component.js';

/** Puts a component together from what `Component.toMessage` gave on another thread. */
export async function receiveComponent(posted: PostedComponent): Promise<Component> {
  const { code, codeBlockers } = posted;
  // Under a name, or each line of an error's stack would have the whole URL.
  const named = `${code}\n//# sourceURL=wasm-pool:component.js\n`;
  const url = `data:text/javascript,${encodeURIComponent(named)}`;
  const { instantiate } = await importModule<{ instantiate: Instantiate }>(url);
  const modules = new Map(
    Array.from(posted.modules, ([file, parts]) => [file, new CompiledModule(parts)]),
  );
  const compile = async (file: string) => modules.get(file) as CompiledModule; // all were posted
  const component = new Component(instantiate, codeBlockers, compile, code);
  await Promise.all(Array.from(modules.keys(), (file) => component.module(file)));
  return component;
}
