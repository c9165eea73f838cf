import { channel } from 'node:diagnostics_channel';
import { createPool } from '@wasm-pool/core';
import { createPool as createDropIn } from '@wasm-pool/core/generic-pool';
import {
  createInspector,
  type InspectorOptions,
  type WatchedPool,
} from '@wasm-pool/core/inspector';
import { expect, onTestFinished, test } from 'vitest';
import { webServer } from '../helpers/web-server.js';

const factory = { create: async () => ({}), destroy: async () => {} };

async function serve(pools?: readonly WatchedPool[], options: InspectorOptions = {}) {
  const inspector = createInspector(pools, { intervalMillis: 10, ...options });
  const server = await webServer(inspector.listener);
  onTestFinished(async () => {
    inspector.close();
    await server[Symbol.asyncDispose]();
  });
  return { inspector, at: server.at };
}

interface Told {
  readonly pools: {
    readonly stats: { readonly name: string };
    readonly samples: { readonly borrowed: number }[];
    readonly resources: { readonly name?: string; readonly state: string; readonly uses: number }[];
    readonly more: number;
  }[];
}

/** The events of a page, one after the other. */
async function* eventsOf(url: string): AsyncGenerator<Told> {
  const controller = new AbortController();
  const response = await fetch(url, { signal: controller.signal });
  let text = '';
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += new TextDecoder().decode(chunk);
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        yield JSON.parse(text.slice('data: '.length, end)) as Told;
        text = text.slice(end + 2);
      }
    }
  } finally {
    controller.abort();
  }
}

test('the page may use its own script and style, and nothing else', async () => {
  const { at } = await serve([]);
  const response = await fetch(at('/any/where'));
  const text = await response.text();
  const policy = response.headers.get('content-security-policy') ?? '';
  const [, nonce = ''] = /script-src 'nonce-([\w-]+)'/.exec(policy) ?? [];
  expect(policy).toMatch(/^default-src 'none'; /);
  expect(policy).not.toContain('unsafe');
  expect(text.split(`nonce="${nonce}"`)).toHaveLength(3);
  expect(text).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const other = (await fetch(at('/'))).headers.get('content-security-policy');
  expect(other).not.toBe(policy);
});

test('it answers GET and HEAD only', async () => {
  const { at } = await serve([]);
  expect((await fetch(at('/'), { method: 'HEAD' })).status).toBe(200);
  const refused = await fetch(at('/?events'), { method: 'POST' });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('events have the history first, and then what is new', async () => {
  const pool = createPool(factory, { name: 'db', max: 2 });
  const { at } = await serve([pool]);
  const resource = await pool.acquire();
  const events = eventsOf(at('/pools?events'));
  const first = (await events.next()).value as Told;
  expect(first.pools).toMatchObject([
    { stats: { name: 'db' }, resources: [{ state: 'borrowed', uses: 1 }], more: 0 },
  ]);
  const second = (await events.next()).value as Told;
  expect(second.pools[0]?.samples).toMatchObject([{ borrowed: 1 }]);
  await pool.release(resource);
  for await (const { pools } of events) if (pools[0]?.samples[0]?.borrowed === 0) break;
});

test('without a list it shows all pools, of both doors, for as long as they are not closed', async () => {
  await using pool = createPool(factory, { name: 'one of all' });
  const dropIn = createDropIn(factory, { name: 'drop-in of all' });
  const { at } = await serve();
  const namesOf = ({ pools }: Told) => pools.map(({ stats }) => stats.name);
  for await (const event of eventsOf(at('/?events'))) {
    expect(namesOf(event)).toEqual(expect.arrayContaining(['one of all', 'drop-in of all']));
    const samples = event.pools.find(({ stats }) => stats.name === 'drop-in of all')?.samples;
    expect(samples?.length).toBeGreaterThan(0);
    break;
  }
  await pool.close();
  await dropIn.drain();
  for await (const event of eventsOf(at('/?events'))) {
    expect(namesOf(event)).not.toEqual(expect.arrayContaining(['one of all']));
    expect(namesOf(event)).not.toEqual(expect.arrayContaining(['drop-in of all']));
    break;
  }
});

test('a history is no longer than it may be', async () => {
  const pool = createPool(factory);
  const { at } = await serve([pool], { historyLength: 3 });
  let looks = 0;
  for await (const _ of eventsOf(at('/?events'))) if (++looks === 5) break;
  for await (const { pools } of eventsOf(at('/?events'))) {
    expect(pools[0]?.samples).toHaveLength(3);
    break;
  }
});

test('of many resources it lists those first that are on loan longest', async () => {
  const pool = createPool({ create: () => ({}), destroy() {} }, { min: 150, max: 150 });
  await pool.ready();
  await pool.acquire();
  const { at } = await serve([pool]);
  for await (const { pools } of eventsOf(at('/?events'))) {
    expect(pools[0]).toMatchObject({
      more: 50,
      resources: { length: 100, 0: { state: 'borrowed' } },
    });
    break;
  }
});

test('a resource whose name throws, or is none, is listed all the same', async () => {
  const create = () => ({
    get name() {
      throw new Error('no');
    },
  });
  const pool = createPool({ create, destroy() {} }, { min: 1 });
  const odd = createPool({ create: () => ({ name: {} }), destroy() {} }, { min: 1 });
  await Promise.all([pool.ready(), odd.ready()]);
  const { at } = await serve([pool, odd]);
  for await (const { pools } of eventsOf(at('/?events'))) {
    expect(pools.map(({ resources }) => resources.length)).toEqual([1, 1]);
    break;
  }
});

test('loans are timed while somebody looks, and only then', async () => {
  const { at } = await serve([]);
  const release = channel('wasm-pool:release');
  expect(release.hasSubscribers).toBe(false);
  for await (const _ of eventsOf(at('/?events'))) {
    expect(release.hasSubscribers).toBe(true);
    break;
  }
  await expect.poll(() => release.hasSubscribers).toBe(false);
});

test('closing it ends the pages that are open, and refuses more', async () => {
  const { at, inspector } = await serve([]);
  const open = await fetch(at('/?events'));
  inspector.close();
  await open.text(); // it ends
  expect((await fetch(at('/?events'))).status).toBe(503);
});

test.each([
  ['no pool', [[{}], {}], /^createInspector: pools is an array .*; accepted: an array of pools$/],
  [
    'an interval',
    [[], { intervalMillis: 1 }],
    /intervalMillis is 1; accepted: a whole number from 10/,
  ],
  ['an option', [[], { interval: 1 }], /unknown option interval/],
])('%s that is not accepted is refused', (_, [pools, options], message) => {
  expect(() => createInspector(pools as never, options as never)).toThrow(message);
});
