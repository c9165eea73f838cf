import {
  aBoolean,
  anyString,
  checkOptions,
  limit,
  millis,
  millisOrInfinity,
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
  /** The most resources at once; 0 or Infinity: no limit. Default 1. `resize` changes it. */
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
  /**
   * Lend the resource that is idle longest; false: the one returned last, so that the others can go by
   * `idleTimeoutMillis`. Default false, unlike in generic-pool.
   */
  fifo?: boolean | undefined;
  /** Number of priorities, 0 the highest. Default 1, and with `burst` 2. */
  priorityRange?: number | undefined;
  /** Make `min` resources at once; false: on `start()` or the first acquire. Default true. */
  autostart?: boolean | undefined;
  /** Resources beyond `max` that only borrowers of priority 0 are lent. Default 0. */
  burst?: number | undefined;
  /** Destroy a resource when it is returned for the nth time; 0 (default): never. */
  maxUses?: number | undefined;
  /**
   * Destroy a resource this long after its creation, once it is not lent; 0 (default): never. It is
   * looked at when lending as well. Those that `min` wants replaced go a quarter at a time, and where `max` has
   * room their successors are made first.
   */
  maxAgeMillis?: number | undefined;
  /** By which part of `maxAgeMillis`, from 0 (default) to 1, each resource may go earlier, at random. */
  maxAgeJitter?: number | undefined;
  /**
   * Whether `max` counts a resource until its `destroy` is over, and a creation that took too long until
   * it is over (at most ten times `createTimeoutMillis`). False: their slots are free at once. Default true.
   */
  countDestroying?: boolean | undefined;
  /** Ask `validate` about idle resources at each run of the evictor, a quarter of them. Default false. */
  testWhileIdle?: boolean | undefined;
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
   * How often the evictor runs. Default, and what 0 stands for: half the shortest of the idle times
   * above or a twentieth of `maxAgeMillis`, between 10 ms and 30 s (for `evict` alone 1 s, for
   * `testWhileIdle` alone 30 s); not at all when nothing can be evicted.
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
  accepts: `-1 or ${millisOrInfinity.accepts}`,
  test: (value) => value === -1 || millisOrInfinity.test(value),
};

const fraction: OptionCheck = {
  accepts: 'a number from 0 to 1',
  test: (value) => typeof value === 'number' && value >= 0 && value <= 1,
};

/** The checks behind `PoolOptions`, for a package that passes options on and has more of its own. */
export const poolOptionChecks: Readonly<Record<keyof PoolOptions, OptionCheck>> = {
  name: anyString,
  max: limit(0),
  min: wholeNumber(0),
  maxWaitingClients: limit(0),
  testOnBorrow: aBoolean,
  acquireTimeoutMillis: millisOrInfinity,
  createTimeoutMillis: millisOrInfinity,
  destroyTimeoutMillis: millisOrInfinity,
  propagateCreateError: aBoolean,
  fifo: aBoolean,
  priorityRange: wholeNumber(1, 1000),
  autostart: aBoolean,
  burst: wholeNumber(0),
  maxUses: limit(0),
  maxAgeMillis: millisOrInfinity,
  maxAgeJitter: fraction,
  countDestroying: aBoolean,
  testWhileIdle: aBoolean,
  idleTimeoutMillis: millisOrInfinity,
  softIdleTimeoutMillis: softIdle,
  evict: policyOrPolicies,
  evictionRunIntervalMillis: millis,
  numTestsPerEvictionRun: limit(1),
  leakDetectionMillis: millisOrInfinity,
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
  readonly maxAgeJitter: number;
  readonly countDestroying: boolean;
  readonly testWhileIdle: boolean;
  readonly policies: readonly EvictPolicy<T>[];
  readonly evictionRunIntervalMillis: number;
  readonly numTestsPerEvictionRun: number;
  readonly leakDetectionMillis: number;
}

/** Checks `options` and fills in what is not given. Throws an `OptionError`. */
export function settingsOf<T>(options: PoolOptions<T> = {}): Settings<T> {
  checkOptions('createPool', options, poolOptionChecks);
  const { min = 0, burst = 0, priorityRange = burst > 0 ? 2 : 1 } = options;
  const max = finite(options.max ?? 1);
  if (max !== 0 && min > max) {
    throw new OptionError(`createPool: min is ${min}; accepted: a whole number up to max (${max})`);
  }
  return {
    name: options.name ?? 'pool',
    max,
    min,
    maxWaitingClients: options.maxWaitingClients ?? Number.POSITIVE_INFINITY,
    testOnBorrow: options.testOnBorrow ?? false,
    acquireTimeoutMillis: finite(options.acquireTimeoutMillis ?? 0),
    createTimeoutMillis: finite(options.createTimeoutMillis ?? 30_000),
    destroyTimeoutMillis: finite(options.destroyTimeoutMillis ?? 5_000),
    propagateCreateError: options.propagateCreateError ?? true,
    fifo: options.fifo ?? false,
    priorityRange,
    autostart: options.autostart ?? true,
    burst: max === 0 ? 0 : burst, // nothing is beyond a limit that is not there
    maxUses: options.maxUses || Number.POSITIVE_INFINITY,
    maxAgeMillis: options.maxAgeMillis || Number.POSITIVE_INFINITY,
    maxAgeJitter: options.maxAgeJitter ?? 0,
    countDestroying: options.countDestroying ?? true,
    testWhileIdle: options.testWhileIdle ?? false,
    leakDetectionMillis: finite(options.leakDetectionMillis ?? 0),
    ...evictionOf(options),
  };
}

/** A limit as it is kept: 0 where there is none. */
function finite(limitOrInfinity: number): number {
  return limitOrInfinity === Number.POSITIVE_INFINITY ? 0 : limitOrInfinity;
}

/**
 * With an interval, the evictor runs as in generic-pool, with its defaults. Without one, it does what
 * other options ask for, in full at each run.
 */
function evictionOf<T>(options: PoolOptions<T>) {
  const driven = Boolean(options.evictionRunIntervalMillis);
  const maxAgeMillis = finite(options.maxAgeMillis ?? 0);
  const idleTimeoutMillis = finite(options.idleTimeoutMillis ?? (driven ? 30_000 : 0));
  const softIdleTimeoutMillis = Math.max(finite(options.softIdleTimeoutMillis ?? 0), 0);

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

  const halves = [softIdleTimeoutMillis, idleTimeoutMillis].map((it) => it / 2);
  const times = [...halves, maxAgeMillis / 20].filter((it) => it > 0);
  const shortest = times.length > 0 ? Math.min(...times) : options.testWhileIdle ? 30_000 : 1_000;
  const sensible = Math.min(Math.max(Math.ceil(shortest), 10), 30_000);

  policies.push(...[options.evict ?? []].flat());
  const evicts = policies.length > 0 || maxAgeMillis > 0 || options.testWhileIdle === true;
  return {
    policies,
    evictionRunIntervalMillis: options.evictionRunIntervalMillis || (evicts ? sensible : 0),
    numTestsPerEvictionRun:
      options.numTestsPerEvictionRun ?? (driven ? 3 : Number.POSITIVE_INFINITY),
  };
}
