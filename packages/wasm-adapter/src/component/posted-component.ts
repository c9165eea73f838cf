import { CompiledModule } from '../module/compiled-module.js';
import { Component, type PostedComponent } from './component.js';
import { importFromMemory, importFromUrl } from './import-code.js';

/** Puts a component together from what `Component.toMessage` gave on another thread. */
export async function receiveComponent(posted: PostedComponent): Promise<Component> {
  const { code, codeBlockers } = posted;
  const instantiate = await (typeof code === 'string'
    ? importFromMemory(code)
    : importFromUrl(code.url));
  const modules = new Map(
    Array.from(posted.modules, ([file, parts]) => [file, new CompiledModule(parts)]),
  );
  const compile = async (file: string) => modules.get(file) as CompiledModule; // all were posted
  const component = new Component(instantiate, codeBlockers, compile);
  await Promise.all(Array.from(modules.keys(), (file) => component.module(file)));
  return component;
}
