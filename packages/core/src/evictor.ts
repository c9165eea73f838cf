import type { Entry } from './entry.js';
import type { DestroyReason } from './factory.js';
import { isThenable, refusePromise } from './factory-call.js';
import type { IdleList } from './idle-list.js';
import { rethrowUncaught } from './rethrow-uncaught.js';
import { millisSince } from './runtime.js';
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
 * Says whether an idle resource is to be destroyed: a string that is not empty or `unfit('…')`, yes, for
 * that reason; `true`, yes, with the policy's function name as the reason; anything else, no. A throw counts as no, and is
 * rethrown on its own, as an uncaught exception.
 */
export type EvictPolicy<T> = (
  candidate: EvictCandidate<T>,
  pool: PoolState,
) => string | boolean | Unfit | undefined;

/** What generic-pool takes for its Evictor class: judges one idle entry. */
export class Evictor<T> {
  /** The evictor's clock, as of its last run. Coarse, and free to read. */
  nowMillis = Date.now();

  /** Why a candidate has to go; undefined: it stays. Set by the pool, which has the policies. */
  judge!: (candidate: EvictCandidate<T>, entry: Entry<T>) => DestroyReason | undefined;

  /** Reads the clock for a run, and notes it as the start of idling for the entries returned since the last. */
  beginRun(idle: IdleList<T>): void {
    this.nowMillis = Date.now();
    for (let entry = idle.newest; entry?.idleSinceMillis === -1; entry = entry.older) {
      entry.idleSinceMillis = this.nowMillis;
    }
  }

  /** Called by generic-pool for one entry of the idle list; true: it destroys it. */
  evict(_config: unknown, entry: Entry<T>): boolean {
    const reason = this.judge(
      {
        resource: entry.resource,
        ageMillis: millisSince(entry.createdMillis, this.nowMillis),
        idleMillis:
          entry.idleSinceMillis < 0 ? 0 : millisSince(entry.idleSinceMillis, this.nowMillis),
        uses: entry.loans,
      },
      entry,
    );
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
      // Its type says that it is synchronous; an async one would be taken for «no», silently.
      const answer: unknown = policy(candidate, pool);
      if (isThenable(answer)) throw refusePromise(`evict policy ${policy.name}`, answer);
      if (answer === true) return policy.name || 'policy';
      if (typeof answer === 'string' && answer !== '') return answer;
      if (answer instanceof Unfit) return answer.reason;
    } catch (error) {
      rethrowUncaught(error);
    }
  }
  return undefined;
}
