import type { InspectedResource } from './pool.js';
import type { PoolState, PoolStats } from './state.js';

/** What tools that watch pools see of one, of whichever door: counters of now, and totals where it has them. */
export interface WatchedPool {
  stats(): PoolState & Partial<PoolStats>;
  inspect?(): readonly InspectedResource<unknown>[];
}

interface Registered {
  readonly pool: WeakRef<object>;
  readonly watch: (pool: never) => WatchedPool | undefined;
}

interface LivePools {
  readonly byToken: Map<object, Registered>;
  readonly collected: FinalizationRegistry<object>;
}

/** Registered, so that both forms of the package, `import` and `require`, know all pools. */
const key = Symbol.for('wasm-pool.livePools');

function livePools(): LivePools {
  const holder = globalThis as { [key]?: LivePools };
  holder[key] ??= makeLivePools();
  return holder[key];
}

function makeLivePools(): LivePools {
  const byToken = new Map<object, Registered>();
  const collected = new FinalizationRegistry<object>((token) => byToken.delete(token));
  return { byToken, collected };
}

/**
 * Lets tools find a pool for as long as somebody else holds on to it.
 *
 * @param watch shows it to them; undefined: there is nothing to see any more
 * @returns hides it from them
 */
export function addLivePool<P extends object>(
  pool: P,
  watch: (pool: P) => WatchedPool | undefined,
): () => void {
  const { byToken, collected } = livePools();
  const token = {};
  byToken.set(token, { pool: new WeakRef(pool), watch });
  collected.register(pool, token, token);
  return () => {
    byToken.delete(token);
    collected.unregister(token);
  };
}

/** The pools that there are, in the order in which they were made. */
export function allLivePools(): WatchedPool[] {
  return Array.from(livePools().byToken.values(), ({ pool, watch }) => {
    const alive = pool.deref();
    return alive === undefined ? undefined : watch(alive as never);
  }).filter((it) => it !== undefined);
}
