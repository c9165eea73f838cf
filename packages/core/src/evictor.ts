import type { Entry } from './entry.js';
import type { DestroyReason } from './factory.js';
import type { IdleList } from './idle-list.js';
import { rethrowUncaught } from './rethrow-uncaught.js';
import type { PoolState } from './state.js';
import { Unfit } from './unfit.js';

/** An idle resource, as an evict policy sees it. */
export interface EvictCandidate<T> {
  readonly resource: T;
  /** Time since it was created. */
  readonly ageMillis: number;
  /** Time for which the evictor has seen it idle; up to one eviction interval short. */
  readonly idleMillis: number;
  /** How often it was lent. */
  readonly uses: number;
}

/**
 * Says whether an idle resource is to be destroyed: a string or `unfit('…')`, yes, for that reason;
 * `true`, yes, with the policy's function name as the reason; anything else, no. A throw counts as no, and is
 * rethrown on its own, as an uncaught exception.
 */
export type EvictPolicy<T> = (
  candidate: EvictCandidate<T>,
  pool: PoolState,
) => string | boolean | Unfit | undefined;

/** What generic-pool takes for its Evictor class: judges one idle entry. */
export class Evictor<T> {
  /** The evictor's clock, as of its last run. Coarse, and free to read. */
  nowMillis = performance.now();

  /** Why a candidate has to go; undefined: it stays. Set by who has the policies. */
  judge!: (candidate: EvictCandidate<T>) => DestroyReason | undefined;

  /** Reads the clock for a run, and notes since when what was returned since the last one is idle. */
  beginRun(idle: IdleList<T>): void {
    this.nowMillis = performance.now();
    for (let entry = idle.newest; entry?.idleSinceMillis === -1; entry = entry.older) {
      entry.idleSinceMillis = this.nowMillis;
    }
  }

  /** Called by generic-pool for one entry of the idle list; true: it destroys it. */
  evict(_config: unknown, entry: Entry<T>): boolean {
    const reason = this.judge({
      resource: entry.resource,
      ageMillis: this.nowMillis - entry.createdMillis,
      idleMillis: entry.idleSinceMillis < 0 ? 0 : this.nowMillis - entry.idleSinceMillis,
      uses: entry.loans,
    });
    // A policy may itself have borrowed the entry, or closed the pool.
    if (reason === undefined || entry.state !== 'idle') return false;
    entry.evictReason = reason;
    return true;
  }
}

/** The first reason that one of the policies gives. */
export function firstReason<T>(
  policies: readonly EvictPolicy<T>[],
  candidate: EvictCandidate<T>,
  pool: PoolState,
): DestroyReason | undefined {
  for (const policy of policies) {
    try {
      const answer = policy(candidate, pool);
      if (answer === true) return policy.name || 'policy';
      if (typeof answer === 'string') return answer;
      if (answer instanceof Unfit) return answer.reason;
    } catch (error) {
      rethrowUncaught(error);
    }
  }
  return undefined;
}
