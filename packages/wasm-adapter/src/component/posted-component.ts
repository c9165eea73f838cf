import type { Compiled } from '../module/compile.js';
import { Component } from './component.js';

/** A transpiled component on its way to another thread, where its code is run anew. */
export interface PostedComponent {
  readonly code: string;
  readonly modules: ReadonlyMap<string, Compiled>;
  readonly restoreBlockers: readonly string[];
}

/** Puts a component together from what was posted. */
export async function receiveComponent(posted: PostedComponent): Promise<Component> {
  const { code, modules, restoreBlockers } = posted;
  // Under a name, or each line of an error's stack would have the whole URL.
  const named = `${code}\n//# sourceURL=wasm-pool:component.js\n`;
  const url = `data:text/javascript;base64,${Buffer.from(named).toString('base64')}`;
  const { instantiate } = await import(url);
  const component = new Component(instantiate, restoreBlockers, async (file) => {
    return modules.get(file) as Compiled; // all of them were posted
  });
  await Promise.all(Array.from(modules.keys(), (file) => component.module(file)));
  return component;
}
