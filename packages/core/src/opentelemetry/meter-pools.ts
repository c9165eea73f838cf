import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api';
import {
  type CreateMessage,
  channels,
  type DestroyMessage,
  type ReleaseMessage,
  type WaitMessage,
} from '../channels.js';
import { allLivePools, type WatchedPool } from '../live-pools.js';

// Semantic conventions of OpenTelemetry, "Database client metrics: connection pools": names, units,
// attributes and kinds of instruments. A pool here is none of a database, so that the prefix is our own.

/** From a tenth of a millisecond, for WebAssembly calls take no longer, to ten seconds. */
const SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Figures added up over the pools of one name. */
interface Sums {
  idle: number;
  used: number;
  pending: number;
  /** Infinity where one of the pools has no limit. */
  max: number;
  min: number;
  memoryBytes: number | undefined;
}

/** The attributes of what is measured of a pool. */
export function attributes(pool: string): Attributes {
  return { 'wasm_pool.name': pool };
}

/** Has a meter measure all pools. Returns what ends that. */
export function meterPools(meter: Meter): () => void {
  const histogram = (name: string, description: string) =>
    meter.createHistogram(`wasm_pool.resource.${name}`, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: SECONDS },
    });
  const observed = (name: string, unit: string, description: string) =>
    meter.createObservableUpDownCounter(`wasm_pool.${name}`, { unit, description });

  const count = observed('resource.count', '{resource}', 'Resources by state: idle or used.');
  const idleMax = observed(
    'resource.idle.max',
    '{resource}',
    'The most resources that may be idle.',
  );
  const idleMin = observed(
    'resource.idle.min',
    '{resource}',
    'Resources that are kept at all times.',
  );
  const max = observed('resource.max', '{resource}', 'The most resources at once.');
  const pending = observed('resource.pending_requests', '{request}', 'Acquires that wait.');
  const memory = observed('memory.usage', 'By', 'Memory of all resources of the pool.');
  const restores = meter.createObservableCounter('wasm_pool.resource.restores', {
    unit: '{restore}',
    description: 'Resources that were put back to their first state between two loans.',
  });
  const timeouts = meter.createCounter('wasm_pool.resource.timeouts', {
    unit: '{timeout}',
    description: 'Acquires that timed out.',
  });
  const failures = meter.createCounter('wasm_pool.acquire.failures', {
    unit: '{acquire}',
    description: 'Acquires that got no resource, by error.type.',
  });
  const createErrors = meter.createCounter('wasm_pool.resource.create_errors', {
    unit: '{error}',
    description: 'Creations that failed.',
  });
  const destroyed = meter.createCounter('wasm_pool.resource.destroyed', {
    unit: '{resource}',
    description: 'Resources that were destroyed, by reason.',
  });
  const createTime = histogram('create_time', 'How long it took to create a resource.');
  const waitTime = histogram('wait_time', 'How long acquires waited that were not served at once.');
  const useTime = histogram('use_time', 'How long resources were on loan.');

  const restored = new Restores();
  const seen = new Map<string, Sums>();
  const observables = [count, idleMax, idleMin, max, pending, memory, restores];
  const observe = (result: BatchObservableResult) => {
    const pools = allLivePools();
    const byName = sumsByName(pools);
    // An SDK goes on with the last values of what is not observed any more: those of a closed pool are 0.
    for (const [name, { max: limit, memoryBytes }] of seen) {
      if (byName.has(name)) continue;
      const none = { idle: 0, used: 0, pending: 0, min: 0 };
      byName.set(name, {
        ...none,
        max: Number.isFinite(limit) ? 0 : limit,
        memoryBytes: memoryBytes && 0,
      });
    }
    for (const [name, sums] of byName) {
      seen.set(name, sums);
      const of = attributes(name);
      result.observe(count, sums.idle, { ...of, 'wasm_pool.resource.state': 'idle' });
      result.observe(count, sums.used, { ...of, 'wasm_pool.resource.state': 'used' });
      result.observe(pending, sums.pending, of);
      result.observe(idleMin, sums.min, of);
      if (Number.isFinite(sums.max)) {
        result.observe(max, sums.max, of);
        result.observe(idleMax, sums.max, of);
      }
      if (sums.memoryBytes !== undefined) result.observe(memory, sums.memoryBytes, of);
    }
    for (const [name, total] of restored.add(pools)) {
      result.observe(restores, total, attributes(name));
    }
  };
  meter.addBatchObservableCallback(observe, observables);

  const onWait = ({ pool, millis, outcome }: WaitMessage) => {
    const of = attributes(pool);
    if (millis > 0) waitTime.record(millis / 1000, of);
    if (outcome === 'timeout') timeouts.add(1, of);
    if (outcome !== 'served') failures.add(1, { ...of, 'error.type': outcome });
  };
  const onRelease = ({ pool, millis }: ReleaseMessage) => {
    useTime.record(millis / 1000, attributes(pool));
  };
  const onCreate = ({ pool, millis, error }: CreateMessage) => {
    if (error === undefined) createTime.record(millis / 1000, attributes(pool));
    else createErrors.add(1, attributes(pool));
  };
  const onDestroy = ({ pool, reason }: DestroyMessage) => {
    destroyed.add(1, { ...attributes(pool), 'wasm_pool.destroy.reason': reason });
  };
  channels.wait.subscribe(onWait);
  channels.release.subscribe(onRelease);
  channels.create.subscribe(onCreate);
  channels.destroy.subscribe(onDestroy);
  return () => {
    channels.wait.unsubscribe(onWait);
    channels.release.unsubscribe(onRelease);
    channels.create.unsubscribe(onCreate);
    channels.destroy.unsubscribe(onDestroy);
    meter.removeBatchObservableCallback(observe, observables);
  };
}

function sumsByName(pools: readonly WatchedPool[]): Map<string, Sums> {
  const byName = new Map<string, Sums>();
  for (const pool of pools) {
    const stats = pool.stats();
    const none = { idle: 0, used: 0, pending: 0, max: 0, min: 0, memoryBytes: undefined };
    const sums: Sums = byName.get(stats.name) ?? none;
    sums.idle += stats.available;
    sums.used += stats.borrowed;
    sums.pending += stats.pending;
    sums.max += stats.max || Number.POSITIVE_INFINITY;
    sums.min += stats.min;
    const { memoryBytes } = stats;
    if (memoryBytes !== undefined) sums.memoryBytes = (sums.memoryBytes ?? 0) + memoryBytes;
    byName.set(stats.name, sums);
  }
  return byName;
}

/** Adds up what packages that build on core count: it must not fall when one pool of a name is closed. */
class Restores {
  readonly #seen = new WeakMap<WatchedPool, number>();
  readonly #totals = new Map<string, number>();

  add(pools: readonly WatchedPool[]): ReadonlyMap<string, number> {
    for (const pool of pools) {
      const { name, restores } = pool.stats() as { name: string; restores?: number };
      if (restores === undefined) continue;
      const more = restores - (this.#seen.get(pool) ?? 0);
      this.#seen.set(pool, restores);
      this.#totals.set(name, (this.#totals.get(name) ?? 0) + more);
    }
    return this.#totals;
  }
}
