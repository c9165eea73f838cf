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
import { openWorld, type WorldPointers } from './world.js';

/** Its types take an import for a require, and so for a module that holds the variant. */
const variant = releaseSync as unknown as QuickJSSyncVariant;

/** One engine of the pool. */
export interface Engine {
  readonly quickjs: QuickJSWASMModule;
  /** Where the world is that it was made with; undefined: it has none. */
  world: WorldPointers | undefined;
}

export type QuickJSPool = WasmPool<Engine>;

const wasmFile = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');

const PAGE = 65_536;
/** What the module asks for at least: 16 MiB. */
const INITIAL_PAGES = 256;

/**
 * A pool of QuickJS engines, all of them instances of one compiled module. With `engines: 'fresh'`
 * each is a copy of one in which the context is made and the prelude has run, and serves one script.
 */
export function createQuickJSPool(config: Config): Promise<QuickJSPool> {
  const { max, maxWaiting, waitMillis, engines, maxUses, limits } = config;
  const common = {
    name: 'quickjs',
    max,
    maxWaitingClients: maxWaiting,
    acquireTimeoutMillis: waitMillis,
    // Instances are made on demand, and at night there is none.
    idleTimeoutMillis: 60_000,
    instantiate: async (_module: WebAssembly.Module, instance: WasmInstance<Engine>) => ({
      quickjs: await instantiate(instance, limits.memoryBytes),
      world: undefined,
    }),
  };
  if (engines === 'reuse') {
    return createWasmPool<Engine>(wasmFile, {
      ...common,
      // A script that broke out of its context by a bug of the engine would sit in the instance's
      // memory. Nothing says that it did, so no instance serves for long.
      maxUses,
      // One that a script made grow keeps what it grew by.
      maxMemoryBytes: Math.max(limits.memoryBytes / 2, INITIAL_PAGES * PAGE),
    });
  }
  const nothing = () => undefined;
  return createWasmPool<Engine, unknown, WorldPointers>(wasmFile, {
    ...common,
    reset: 'fresh',
    preinitialize: ({ exports }) =>
      openWorld(exports.quickjs, limits.stackBytes, () => ({ write: nothing, sleep: nothing }))
        .pointers,
    onCreate({ exports }, pointers) {
      exports.world = pointers;
    },
  });
}

/**
 * Has emscripten's loader, which QuickJS comes with, take the instance that the pool links: so its
 * memory counts, and its exports are guarded.
 */
function instantiate(
  instance: WasmInstance<Engine>,
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
