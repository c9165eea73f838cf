import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, WasmError } from '../errors.js';
import { compile } from '../module/compiled-module.js';
import { ModuleLimits, type ModuleOptions } from '../module/limits.js';
import { Component, type Instantiate } from './component.js';
import { componentRestoreBlockers } from './component-restore-blockers.js';
import { DiskCache, defaultCacheFolder } from './disk-cache.js';
import { transpile, transpileKey } from './transpile.js';
import { type TranspilingOptions, transpileOptions } from './transpile-options.js';

/** Has a component transpiled, or finds what it was transpiled to. Rejects as `transpile`. */
export async function loadComponent(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  options: TranspilingOptions & ModuleOptions,
): Promise<Component> {
  new ModuleLimits(options.limits).checkSize(name, bytes.length);
  const { cache = defaultCacheFolder() } = options.component ?? {};
  const how = transpileOptions(options);
  const disk = cache === false ? undefined : new DiskCache(cache);
  const key = await transpileKey(bytes, name, how);
  let transpiled = await disk?.read(key);
  if (transpiled === undefined) {
    transpiled = await transpile(bytes, name, how);
    await disk?.write(key, transpiled).catch(() => {}); // it is transpiled next time, too
  }
  const { code, modules } = transpiled;
  const compileModule = (file: string) => {
    const of = { name: `${name}: ${file}`, bytes: modules.get(file) ?? new Uint8Array() };
    return compile(of, options);
  };
  const codeBlockers = componentRestoreBlockers(bytes, code);
  const instantiate = await evaluate(code, name, disk);
  const component = new Component(instantiate, codeBlockers, compileModule, code);
  await Promise.all(Array.from(modules.keys(), (file) => component.module(file)));
  return component;
}

/** Imports jco's code: from the cache, or from a folder that is there for that long. */
async function evaluate(
  code: string,
  name: string,
  disk: DiskCache | undefined,
): Promise<Instantiate> {
  const kept = await disk?.importable(code).catch(() => undefined);
  if (kept !== undefined) return importInstantiate(kept, name);
  const folder = await mkdtemp(join(tmpdir(), 'wasm-pool-'));
  try {
    return await importInstantiate(await new DiskCache(folder).importable(code), name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importInstantiate(path: string, name: string): Promise<Instantiate> {
  try {
    const { instantiate } = await import(pathToFileURL(path).href);
    return instantiate;
  } catch (cause) {
    // jco makes constructors async too, which JavaScript has not: Component Model has them sync.
    const message = `jco's code of ${name} cannot be run: ${messageOf(cause)}; where resources have constructors, promising has to name the exports`;
    throw new WasmError('ERR_WASM_COMPILE', message, { cause });
  }
}
