import { OptionError } from './check-options.js';
import type { Factory } from './factory.js';
import { type PoolOptions, settingsOf } from './options.js';
import type { Pool } from './pool.js';
import { ResourcePool } from './resource-pool.js';

/**
 * Makes a pool of what `factory` creates. Throws a TypeError for a factory without `create` or
 * `destroy`, and an `OptionError` for a bad option.
 */
export function createPool<T>(factory: Factory<T>, options?: PoolOptions<T>): Pool<T> {
  const settings = settingsOf(options);
  if (settings.testOnBorrow && factory.validate === undefined) {
    throw new OptionError(
      'createPool: testOnBorrow is true; accepted: false, for this factory has no validate',
    );
  }
  const pool = new ResourcePool(factory, settings);
  if (settings.autostart) pool.start();
  return pool;
}
