import { AsyncLocalStorage } from 'node:async_hooks';
import { createPool, type Pool } from '@wasm-pool/core';
import genericPool from '@wasm-pool/core/generic-pool';
import { afterEach, expect, test } from 'vitest';
import { collected } from '../helpers/collected.js';
import { settle } from '../helpers/core.js';

const requests = new AsyncLocalStorage<object>();
const pools: Pool<object>[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close({ timeoutMillis: 1 });
});

/** The requests that factory functions and policies ran in, by function. */
type Seen = Record<string, unknown[]>;

function see(seen: Seen, name: string): void {
  seen[name] = [...(seen[name] ?? []), requests.getStore()];
}

function noting(seen: Seen, asynchronous: boolean) {
  const note = <A>(name: string, answer: A): A | Promise<A> => {
    see(seen, name);
    return asynchronous ? settle().then(() => answer) : answer;
  };
  return {
    create: ({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => note('abort', undefined));
      return note('create', {});
    },
    destroy: () => note('destroy', undefined),
    validate: () => note('validate', true),
    recycle: () => note('recycle', true),
    lend: () => see(seen, 'lend'),
  };
}

test.each([false, true])(
  'no function of a factory runs in a request, whichever caused it (asynchronous: %s)',
  async (asynchronous) => {
    const seen: Seen = {};
    const options = { max: 2, min: 1, testOnBorrow: true, maxUses: 3 };
    const pool = requests.run({ id: 1 }, () => createPool(noting(seen, asynchronous), options));
    pools.push(pool);
    const loan = () => pool.use(() => settle());
    await Promise.all([2, 3, 4, 5, 6].map((id) => requests.run({ id }, loan)));
    await requests.run({ id: 7 }, async () => {
      const lease = await pool.lease();
      await lease.destroy();
      await pool.release(await pool.acquire());
      await pool.ready();
      await settle(); // the one that was returned is checked
      const idle = pool.tryAcquire();
      if (idle !== undefined) await pool.release(idle);
      await settle();
      pool.evict();
      pool.replace();
      pool.resize({ max: 3, min: 3 });
      await pool.ready();
      const controller = new AbortController();
      const held = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
      pool.resize({ max: 4 });
      const aborted = pool.acquire({ signal: controller.signal }).catch(() => undefined);
      controller.abort();
      held.push((await aborted) ?? {});
      for (const thing of held) pool.release(thing);
      await settle();
    });
    await requests.run({ id: 8 }, () => pool.close());
    const all = ['abort', 'create', 'destroy', 'lend', 'recycle', 'validate'];
    expect(Object.keys(seen).sort()).toEqual(all);
    for (const [name, stores] of Object.entries(seen)) {
      expect([name, ...new Set(stores)]).toEqual([name, undefined]);
    }
  },
);

test('policies and what follows from the evictor run in no request', async () => {
  const seen: Seen = {};
  const evicted = Promise.withResolvers<void>();
  const pool = requests.run({ id: 1 }, () =>
    createPool(noting(seen, false), {
      min: 1,
      autostart: false,
      evictionRunIntervalMillis: 1,
      evict: () => {
        see(seen, 'evict');
        evicted.resolve();
        return true;
      },
    }),
  );
  pools.push(pool);
  await requests.run({ id: 2 }, () => pool.use(() => {}));
  await evicted.promise;
  await settle();
  for (const stores of Object.values(seen)) expect(new Set(stores)).toEqual(new Set([undefined]));
});

/** Runs `use` in a request, and gives a reference to that request's store. */
async function usedIn(use: () => Promise<unknown>): Promise<WeakRef<object>> {
  const store = { big: new Array(1000) };
  await requests.run(store, use);
  return new WeakRef(store);
}

test.each<[string, () => Promise<unknown>]>([
  [
    'whose first acquire started the evictor',
    async () => {
      const pool = createPool({ create: () => ({}), destroy() {} }, { idleTimeoutMillis: 60_000 });
      pools.push(pool);
      await pool.use(() => {});
    },
  ],
  [
    'whose creation hangs',
    async () => {
      const create = () => new Promise<object>(() => {});
      const pool = createPool({ create, destroy() {} });
      pools.push(pool);
      await pool.acquire({ timeoutMillis: 1 }).catch(() => {});
    },
  ],
  [
    'whose creation failed for min',
    async () => {
      const create = () => Promise.reject(new Error('down'));
      const pool = createPool<object>({ create, destroy() {} }, { min: 1 });
      pools.push(pool);
      await pool.acquire().catch(() => {});
    },
  ],
  [
    'whose destroy hangs',
    async () => {
      const pool = createPool({ create: () => ({}), destroy: () => new Promise(() => {}) });
      await pool.destroy(await pool.acquire());
    },
  ],
  [
    'whose recycle hangs',
    async () => {
      const recycle = () => new Promise(() => {});
      const pool = createPool({ create: () => ({}), destroy() {}, recycle });
      pools.push(pool);
      await pool.use(() => {});
    },
  ],
  [
    'that started generic-pool’s evictor',
    async () => {
      const factory = { create: async () => ({}), destroy: async () => {} };
      const pool = genericPool.createPool(factory, { evictionRunIntervalMillis: 60_000 });
      await pool.use(async () => {});
    },
  ],
])('a request is not kept by the pool: %s', async (_, use) => {
  expect(await collected(await usedIn(use))).toBe(true);
});
