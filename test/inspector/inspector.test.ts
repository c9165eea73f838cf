import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { createPool } from '@wasm-pool/core';
import { createPool as createDropIn } from '@wasm-pool/core/generic-pool';
import {
  createInspector,
  type InspectorOptions,
  type WatchedPool,
} from '@wasm-pool/core/inspector';
import { expect, onTestFinished, test, vi } from 'vitest';
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

test('loans are timed until the last page is closed', async () => {
  const { at } = await serve([]);
  const release = channel('wasm-pool:release');
  const [one, two] = [eventsOf(at('/?events')), eventsOf(at('/?events'))];
  await Promise.all([one.next(), two.next()]);
  await one.return(undefined);
  await two.next(); // goes on
  expect(release.hasSubscribers).toBe(true);
  await two.return(undefined);
  await expect.poll(() => release.hasSubscribers).toBe(false);
});

test('more than 32 pages at once are refused, and told when to come again', async () => {
  const { at } = await serve([], { intervalMillis: 60_000 });
  const open = await Promise.all(Array.from({ length: 32 }, () => fetch(at('/?events'))));
  expect(open.every(({ status }) => status === 200)).toBe(true);
  const refused = await fetch(at('/?events'));
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
});

test('a page that does not read is sent nothing more until it does', async () => {
  const name = 'long'.repeat(100_000);
  const pool = createPool(factory, { name });
  const looks = vi.spyOn(pool, 'stats');
  const inspector = createInspector([pool], { intervalMillis: 10 });
  onTestFinished(() => inspector.close());
  const written: number[] = [];
  const response = Object.assign(new EventEmitter(), {
    writableNeedDrain: false,
    setHeader() {},
    writeHead() {},
    end() {},
    write: (text: string) => written.push(text.length),
  });
  inspector.listener({ method: 'GET', url: '/?events' } as never, response as never);
  await expect.poll(() => written.length).toBeGreaterThan(1);
  response.writableNeedDrain = true;
  const [before, seen] = [written.length, looks.mock.calls.length];
  await expect.poll(() => looks.mock.calls.length).toBeGreaterThan(seen + 5);
  expect(written.length).toBe(before);
  response.writableNeedDrain = false;
  await expect.poll(() => written.length).toBeGreaterThan(before);
});

test('a pool that was made since the last look is listed without a history', async () => {
  const { at } = await serve(undefined, { intervalMillis: 60_000 });
  await using pool = createPool(factory, { name: 'just made' });
  for await (const { pools } of eventsOf(at('/?events'))) {
    const made = pools.find(({ stats }) => stats.name === pool.stats().name);
    expect(made?.samples).toEqual([]);
    break;
  }
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
