import type { WatchedPool } from '../live-pools.js';
import type { InspectedResource } from '../pool.js';
import type { PoolState, PoolStats } from '../state.js';
import type { Sample } from './history.js';

/** What a page is sent: once with all samples, and then with the last one each time. */
export interface Update {
  readonly intervalMillis: number;
  readonly historyLength: number;
  readonly pools: readonly PoolView[];
}

/** A pool, as a page shows it. */
export interface PoolView {
  /** Tells pools of one name apart. */
  readonly id: number;
  readonly stats: PoolState & Partial<PoolStats>;
  readonly samples: readonly Sample[];
  readonly resources: readonly ResourceView[];
  /** Resources that are left out of the list. */
  readonly more: number;
}

/** A resource, as a page shows it: without the resource. */
export interface ResourceView extends Omit<InspectedResource<unknown>, 'resource'> {
  readonly name: string | undefined;
}

/** A list of thousands is no use to anybody. */
const MOST_RESOURCES = 100;

const ids = new WeakMap<WatchedPool, number>();
let lastId = 0;

/** What a page is sent of a pool. Lent resources come first, those that were lent longest ago. */
export function viewOf(pool: WatchedPool, samples: readonly Sample[]): PoolView {
  const id = ids.get(pool) ?? ++lastId;
  ids.set(pool, id);
  const all = pool.inspect?.() ?? [];
  const sorted = [...all].sort((one, other) => rank(other) - rank(one));
  const resources = sorted.slice(0, MOST_RESOURCES).map(({ resource, ...rest }) => ({
    ...rest,
    name: nameOf(resource),
  }));
  return { id, stats: pool.stats(), samples, resources, more: all.length - resources.length };
}

function rank({ state, borrowedMillis = 0 }: InspectedResource<unknown>): number {
  return state === 'borrowed' ? 1 + borrowedMillis : 0;
}

/** Instances have a name; what others have under it may be anything, and may throw. */
function nameOf(resource: unknown): string | undefined {
  try {
    const { name } = Object(resource) as { name?: unknown };
    return typeof name === 'string' ? name.slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
}
