import { builtinIfAny } from './builtin.js';

/** A value that follows what was started while it was set: timers, promises, listeners. */
export interface AsyncContext<T> {
  /** Calls `fn` with `value` set. */
  run<R>(value: T, fn: (...args: unknown[]) => R, ...args: unknown[]): R;
  /** The value that was set when the running code was started, if any. */
  getStore(): T | undefined;
}

/** A new context; undefined on platforms without node:async_hooks. */
export function asyncContext<T>(): AsyncContext<T> | undefined {
  const hooks = builtinIfAny('node:async_hooks');
  return hooks?.AsyncLocalStorage && new hooks.AsyncLocalStorage<T>();
}
