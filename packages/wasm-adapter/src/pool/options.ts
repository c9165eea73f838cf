import { OptionError, type PoolOptions } from '@wasm-pool/core';
import {
  checkOptions,
  type OptionCheck,
  poolOptionChecks,
  wholeNumber,
} from '@wasm-pool/core/internal';
import { type ComponentOptions, componentChecks } from '../component/component-options.js';
import type { ComponentWasiOptions } from '../instance/component/component-wasi.js';
import type { WasmImports } from '../instance/link.js';
import type { AnyWasiOptions } from '../instance/wasi/options.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import { checkLimits, type WasmLimits } from '../module/limits.js';
import { acceptedSnapshots, type SnapshotSource } from '../snapshot/snapshot-source.js';

/** A value, or a function that gives it for one instance. */
export type PerInstance<V, Exports, Context> =
  | V
  | ((instance: WasmInstance<Exports, Context>) => V | PromiseLike<V>);

/**
 * How a pool of WebAssembly instances behaves: what a pool takes, and what follows.
 *
 * @typeParam Exports what `instance.exports` is
 * @typeParam Context what a borrower may give along with `{ context }`
 * @typeParam Prepared what `preinitialize` returns
 */
export interface WasmPoolOptions<
  Exports = WebAssembly.Exports,
  Context = unknown,
  Prepared = unknown,
> extends Omit<PoolOptions<WasmInstance<Exports, Context>>, 'autostart'> {
  /** The most instances at once; 0 (default): no limit. */
  max?: number | undefined;
  /** Stands in errors, `stats()` and the instances' names. Default `'wasm'`. */
  name?: string | undefined;
  /**
   * The host functions, memories, tables and globals that the module imports. As a function it is
   * called for each new instance, whose `memory` and `context` the host functions can then read.
   * A component's imports are by the names of interfaces, with or without their version.
   */
  imports?: PerInstance<WasmImports, Exports, Context> | undefined;
  /**
   * WASI preview 1: `true`, or its options (`args`, `env`, `files`, `preopens`, `stdin`, …), or a
   * function that gives either for an instance. Each instance has a context of its own, which reaches
   * nothing of the host but what the options name. `'node'` is node:wasi behind checked functions; an
   * object with `wasiImport` is anybody's WASI, to be given for each instance.
   *
   * Of a component: preview 2 and 3, from jco's shims, likewise; they are there unless this is false.
   */
  wasi?: PerInstance<boolean | AnyWasiOptions | ComponentWasiOptions, Exports, Context> | undefined;
  /**
   * For modules that come with their own loader: makes what `exports` is to be, from the compiled
   * module. `imports` does not apply then, and `wasi` is an error. Call `instance.link(imports)` where
   * the loader lets you, or give it `instance.WebAssembly` in place of the global one. A loader that
   * returns what it has returned before is refused with a `WasmError` `ERR_WASM_LOADER`.
   */
  instantiate?:
    | ((
        module: WebAssembly.Module,
        instance: WasmInstance<Exports, Context>,
      ) => Exports | PromiseLike<Exports>)
    | undefined;
  /**
   * Says that the JavaScript of `instantiate` keeps nothing of a loan: no pointer, cache, handle or file.
   * Then `reset: 'restore'` puts its instances back. Default false: what it keeps cannot be known, so
   * each of its instances is replaced, and `restoreBlockers` says so. A loader that returns nothing but
   * the exports of `instance.link` needs no word.
   */
  statelessLoader?: boolean | undefined;
  /**
   * Prepares one instance, from which all instances of the pool are then copied: memories at the size
   * that they have grown to, mutable globals and tables, private ones included. It runs once, before
   * the pool is there, and may be asynchronous. In the copies neither the start function nor
   * `_initialize` runs again. The instance itself (`wasm#0`) is never lent.
   *
   * What is prepared is the same in all copies, random seeds too. What cannot be copied exactly is
   * refused, with a `WasmError` `ERR_WASM_SNAPSHOT` that names it: a float global that holds a NaN, a
   * `v128` or `exnref`, an object of the host, a function of another instance, a shared memory, an
   * open file, dropped segments. Not together with `snapshot`.
   *
   * @example
   * preinitialize: ({ exports }) => exports.load_library()
   */
  preinitialize?:
    | ((instance: WasmInstance<Exports, Context>) => Prepared | PromiseLike<Prepared>)
    | undefined;
  /**
   * What `createWasmSnapshot` or `npx wasm-pool snapshot` wrote for this module: in place of
   * `preinitialize`. One that is damaged, of another version or of another module is refused, with a
   * `WasmError` `ERR_WASM_SNAPSHOT`.
   */
  snapshot?: SnapshotSource | undefined;
  /**
   * Runs on each new instance before it is ever lent: to warm it up, or to load a script. With
   * `preinitialize` or `snapshot` it gets what `preinitialize` returned, to make anew what is kept in
   * JavaScript: from pointers, say.
   */
  onCreate?:
    | ((instance: WasmInstance<Exports, Context>, prepared: Prepared) => unknown)
    | undefined;
  /**
   * Runs before an instance is dropped, which can be called for that long: to free what its loader holds
   * outside of it. What it throws emits `factoryDestroyError`.
   */
  onDestroy?: ((instance: WasmInstance<Exports, Context>) => unknown) | undefined;
  /**
   * An instance whose memories are larger than this, in bytes, when it is returned is destroyed,
   * for the reason `memory`: a memory never shrinks. A module that starts above it is refused, with a
   * `WasmError` `ERR_WASM_LIMIT`. 0 (default): no limit. What it can grow to meanwhile:
   * `limits.memoryBytes`.
   */
  maxMemoryBytes?: number | undefined;
  /** What a module may ask for and grow to, while it is on loan, too. Each has a default. */
  limits?: WasmLimits | undefined;
  /**
   * Destroy an instance when it is returned for the nth time; 0: never. Default 0, but 100 for a
   * component that deals in streams or futures: jco's code keeps each of them until then; and 1 for
   * one transpiled ahead that has async functions: what goes on after their answer is not seen.
   */
  maxUses?: number | undefined;
  /**
   * What happens between two borrowers.
   *
   * - `reuse` (default): nothing; the next finds what the last one left.
   * - `restore`: memories, mutable globals and tables, private ones too, go back to what they were
   *   after `onCreate`, which is the prepared state where `onCreate` has changed nothing. Where that
   *   cannot be done exactly the instance is destroyed, for the reason `unrestorable`: so it is with
   *   what `instantiate` makes, unless `statelessLoader` is set.
   * - `fresh`: the instance is destroyed, for the reason `used`; others are made ahead, off the
   *   borrowers' path, `min` (at least 1) beyond those on loan, within `max`.
   */
  reset?: 'reuse' | 'restore' | 'fresh' | undefined;
  /**
   * The exports that may call a `suspending` import, and so return promises; true: all. With `wasi`,
   * a guest of such a pool that sleeps is suspended too, instead of blocking the thread. Of a component,
   * as jco's `asyncExports`: `'ns:pkg/interface#function'`; the imports are named in `component`.
   */
  promising?: readonly string[] | boolean | undefined;
  /** How a component is transpiled, and where what it is transpiled to is kept. */
  component?: ComponentOptions | undefined;
}

const aFunction: OptionCheck = {
  accepts: 'a function',
  test: (value) => typeof value === 'function',
};

export const importsCheck: OptionCheck = {
  accepts: 'an import object, or a function that gives one for an instance',
  test: (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
};

export const wasiCheck: OptionCheck = {
  accepts: "true, false, an object of options, 'node', or a function that gives one of these",
  test: (value) => typeof value === 'boolean' || value === 'node' || importsCheck.test(value),
};

const { autostart: _, ...coreChecks } = poolOptionChecks;

/** The checks behind `WasmPoolOptions`. */
export const wasmOptionChecks: Readonly<Record<keyof WasmPoolOptions, OptionCheck>> = {
  ...coreChecks,
  imports: importsCheck,
  wasi: wasiCheck,
  instantiate: aFunction,
  statelessLoader: {
    accepts: 'true or false',
    test: (value) => typeof value === 'boolean',
  },
  preinitialize: aFunction,
  snapshot: {
    accepts: acceptedSnapshots,
    test: (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
  },
  onCreate: aFunction,
  onDestroy: aFunction,
  maxMemoryBytes: wholeNumber(0),
  reset: {
    accepts: "'reuse', 'restore' or 'fresh'",
    test: (value) => value === 'reuse' || value === 'restore' || value === 'fresh',
  },
  promising: {
    accepts: 'true, false, or an array of names of exports',
    test: (value) =>
      typeof value === 'boolean' ||
      (Array.isArray(value) && value.every((name) => typeof name === 'string')),
  },
  limits: { accepts: 'an object', test: (value) => typeof value === 'object' && value !== null },
  component: { accepts: 'an object', test: (value) => typeof value === 'object' },
};

/**
 * The options, of which no more than the caller has to know what `preinitialize` returns. Throws core's
 * `OptionError` for one that is unknown or not acceptable.
 */
export function checkWasmOptions<Exports, Context, Prepared>(
  where: string,
  options: WasmPoolOptions<Exports, Context, Prepared>,
): WasmPoolOptions<Exports, Context> {
  checkOptions(where, options, wasmOptionChecks);
  checkOptions(`${where}: component`, options.component, componentChecks);
  checkLimits(where, options.limits);
  if (options.instantiate !== undefined && (options.wasi ?? false) !== false) {
    throw new OptionError(
      `${where}: wasi is given beside instantiate, to whose loader it does not apply; accepted: one of them`,
    );
  }
  return options as WasmPoolOptions<Exports, Context>;
}

/** What of the options is core's. Spares of `fresh` are topped up by the pool, not by core's `min`. */
export function coreOptions<Exports, Context>(
  options: WasmPoolOptions<Exports, Context>,
): PoolOptions<WasmInstance<Exports, Context>> {
  const {
    imports,
    wasi,
    instantiate,
    statelessLoader,
    preinitialize,
    snapshot,
    onCreate,
    onDestroy,
    maxMemoryBytes,
    limits,
    reset,
    promising,
    component,
    ...core
  } = options;
  return { ...core, name: core.name ?? 'wasm', max: core.max ?? 0, autostart: false };
}
