import { createPool } from '@wasm-pool/core';
import { createPool as createDropIn } from '@wasm-pool/core/generic-pool';
import { instrumentPools } from '@wasm-pool/core/opentelemetry';
import { createWasmPool, createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import { sampleOf } from '../helpers/prometheus.js';
import { wat } from '../helpers/wat.js';
import { openEndpoint } from './scrape.js';

const anything = { create: async () => ({}), destroy: async () => {} };
const memory = wat(`(module (memory (export "memory") 2)
  (func (export "fail") unreachable) (func (export "run")))`);

interface Exports {
  fail(): void;
  run(): void;
}

test('the nine metrics of the conventions have their kinds and units, and follow a pool', async () => {
  await using pool = createPool(anything, { name: 'nine', max: 2, min: 1, maxWaitingClients: 1 });
  await pool.ready(2); // made before anybody asks
  await using endpoint = await openEndpoint();
  const [one, two] = [await pool.acquire(), await pool.acquire()];
  const waiting = pool.acquire();
  await failure(pool.acquire());
  const busy = await endpoint.scrape();
  const of = { wasm_pool_name: 'nine' };
  const value = (name: string, labels = {}) =>
    sampleOf(busy, `wasm_pool_${name}`, { ...of, ...labels });
  expect(value('resource_count', { wasm_pool_resource_state: 'used' })).toBe(2);
  expect(value('resource_count', { wasm_pool_resource_state: 'idle' })).toBe(0);
  expect(value('resource_max')).toBe(2);
  expect(value('resource_idle_max')).toBe(2);
  expect(value('resource_idle_min')).toBe(1);
  expect(value('resource_pending_requests')).toBe(1);
  expect(value('acquire_failures_total', { error_type: 'ERR_POOL_QUEUE_FULL' })).toBe(1);

  await pool.release(one);
  await pool.release(await waiting);
  const other = await pool.acquire();
  await failure(pool.acquire({ timeoutMillis: 1 }));
  await pool.destroy(other);
  await pool.release(two);
  const after = await endpoint.scrape();
  const count = (name: string, labels = {}) =>
    sampleOf(after, `wasm_pool_${name}`, { ...of, ...labels });
  expect(count('resource_timeouts_total')).toBe(1);
  expect(count('acquire_failures_total', { error_type: 'timeout' })).toBe(1);
  expect(count('resource_wait_time_count')).toBe(2); // the served one, and the late one
  expect(count('resource_wait_time_sum')).toBeGreaterThan(0.0009);
  expect(count('resource_use_time_count')).toBe(4);
  expect(count('resource_destroyed_total', { wasm_pool_destroy_reason: 'borrower' })).toBe(1);

  const kinds = Object.fromEntries(
    Array.from(after, ([name, { type }]) => [name.replace('wasm_pool_', ''), type]),
  );
  expect(kinds).toMatchObject({
    resource_count: 'gauge',
    resource_idle_max: 'gauge',
    resource_idle_min: 'gauge',
    resource_max: 'gauge',
    resource_pending_requests: 'gauge',
    resource_timeouts_total: 'counter',
    resource_wait_time: 'histogram',
    resource_use_time: 'histogram',
  });
});

test('creations are timed, failed ones counted', async () => {
  await using endpoint = await openEndpoint();
  let works = true;
  const create = async () => {
    if (!works) throw new Error('no');
    return {};
  };
  await using pool = createPool({ create, destroy() {} }, { name: 'made', max: 2 });
  await pool.ready(1);
  works = false;
  await failure(pool.ready(2));
  const families = await endpoint.scrape();
  const of = { wasm_pool_name: 'made' };
  expect(sampleOf(families, 'wasm_pool_resource_create_time_count', of)).toBe(1);
  expect(sampleOf(families, 'wasm_pool_resource_create_errors_total', of)).toBe(1);
});

test('pools of the drop-in door are seen as well', async () => {
  await using endpoint = await openEndpoint();
  const pool = createDropIn(anything, { name: 'drop-in', max: 1, acquireTimeoutMillis: 1 });
  const resource = await pool.acquire();
  await failure(pool.acquire());
  const of = { wasm_pool_name: 'drop-in' };
  const used = { ...of, wasm_pool_resource_state: 'used' };
  const busy = await endpoint.scrape();
  expect(sampleOf(busy, 'wasm_pool_resource_count', used)).toBe(1);
  expect(sampleOf(busy, 'wasm_pool_resource_create_time_count', of)).toBe(1);
  expect(sampleOf(busy, 'wasm_pool_resource_timeouts_total', of)).toBe(1);
  await pool.release(resource);
  await pool.drain();
  await pool.clear();
  const after = await endpoint.scrape();
  expect(sampleOf(after, 'wasm_pool_resource_use_time_count', of)).toBe(1);
  const cleared = { ...of, wasm_pool_destroy_reason: 'clear' };
  expect(sampleOf(after, 'wasm_pool_resource_destroyed_total', cleared)).toBe(1);
  expect(sampleOf(after, 'wasm_pool_resource_count', used)).toBe(0);
});

test('pools of WebAssembly have their memory, restores and traps beside', async () => {
  await using endpoint = await openEndpoint();
  const options = { name: 'wasm', max: 1, reset: 'restore' } as const;
  await using pool = await createWasmPool<Exports>(memory, options);
  await pool.use(({ exports }) => exports.run());
  await failure(pool.use(({ exports }) => exports.fail()));
  await using threads = await createWasmWorkerPool<Exports>(memory, { name: 'threads', max: 1 });
  await failure(threads.run.fail() as unknown as Promise<void>);
  await expect.poll(() => threads.stats().destroyed).toBe(1);
  await threads.ready(1);
  const families = await endpoint.scrape();
  const value = (name: string, labels: Record<string, string>) =>
    sampleOf(families, `wasm_pool_${name}`, labels);
  expect(value('memory_usage', { wasm_pool_name: 'wasm' })).toBe(2 ** 17);
  expect(value('resource_restores_total', { wasm_pool_name: 'wasm' })).toBe(2);
  expect(value('memory_usage', { wasm_pool_name: 'threads' })).toBe(2 ** 17);
  const trapped = { wasm_pool_name: 'threads', wasm_pool_destroy_reason: 'trap' };
  expect(value('resource_destroyed_total', trapped)).toBe(1);
});

test('pools of one name count together, and what has been counted stays when one is closed', async () => {
  await using endpoint = await openEndpoint();
  const options = { name: 'tenant', max: 2, reset: 'restore' } as const;
  const first = await createWasmPool<Exports>(memory, options);
  await using second = await createWasmPool<Exports>(memory, options);
  for (const pool of [first, first, second]) await pool.use(({ exports }) => exports.run());
  const of = { wasm_pool_name: 'tenant' };
  const both = await endpoint.scrape();
  expect(sampleOf(both, 'wasm_pool_resource_max', of)).toBe(4);
  expect(sampleOf(both, 'wasm_pool_memory_usage', of)).toBe(2 ** 18);
  expect(sampleOf(both, 'wasm_pool_resource_restores_total', of)).toBe(3);
  await first.close();
  const one = await endpoint.scrape();
  expect(sampleOf(one, 'wasm_pool_resource_max', of)).toBe(2);
  expect(sampleOf(one, 'wasm_pool_resource_restores_total', of)).toBe(3);
});

test('a pool without a limit has none to show', async () => {
  await using endpoint = await openEndpoint();
  await using pool = createPool(anything, { name: 'unlimited', max: 0 });
  const families = await endpoint.scrape();
  const of = { wasm_pool_name: 'unlimited' };
  expect(sampleOf(families, 'wasm_pool_resource_pending_requests', of)).toBe(0);
  expect(sampleOf(families, 'wasm_pool_resource_max', of)).toBeUndefined();
  expect(pool.max).toBe(0);
});

test('a pool that was closed is shown as empty, with a limit where it had one', async () => {
  await using endpoint = await openEndpoint();
  const limited = await createWasmPool<Exports>(memory, { name: 'closed', max: 2, min: 1 });
  const unlimited = createPool(anything, { name: 'closed, unlimited', max: 0 });
  const value = async (metric: string, wasm_pool_name: string) =>
    sampleOf(await endpoint.scrape(), `wasm_pool_${metric}`, { wasm_pool_name });
  expect(await value('resource_max', 'closed')).toBe(2);
  expect(await value('memory_usage', 'closed')).toBe(2 * 65_536);
  await Promise.all([limited.close(), unlimited.close()]);
  expect(await value('resource_max', 'closed')).toBe(0);
  expect(await value('memory_usage', 'closed')).toBe(0);
  expect(await value('resource_max', 'closed, unlimited')).toBeUndefined();
  expect(await value('memory_usage', 'closed, unlimited')).toBeUndefined();
  expect(await value('resource_pending_requests', 'closed, unlimited')).toBe(0);
});

test('a pool that nobody has any more is not kept, and shown as empty', async () => {
  await using endpoint = await openEndpoint();
  const of = { wasm_pool_name: 'forgotten' };
  createPool(anything, { name: 'forgotten', max: 3 });
  expect(sampleOf(await endpoint.scrape(), 'wasm_pool_resource_max', of)).toBe(3);
  await expect
    .poll(async () => {
      globalThis.gc?.();
      return sampleOf(await endpoint.scrape(), 'wasm_pool_resource_max', of);
    })
    .toBe(0);
});

test('what is no provider is refused', () => {
  expect(() => instrumentPools({ meterProvider: {} as never })).toThrow(
    'instrumentPools: meterProvider is an object ([object Object]); accepted: an object with getMeter()',
  );
});
