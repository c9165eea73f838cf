import { readFileSync } from 'node:fs';
import { createPool } from '@wasm-pool/core';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import type { Family } from '../helpers/prometheus.js';
import { wat } from '../helpers/wat.js';
import {
  type Endpoint,
  hasPrometheus,
  needsPrometheus,
  openEndpoint,
  startPrometheus,
} from './scrape.js';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets: readonly { readonly expr: string; readonly refId: string }[];
}
const page = new URL('../../docs/grafana-dashboard.json', import.meta.url);
const dashboard = JSON.parse(readFileSync(page, 'utf8')) as {
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string }[];
  };
};
const queries = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => [title, expr] as const),
);

/** Pools that have met everything that is measured. */
async function exercise(): Promise<void> {
  const module = wat('(module (memory 1) (func (export "run")))');
  const options = { name: 'exercised', max: 1, reset: 'restore', maxUses: 3 } as const;
  const pool = await createWasmPool<{ run(): void }>(module, options);
  const held = await pool.acquire();
  await failure(pool.acquire({ timeoutMillis: 1 }));
  const waiting = pool.acquire();
  await pool.release(held);
  await pool.release(await waiting);
  await pool.use(({ exports }) => exports.run());
  const create = () => Promise.reject(new Error('no'));
  await failure(createPool({ create, destroy() {} }, { name: 'exercised' }).acquire());
}

let endpoint: Endpoint;
let scraped: ReadonlyMap<string, Family>;
beforeAll(async () => {
  endpoint = await openEndpoint();
  await exercise();
  scraped = await endpoint.scrape();
  return () => endpoint[Symbol.asyncDispose]();
});

test('each panel of the Grafana dashboard has a place of its own, a title, and says what it shows', () => {
  const cells = new Set<string>();
  for (const { id, type, title, description, gridPos, targets } of dashboard.panels) {
    expect([type, title === '', description === ''], title).toEqual(['timeseries', false, false]);
    expect(gridPos.x + gridPos.w, `the width of ${title}`).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(cells, `${title} (${id}) lies on another panel`).not.toContain(`${x},${y}`);
        cells.add(`${x},${y}`);
      }
    }
    const refs = targets.map(({ refId }) => refId);
    expect(new Set(refs).size, `the references of ${title}`).toBe(refs.length);
  }
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('each variable that a query of the dashboard uses is declared', () => {
  const declared = dashboard.templating.list.map(({ name }) => name);
  const used = JSON.stringify(dashboard).match(/\$\{?(\w+)/g) ?? [];
  const names = new Set(used.map((it) => it.replace(/\W/g, '')));
  expect([...names].filter((it) => !it.startsWith('__'))).toEqual(expect.arrayContaining(declared));
  expect([...names].filter((it) => !it.startsWith('__') && !declared.includes(it))).toEqual([]);
});

test.each(queries)('%s: each metric of %s is one that the scrape has', (_, expr) => {
  const names = [...scraped.values()].flatMap(({ samples }) => samples.map(({ name }) => name));
  const asked = expr.match(/\bwasm_pool_\w+(?=\{)/g) ?? [];
  expect(asked.length).toBeGreaterThan(0);
  for (const name of asked) expect(names).toContain(name);
});

test('the dashboard shows each metric that there is', () => {
  const text = JSON.stringify(dashboard);
  const missing = [...scraped.keys()].filter(
    (name) => name.startsWith('wasm_pool_') && !text.includes(name),
  );
  expect(missing).toEqual([]);
});

describe.skipIf(!hasPrometheus)(`a Prometheus server${needsPrometheus}`, () => {
  test('scrapes the pools, and answers each query of the dashboard', async () => {
    const ask = await startPrometheus(endpoint.address);
    for (const [title, expr] of queries) {
      await expect
        .poll(() => ask(expr.replaceAll('$__rate_interval', '10s').replaceAll('$pool', '.*')), {
          message: `${title}: ${expr}`,
        })
        .not.toEqual([]);
    }
  });
});
