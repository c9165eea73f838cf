import type { AdapterFactory, AdapterPool } from './adapter.js';
import { inspectValue, OptionError } from './check-options.js';
import type { Factory } from './factory.js';
import { isThenable, refusePromise } from './factory-call.js';
import { type PoolOptions, settingsOf } from './options.js';
import type { Pool } from './pool.js';
import { ResourcePool } from './resource-pool.js';

/**
 * Makes a pool of the resources that `factory` creates. A factory that needs its pool is given as a
 * function of the pool: `createPool((pool) => factory, options)`.
 *
 * Throws a TypeError for a factory without `create` or `destroy`, or with something else than
 * functions, and an `OptionError` for a bad option.
 */
export function createPool<T, Context = unknown>(
  factory: Factory<T, Context> | ((pool: Pool<T, Context>) => Factory<T, Context>),
  options?: PoolOptions<T>,
): Pool<T, Context> {
  return makePool<T, T, Context>(factory, options, true);
}

type AnyFactory<T, Lent, Context> =
  | AdapterFactory<T, Lent, Context>
  | ((pool: AdapterPool<T, Lent, Context>) => AdapterFactory<T, Lent, Context>);

/**
 * As `createPool`, for a package that builds on core. `lend` and `recycle` are called in their borrower's
 * AsyncLocalStorage context: it takes 10 ns to leave that.
 */
export function createAdapterPool<T, Lent = T, Context = unknown>(
  factory: AnyFactory<T, Lent, Context>,
  options?: PoolOptions<T>,
): AdapterPool<T, Lent, Context> {
  return makePool(factory, options, false);
}

function makePool<T, Lent, Context>(
  factory: AnyFactory<T, Lent, Context>,
  options: PoolOptions<T> | undefined,
  isolates: boolean,
): AdapterPool<T, Lent, Context> {
  const settings = settingsOf(options);
  const pool = new ResourcePool<T, Lent, Context>(
    (self) => {
      const made = typeof factory === 'function' ? factory(self) : factory;
      if (isThenable(made))
        throw refusePromise('createPool: the function that gives the factory', made);
      checkFactory(made);
      for (const name of ['testOnBorrow', 'testWhileIdle'] as const) {
        if (!settings[name] || made.validate !== undefined) continue;
        throw new OptionError(
          `createPool: ${name} is true; accepted: false, for this factory has no validate`,
        );
      }
      return made;
    },
    settings,
    isolates,
  );
  if (settings.autostart) pool.start();
  return pool;
}

const required = ['create', 'destroy'] as const;
const optional = [
  'validate',
  'recycle',
  'lend',
  'canCreate',
  'view',
  'leaseView',
  'timedOut',
  'bytes',
  'closed',
] as const;

function checkFactory<T, Lent, Context>(factory: AdapterFactory<T, Lent, Context>): void {
  if (typeof factory !== 'object' || factory === null) {
    throw new TypeError(
      `createPool: factory is ${inspectValue(factory)}; accepted: an object with create and destroy`,
    );
  }
  for (const name of [...required, ...optional]) {
    const call: unknown = factory[name];
    if (typeof call === 'function') continue;
    if (call === undefined && optional.some((it) => it === name)) continue;
    throw new TypeError(
      `createPool: factory.${name} is ${inspectValue(call)}; accepted: a function`,
    );
  }
}
