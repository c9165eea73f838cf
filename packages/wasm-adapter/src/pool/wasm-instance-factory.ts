import type { WasmInstance } from '../instance/wasm-instance.js';
import type { WasmPoolOptions } from './options.js';

/** The options of `createWasmPool` that are about one instance. */
export const factoryOptions = [
  'name',
  'imports',
  'wasi',
  'instantiate',
  'preinitialize',
  'snapshot',
  'onCreate',
  'createTimeoutMillis',
  'maxMemoryBytes',
  'limits',
  'promising',
  'component',
] as const;

/**
 * How the instances of a `createWasmFactory` are made and judged: those options of `createWasmPool`
 * that are about one instance. `createTimeoutMillis` limits `preinitialize` alone. How many there are,
 * and for how long, is for the pool that they are made for.
 *
 * @typeParam Exports what `instance.exports` is
 * @typeParam Prepared what `preinitialize` returns
 */
export interface WasmFactoryOptions<Exports = WebAssembly.Exports, Prepared = unknown>
  extends Pick<WasmPoolOptions<Exports, unknown, Prepared>, (typeof factoryOptions)[number]> {}

/**
 * Makes and judges instances, in the interface of generic-pool's factories. The functions need no
 * `this`, so that `{ ...factory }` is one, too.
 */
export interface WasmInstanceFactory<Exports = WebAssembly.Exports> {
  /**
   * Makes an instance, whose exports can be called until it is destroyed. Rejects as
   * `createWasmFactory` does.
   */
  readonly create: () => Promise<WasmInstance<Exports>>;

  /**
   * Lets go of an instance and its memory; what is kept of its exports throws from then on. Does
   * nothing for one that is destroyed. Rejects with a TypeError for one of another factory.
   */
  readonly destroy: (instance: WasmInstance<Exports>) => Promise<void>;

  /** `isFit`, for pools that expect a promise. */
  readonly validate: (instance: WasmInstance<Exports>) => Promise<boolean>;

  /**
   * Whether an instance that nobody has borrowed may be lent again. It may not, once an exception went
   * through it, its memories are larger than `maxMemoryBytes`, a call of it is suspended, a resource
   * of a component was not disposed of, or it is destroyed. False for one of another factory.
   */
  readonly isFit: (instance: WasmInstance<Exports>) => boolean;
}
