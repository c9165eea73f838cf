import { OptionError } from './check-options.js';
import type { Factory } from './factory.js';
import { type PoolOptions, settingsOf } from './options.js';
import type { Pool } from './pool.js';
import { ResourcePool } from './resource-pool.js';

/**
 * Makes a pool of what `factory` creates. Throws a TypeError for a factory without `create` or
 * `destroy`, or with something else than functions, and an `OptionError` for a bad option.
 */
export function createPool<T>(factory: Factory<T>, options?: PoolOptions<T>): Pool<T> {
  const settings = settingsOf(options);
  if (settings.testOnBorrow && factory.validate === undefined) {
    throw new OptionError(
      'createPool: testOnBorrow is true; accepted: false, for this factory has no validate',
    );
  }
  for (const call of ['recycle', 'canCreate'] as const) {
    // generic-pool checks those it knows
    if (factory[call] !== undefined && typeof factory[call] !== 'function') {
      throw new TypeError(`factory.${call} must be a function`);
    }
  }
  const pool = new ResourcePool(factory, settings);
  if (settings.autostart) pool.start();
  return pool;
}
