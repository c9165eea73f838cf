import { messageOf, WasmError } from '../errors.js';
import { compile } from '../module/compiled-module.js';
import { ModuleLimits, type ModuleOptions } from '../module/limits.js';
import { builtinIfAny, isWorkerd } from '../platform/builtin.js';
import { sha256 } from '../platform/hash.js';
import { type CheckedNames, checkNames } from './check-names.js';
import { Component } from './component.js';
import { componentRestoreBlockers } from './component-restore-blockers.js';
import { DiskCache, defaultCacheFolder } from './disk-cache.js';
import { importCode } from './import-code.js';
import { findTranspiler } from './jco.js';
import { checkVersion, type Transpiled, transpile, transpileKey } from './transpile.js';
import { type TranspilingOptions, transpileLimits, transpileOptions } from './transpile-options.js';

/**
 * Has a component transpiled, or finds what it was transpiled to. Before anything of it is run, its
 * names are checked: see `checkNames`. Rejects as that, as `checkVersion` and as `transpile`.
 */
export async function loadComponent(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  options: TranspilingOptions & ModuleOptions,
): Promise<Component> {
  new ModuleLimits(options.limits).checkSize(name, bytes.length);
  checkVersion(bytes, name);
  const names = checkNames(bytes, name);
  if (!canTranspile()) {
    const message = `${name} is a component, and this platform lacks what transpiling one needs; accepted: one transpiled ahead, as { instantiate, modules }, or Node.js 22.12 or later, Deno, Bun`;
    throw new WasmError('ERR_WASM_PLATFORM', message);
  }
  const cache = await openCache(options);
  const { code, modules } = await transpiled(bytes, name, names, options, cache);
  const compileModule = (file: string) => {
    const of = { name: `${name}: ${file}`, bytes: modules.get(file) ?? new Uint8Array() };
    return compile(of, options);
  };
  const codeBlockers = componentRestoreBlockers(bytes, code);
  const instantiate = await importCode(code, cache).catch((cause) => {
    // jco makes constructors async too, which JavaScript has not: Component Model has them sync.
    const message = `jco's code of ${name} cannot be run: ${messageOf(cause)}; where resources have constructors, promising has to name the exports`;
    throw new WasmError('ERR_WASM_COMPILE', message, { cause });
  });
  const component = new Component(instantiate, codeBlockers, compileModule, code);
  await Promise.all(Array.from(modules.keys(), (file) => component.module(file)));
  return component;
}

/** Needs threads, and the file system for what jco wrote. */
function canTranspile(): boolean {
  return !isWorkerd && builtinIfAny('node:worker_threads') !== undefined;
}

async function openCache({ component }: TranspilingOptions): Promise<DiskCache | undefined> {
  const folder = component?.cache ?? defaultCacheFolder();
  return folder === false ? undefined : DiskCache.open(folder);
}

async function transpiled(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  names: CheckedNames,
  options: TranspilingOptions,
  cache: DiskCache | undefined,
): Promise<Transpiled> {
  const how = transpileOptions(options);
  const limits = transpileLimits(options);
  const hash = await sha256(bytes);
  // A component that is not understood is transpiled for jco's opinion only, and never run.
  if (cache === undefined || hash === undefined || names.unreadable !== undefined) {
    return transpile(bytes, name, names, how, limits);
  }
  const key = transpileKey(hash, how);
  // A cache that has it needs no jco; where that is installed, only what it made is taken.
  const { versions } = await findTranspiler(name).catch(() => ({ versions: undefined }));
  const kept = await cache.read(key, versions);
  if (kept !== undefined) return kept;
  const made = await transpile(bytes, name, names, how, limits);
  if (versions !== undefined) await cache.write(key, versions, made).catch(() => {}); // made anew next time
  return made;
}
