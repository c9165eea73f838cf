import { createRequire } from 'node:module';
import releaseSync from '@jitl/quickjs-wasmfile-release-sync';
import { createWasmPool, type WasmInstance, type WasmPool } from '@wasm-pool/wasm-adapter';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { Config } from './config.js';

/** Its types take an import for a require, and so for a module that holds the variant. */
const variant = releaseSync as unknown as QuickJSSyncVariant;

export type QuickJSPool = WasmPool<QuickJSWASMModule>;

const wasmFile = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');

const PAGE = 65_536;
/** What the module asks for at least: 16 MiB. */
const INITIAL_PAGES = 256;

/** A pool of QuickJS engines, all of them instances of one compiled module. */
export function createQuickJSPool(config: Config): Promise<QuickJSPool> {
  const { max, maxWaiting, waitMillis, maxUses, limits } = config;
  return createWasmPool<QuickJSWASMModule>(wasmFile, {
    name: 'quickjs',
    max,
    maxWaitingClients: maxWaiting,
    acquireTimeoutMillis: waitMillis,
    // A script that broke out of its context by a bug of the engine would sit in the instance's
    // memory. Nothing says that it did, so no instance serves for long; a new one takes a millisecond.
    maxUses,
    // One that a script made grow keeps what it grew by.
    maxMemoryBytes: Math.max(limits.memoryBytes / 2, INITIAL_PAGES * PAGE),
    // Instances are made on demand, and at night there is none.
    idleTimeoutMillis: 60_000,
    instantiate: (_module, instance) => instantiate(instance, limits.memoryBytes),
  });
}

/**
 * Has emscripten's loader, which QuickJS comes with, take the instance that the pool links: so its
 * memory counts, and its exports are guarded.
 */
function instantiate(
  instance: WasmInstance<QuickJSWASMModule>,
  memoryBytes: number,
): Promise<QuickJSWASMModule> {
  const emscriptenModule = {
    instantiateWasm(
      imports: Record<string, Record<string, unknown>>,
      receive: (instance: WebAssembly.Instance) => void,
    ) {
      const linked = instance.link(imports);
      receive(linked);
      return linked.exports;
    },
    print() {},
    printErr() {},
  };
  // The engine's own memory limit counts 8 bytes for an allocation of any size, so the limit is the
  // memory's: what does not fit is an "out of memory" that the script can catch.
  const wasmMemory = new WebAssembly.Memory({
    initial: INITIAL_PAGES,
    maximum: Math.floor(memoryBytes / PAGE),
  });
  return newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory, emscriptenModule }));
}
