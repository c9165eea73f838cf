import type { WatchedPool } from '../live-pools.js';

/** What the charts show of one look at a pool. */
export interface Sample {
  readonly atMillis: number;
  readonly borrowed: number;
  readonly available: number;
  readonly pending: number;
  /** Waits that ended since the look before, and how long they were together. */
  readonly waits: number;
  readonly waitMillis: number;
  readonly memoryBytes: number | undefined;
}

interface PoolHistory {
  readonly samples: Sample[];
  waits: number;
  waitMillis: number;
}

/** The last looks at each pool. It keeps no pool from being collected. */
export class History {
  readonly #length: number;
  readonly #pools = new WeakMap<WatchedPool, PoolHistory>();

  constructor(length: number) {
    this.#length = length;
  }

  /** Notes how pools are now. */
  look(pools: readonly WatchedPool[]): void {
    for (const pool of pools) {
      const { borrowed, available, pending, waits, memoryBytes } = pool.stats();
      const { count = 0, totalMillis = 0 } = waits ?? {};
      const known = this.#pools.get(pool);
      const before = known ?? { samples: [], waits: count, waitMillis: totalMillis };
      if (known === undefined) this.#pools.set(pool, before);
      before.samples.push({
        atMillis: Date.now(),
        borrowed,
        available,
        pending,
        waits: count - before.waits,
        waitMillis: totalMillis - before.waitMillis,
        memoryBytes,
      });
      if (before.samples.length > this.#length) before.samples.shift();
      Object.assign(before, { waits: count, waitMillis: totalMillis });
    }
  }

  /** All looks at a pool, or the last one alone. */
  of(pool: WatchedPool, all: boolean): readonly Sample[] {
    const { samples = [] } = this.#pools.get(pool) ?? {};
    return all ? samples : samples.slice(-1);
  }
}
