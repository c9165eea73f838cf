import { checkOptions, wholeNumber } from '../check-options.js';
import { allLivePools, type WatchedPool } from '../live-pools.js';

/** How pools are judged. */
export interface HealthOptions {
  /** From so many failed creations in a row on a pool is unhealthy. Default 3. */
  failures?: number | undefined;
}

/** What an orchestrator asks a service for. Plain data: it can be an answer's JSON. */
export interface PoolsHealth {
  /** Requests may come: each pool has its `min`, and none is draining or closed. */
  readonly ready: boolean;
  /** There is nothing that a restart might mend: creation does not keep failing. */
  readonly healthy: boolean;
  /** Why not, a sentence for each pool and reason. */
  readonly problems: readonly string[];
}

/**
 * Whether pools are ready and healthy. It starts nothing and waits for nothing: a probe may ask as often
 * as it likes. A pool without idle resources is ready, for it may only be busy. Throws an `OptionError`.
 *
 * @param pools default: all pools of the process
 */
export function healthOf(
  pools: readonly WatchedPool[] = allLivePools(),
  options: HealthOptions = {},
): PoolsHealth {
  checkOptions('healthOf', options, { failures: wholeNumber(1) });
  const { failures = 3 } = options;
  const notReady: string[] = [];
  const unhealthy: string[] = [];
  for (const pool of pools) {
    const { name, size, creating, min, draining, createErrorsInARow = 0 } = pool.stats();
    const there = size - creating;
    if (draining) notReady.push(`${name}: it is draining or closed`);
    else if (there < min) notReady.push(`${name}: ${there} of ${min} resources are there`);
    if (createErrorsInARow >= failures) {
      unhealthy.push(`${name}: creation failed ${createErrorsInARow} times in a row`);
    }
  }
  return {
    ready: notReady.length === 0,
    healthy: unhealthy.length === 0,
    problems: [...unhealthy, ...notReady],
  };
}
