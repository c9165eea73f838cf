// Each row of the table "Beside other pools" in docs/operations.md: what is said of ours.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { createPool } from '@wasm-pool/core';
import { createInspector } from '@wasm-pool/core/inspector';
import { instrumentPools } from '@wasm-pool/core/opentelemetry';
import { healthOf } from '@wasm-pool/core/service';
import { createWasmPool, createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { expect, onTestFinished, test } from 'vitest';
import { failure } from './helpers/failure.js';
import { sampleOf } from './helpers/prometheus.js';
import { rowsOf } from './helpers/tables.js';
import { wat } from './helpers/wat.js';
import { webServer } from './helpers/web-server.js';
import { openEndpoint } from './opentelemetry/scrape.js';

const page = new URL('../docs/operations.md', import.meta.url);
const rows = rowsOf(page, 'Beside other pools').map((row) => row['what is seen'] ?? '');

const factory = { create: async () => ({}), destroy: async () => {} };
const sleep = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis));

/** A pool of one resource, which is on loan; another acquire waits. */
async function busyPool(name: string) {
  const pool = createPool(factory, { name, max: 1, maxWaitingClients: 1, leakDetectionMillis: 5 });
  await pool.ready(1);
  const held = await pool.acquire();
  return { pool, held, waiting: pool.acquire() };
}

const shown: Readonly<Record<string, () => Promise<void>>> = {
  async 'how many are lent, idle, waited for'() {
    const { pool, held } = await busyPool('seen');
    expect(pool.stats()).toMatchObject({ borrowed: 1, available: 0, pending: 1, size: 1 });
    await pool.release(held);
  },
  async 'how many waited, and for how long'() {
    const { pool, held, waiting } = await busyPool('seen');
    await sleep(20);
    await pool.release(held);
    await waiting;
    const { count, totalMillis, longestMillis } = pool.stats().waits;
    expect(count).toBe(1);
    expect(totalMillis).toBeGreaterThan(10);
    expect(longestMillis).toBe(totalMillis);
  },
  async 'timeouts, aborted and refused acquires'() {
    const pool = createPool(factory, { max: 1, maxWaitingClients: 1 });
    await pool.acquire();
    await failure(pool.acquire({ timeoutMillis: 1 }));
    const controller = new AbortController();
    const aborted = failure(pool.acquire({ signal: controller.signal }));
    await failure(pool.acquire());
    controller.abort();
    await aborted;
    expect(pool.stats()).toMatchObject({ timeouts: 1, aborted: 1, refused: 1 });
  },
  async 'time on loan'() {
    await using endpoint = await openEndpoint();
    const pool = createPool(factory, { name: 'seen use' });
    await pool.use(() => sleep(20));
    expect(pool.stats().loans.count).toBe(1);
    expect(pool.stats().loans.totalMillis).toBeGreaterThan(10);
    const of = { wasm_pool_name: 'seen use' };
    const families = await endpoint.scrape();
    expect(sampleOf(families, 'wasm_pool_resource_use_time_sum', of)).toBeGreaterThan(0.01);
  },
  async 'time to create'() {
    await using endpoint = await openEndpoint();
    const create = async () => {
      await sleep(20);
      return {};
    };
    const pool = createPool({ create, destroy() {} }, { name: 'seen create' });
    await pool.ready(1);
    expect(pool.stats().creations.longestMillis).toBeGreaterThan(10);
    const of = { wasm_pool_name: 'seen create' };
    const families = await endpoint.scrape();
    expect(sampleOf(families, 'wasm_pool_resource_create_time_sum', of)).toBeGreaterThan(0.01);
  },
  async 'how busy threads are, how long calls take'() {
    const bytes = wat('(module (func (export "add") (result i32) (i32.const 3)))');
    await using pool = await createWasmWorkerPool<{ add(): Promise<number> }>(bytes, { max: 1 });
    await pool.run.add();
    const { runs, utilization } = pool.stats();
    expect(runs.count).toBe(1);
    expect(utilization).toBeGreaterThan(0);
    expect(utilization).toBeLessThanOrEqual(1);
  },
  async 'why resources were destroyed'() {
    const pool = createPool(factory, { maxUses: 1 });
    await pool.use(() => {});
    await failure(pool.use(() => Promise.reject(new Error('mine'))));
    expect(pool.stats().destroyedBy).toEqual({ uses: 1, threw: 1 });
  },
  async 'how much memory they take'() {
    await using pool = await createWasmPool(wat('(module (memory 3))'), { max: 2, min: 2 });
    expect(pool.stats().memoryBytes).toBe(2 * 3 * 2 ** 16);
  },
  async 'each resource, and where it was lent'() {
    const { pool } = await busyPool('seen');
    expect(pool.inspect()).toMatchObject([
      { state: 'borrowed', uses: 1, acquiredAt: expect.stringContaining('seen.test.ts') },
    ]);
    expect(pool.inspect()[0]?.borrowedMillis).toBeGreaterThanOrEqual(0);
  },
  async 'loans that are not returned'() {
    const { pool } = await busyPool('seen');
    const leak = await new Promise((resolve) => pool.on('leak', (_, it) => resolve(it)));
    const acquiredAt = expect.stringContaining('seen.test.ts');
    expect(leak).toMatchObject({ kind: 'held', acquiredAt });
    expect(pool.stats().leaks).toBe(1);
  },
  async 'events, for those who subscribe'() {
    const heard: string[] = [];
    for (const name of ['wait', 'release', 'create', 'destroy']) {
      const listener = () => heard.push(name);
      subscribe(`wasm-pool:${name}`, listener);
      onTestFinished(() => void unsubscribe(`wasm-pool:${name}`, listener));
    }
    const pool = createPool(factory);
    await pool.use(() => {});
    await pool.close();
    expect(heard).toEqual(['create', 'wait', 'release', 'destroy']);
  },
  async 'metrics for OpenTelemetry'() {
    await using endpoint = await openEndpoint();
    const { pool } = await busyPool('seen metrics');
    const of = { wasm_pool_name: 'seen metrics' };
    const families = await endpoint.scrape();
    expect(sampleOf(families, 'wasm_pool_resource_pending_requests', of)).toBe(pool.pending);
  },
  async 'a span of each wait'() {
    const exporter = new InMemorySpanExporter();
    const processor = new SimpleSpanProcessor({ exporter });
    const tracerProvider = new TracerProvider({ spanProcessors: [processor] });
    using _ = instrumentPools({ tracerProvider });
    await createPool(factory, { name: 'seen spans' }).use(() => {});
    await tracerProvider.forceFlush();
    expect(exporter.getFinishedSpans()).toMatchObject([{ name: 'wasm_pool.wait' }]);
  },
  async 'a page for operators'() {
    using inspector = createInspector();
    await using server = await webServer(inspector.listener);
    expect(await (await fetch(server.at('/'))).text()).toContain('<title>Pools</title>');
  },
  async 'health and readiness'() {
    const pool = createPool(factory, { min: 1 });
    expect(healthOf([pool])).toMatchObject({ ready: false, healthy: true });
    await pool.ready();
    expect(healthOf([pool])).toMatchObject({ ready: true, healthy: true });
  },
  async 'errors that a web framework maps by itself'() {
    const { pool } = await busyPool('seen');
    const error = await failure(pool.acquire());
    expect(error).toMatchObject({ statusCode: 503, headers: { 'retry-after': '1' } });
  },
  async 'limits changed at run time'() {
    const { pool, waiting } = await busyPool('seen');
    pool.resize({ max: 2 });
    await waiting;
    expect(pool).toMatchObject({ max: 2, borrowed: 2 });
  },
  async 'all resources replaced at run time'() {
    const { pool, held, waiting } = await busyPool('seen');
    pool.replace();
    await pool.release(held);
    expect(await waiting).not.toBe(held);
    expect(pool.stats().destroyedBy).toEqual({ replaced: 1 });
  },
  async 'an end that waits for loans, with a limit'() {
    const patient = createPool(factory);
    const lent = await patient.acquire();
    let closed = false;
    const closing = patient.close().then(() => {
      closed = true;
    });
    await sleep(5);
    expect(closed).toBe(false);
    await patient.release(lent);
    await closing;
    const { pool, waiting } = await busyPool('seen');
    waiting.catch(() => {});
    await pool.close({ timeoutMillis: 1 }); // although the loan never ends
    expect(pool.size).toBe(0);
  },
};

test('the table has a row for each of these tests, and no other', () => {
  expect(rows).toEqual(Object.keys(shown));
});

test.each(Object.entries(shown))('%s', (_, show) => show());
