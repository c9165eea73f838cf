import {
  aBoolean,
  anyString,
  checkOptions,
  millis,
  type OptionCheck,
  OptionError,
  wholeNumber,
} from './check-options.js';
import type { EvictPolicy } from './evictor.js';

/**
 * How a pool behaves. The options that generic-pool has keep its names, meanings and, where not
 * said otherwise, its defaults. All times are whole milliseconds up to 2^31 - 1 (the limit of
 * Node.js's timers); a bad value throws an `OptionError` (a TypeError).
 */
export interface PoolOptions<T = unknown> {
  /** Stands in errors and `stats()`. Default `'pool'`. */
  name?: string | undefined;
  /** The most resources at once; 0: no limit. Default 1. */
  max?: number | undefined;
  /** Resources to keep at all times, lent ones included; at most `max`. Default 0. */
  min?: number | undefined;
  /**
   * How many acquires may wait for a return, beyond those that a resource will serve which is being
   * created, validated or recycled; the next is rejected with `QueueFullError`. One may always wait
   * for a creation that `canCreate` puts off. Default: no limit.
   */
  maxWaitingClients?: number | undefined;
  /** Ask the factory's `validate` before lending an idle or returned resource. Default false. */
  testOnBorrow?: boolean | undefined;
  /** The longest an acquire waits; 0 (default): no limit. */
  acquireTimeoutMillis?: number | undefined;
  /** The longest that `create`, `validate` and `recycle` may each take; 0: no limit. Default 30,000. */
  createTimeoutMillis?: number | undefined;
  /** The longest that `destroy` may take; 0: no limit. Default 5,000. */
  destroyTimeoutMillis?: number | undefined;
  /**
   * What a failed creation means for the acquire that waits for it. True: the acquire rejects with a
   * `CreateError`, unless a loan is out that could still serve it. False: it waits on, until its
   * timeout, which then has the last failure as its `cause`. Creation is tried again after 100 ms, then
   * after twice as long each time, up to 30 s. Default true.
   */
  propagateCreateError?: boolean | undefined;
  /** Lend the resource that is idle longest; false: the one returned last. Default true. */
  fifo?: boolean | undefined;
  /** Number of priorities, 0 the highest. Default 1, and with `burst` 2. */
  priorityRange?: number | undefined;
  /** Make `min` resources at once; false: on `start()` or the first acquire. Default true. */
  autostart?: boolean | undefined;
  /** Resources beyond `max` that only borrowers of priority 0 are lent. Default 0. */
  burst?: number | undefined;
  /** Destroy a resource when it is returned for the nth time; 0 (default): never. */
  maxUses?: number | undefined;
  /** Destroy a resource this long after its creation, once it is not lent; 0 (default): never. */
  maxAgeMillis?: number | undefined;
  /**
   * Destroy a resource that was idle this long; 0: never. Default 30,000 where
   * `evictionRunIntervalMillis` is set, or else never.
   */
  idleTimeoutMillis?: number | undefined;
  /** The same, but only while more than `min` are idle; 0 or -1 (default): never. */
  softIdleTimeoutMillis?: number | undefined;
  /** More reasons to destroy an idle resource, asked in order. */
  evict?: EvictPolicy<T> | readonly EvictPolicy<T>[] | undefined;
  /**
   * How often the evictor runs. Default, and what 0 stands for: half the shortest of the times
   * above, between 10 ms and 30 s (for `evict` alone 1 s); not at all when nothing can be evicted.
   */
  evictionRunIntervalMillis?: number | undefined;
  /**
   * How many idle resources a run looks at. Default 3 where `evictionRunIntervalMillis` is set, or
   * else all.
   */
  numTestsPerEvictionRun?: number | undefined;
  /** Tell by a `leak` event of a loan that lasts longer, and where it was acquired; 0 (default): off. */
  leakDetectionMillis?: number | undefined;
}

const policyOrPolicies: OptionCheck = {
  accepts: 'a function or an array of functions',
  test: (value) =>
    typeof value === 'function' ||
    (Array.isArray(value) && value.every((policy) => typeof policy === 'function')),
};

const softIdle: OptionCheck = {
  accepts: `-1 or ${millis.accepts}`,
  test: (value) => value === -1 || millis.test(value),
};

/** The checks behind `PoolOptions`, for a package that passes options on and has more of its own. */
export const poolOptionChecks: Readonly<Record<keyof PoolOptions, OptionCheck>> = {
  name: anyString,
  max: wholeNumber(0),
  min: wholeNumber(0),
  maxWaitingClients: wholeNumber(0),
  testOnBorrow: aBoolean,
  acquireTimeoutMillis: millis,
  createTimeoutMillis: millis,
  destroyTimeoutMillis: millis,
  propagateCreateError: aBoolean,
  fifo: aBoolean,
  priorityRange: wholeNumber(1, 1000),
  autostart: aBoolean,
  burst: wholeNumber(0),
  maxUses: wholeNumber(0),
  maxAgeMillis: millis,
  idleTimeoutMillis: millis,
  softIdleTimeoutMillis: softIdle,
  evict: policyOrPolicies,
  evictionRunIntervalMillis: millis,
  numTestsPerEvictionRun: wholeNumber(1),
  leakDetectionMillis: millis,
};

/** Checked options with their defaults, and the evict options as one list of policies. */
export interface Settings<T> {
  readonly name: string;
  readonly max: number;
  readonly min: number;
  readonly maxWaitingClients: number;
  readonly testOnBorrow: boolean;
  readonly acquireTimeoutMillis: number;
  readonly createTimeoutMillis: number;
  readonly destroyTimeoutMillis: number;
  readonly propagateCreateError: boolean;
  readonly fifo: boolean;
  readonly priorityRange: number;
  readonly autostart: boolean;
  readonly burst: number;
  readonly maxUses: number;
  readonly maxAgeMillis: number;
  readonly policies: readonly EvictPolicy<T>[];
  readonly evictionRunIntervalMillis: number;
  readonly numTestsPerEvictionRun: number;
  readonly leakDetectionMillis: number;
}

/** Checks `options` and fills in what is not given. Throws an `OptionError`. */
export function settingsOf<T>(options: PoolOptions<T> = {}): Settings<T> {
  checkOptions('createPool', options, poolOptionChecks);
  const { max = 1, min = 0, burst = 0, priorityRange = burst > 0 ? 2 : 1 } = options;
  if (max !== 0 && min > max) {
    throw new OptionError(`createPool: min is ${min}; accepted: a whole number up to max (${max})`);
  }
  return {
    name: options.name ?? 'pool',
    max,
    min,
    maxWaitingClients: options.maxWaitingClients ?? Number.POSITIVE_INFINITY,
    testOnBorrow: options.testOnBorrow ?? false,
    acquireTimeoutMillis: options.acquireTimeoutMillis ?? 0,
    createTimeoutMillis: options.createTimeoutMillis ?? 30_000,
    destroyTimeoutMillis: options.destroyTimeoutMillis ?? 5_000,
    propagateCreateError: options.propagateCreateError ?? true,
    fifo: options.fifo ?? true,
    priorityRange,
    autostart: options.autostart ?? true,
    burst: max === 0 ? 0 : burst, // nothing is beyond a limit that is not there
    maxUses: options.maxUses || Number.POSITIVE_INFINITY,
    maxAgeMillis: options.maxAgeMillis || Number.POSITIVE_INFINITY,
    leakDetectionMillis: options.leakDetectionMillis ?? 0,
    ...evictionOf(options),
  };
}

/**
 * Whoever sets the interval drives the evictor as with generic-pool, and gets its defaults. Who
 * does not gets just what other options ask for, in full at each run.
 */
function evictionOf<T>(options: PoolOptions<T>) {
  const driven = Boolean(options.evictionRunIntervalMillis);
  const { maxAgeMillis = 0, idleTimeoutMillis = driven ? 30_000 : 0 } = options;
  const softIdleTimeoutMillis = Math.max(options.softIdleTimeoutMillis ?? 0, 0);

  const policies: EvictPolicy<T>[] = [];
  if (softIdleTimeoutMillis > 0) {
    policies.push(
      ({ idleMillis }, pool) =>
        idleMillis > softIdleTimeoutMillis && pool.available > pool.min && 'softIdle',
    );
  }
  if (idleTimeoutMillis > 0) {
    policies.push(({ idleMillis }) => idleMillis > idleTimeoutMillis && 'idle');
  }
  if (maxAgeMillis > 0) policies.push(({ ageMillis }) => ageMillis >= maxAgeMillis && 'age');

  const limits = [softIdleTimeoutMillis, idleTimeoutMillis, maxAgeMillis].filter((it) => it > 0);
  const shortest = limits.length > 0 ? Math.min(...limits) : 2_000;
  const sensible = Math.min(Math.max(Math.ceil(shortest / 2), 10), 30_000);

  policies.push(...[options.evict ?? []].flat());
  return {
    policies,
    evictionRunIntervalMillis:
      options.evictionRunIntervalMillis || (policies.length > 0 ? sensible : 0),
    numTestsPerEvictionRun:
      options.numTestsPerEvictionRun ?? (driven ? 3 : Number.POSITIVE_INFINITY),
  };
}
