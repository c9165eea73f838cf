import { createPool, NotBorrowedError, type Pool } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { recordingFactory, type Thing, uncaught } from '../helpers/core.js';

const misuses: [string, (pool: Pool<Thing>) => Promise<Thing>][] = [
  [
    'a resource that was returned before',
    async (pool) => {
      const thing = await pool.acquire();
      await pool.release(thing);
      return thing;
    },
  ],
  ['a foreign resource', async () => ({ id: 1 })],
  [
    'a resource that was destroyed',
    async (pool) => {
      const thing = await pool.acquire();
      await pool.destroy(thing);
      return thing;
    },
  ],
  [
    'a resource that was never lent',
    async (pool) => {
      const made = new Promise<Thing>((resolve) => pool.once('create', resolve));
      await pool.ready(1);
      return made;
    },
  ],
  [
    'a resource that recycle has',
    async (pool) => {
      const thing = await pool.acquire();
      await pool.release(thing);
      return thing;
    },
  ],
];

/** Those that `destroy` takes all the same: they are the pool's. */
const unused = [
  'a resource that was returned before',
  'a resource that was never lent',
  'a resource that recycle has',
];

describe.each(misuses)('%s', (what, make) => {
  const recycle = what.includes('recycle') ? () => new Promise<boolean>(() => {}) : () => true;

  test.each(unused.includes(what) ? (['release'] as const) : (['release', 'destroy'] as const))(
    'is refused by %s, and nothing changes',
    async (call) => {
      const factory = recordingFactory({ recycle });
      const pool = createPool(factory, { max: 2 });
      const thing = await make(pool);
      const before = { stats: pool.stats(), destroyed: [...factory.destroyed] };
      await expect(pool[call](thing)).rejects.toThrow(NotBorrowedError);
      await expect(pool[call](thing)).rejects.toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
      expect({ stats: pool.stats(), destroyed: factory.destroyed }).toEqual(before);
    },
  );
});

test('undefined and null are refused like any foreign resource', async () => {
  const pool = createPool(recordingFactory());
  await expect(pool.release(undefined as unknown as Thing)).rejects.toThrow(NotBorrowedError);
  await expect(pool.destroy(null as unknown as Thing)).rejects.toThrow(NotBorrowedError);
});

test('a refusal that nobody looks at is no unhandled rejection', async () => {
  const pool = createPool(recordingFactory());
  const errors = await uncaught(() => {
    pool.release({ id: 1 });
    pool.destroy({ id: 1 });
  });
  expect(errors).toEqual([]);
});

test('a resource of another pool is foreign', async () => {
  const one = createPool(recordingFactory());
  const other = createPool(recordingFactory());
  const thing = await one.acquire();
  await expect(other.release(thing)).rejects.toThrow(NotBorrowedError);
  expect(one.isBorrowedResource(thing)).toBe(true);
});

test('isBorrowedResource knows what is on loan from what is not', async () => {
  const pool = createPool(recordingFactory());
  const thing = await pool.acquire();
  expect(pool.isBorrowedResource(thing)).toBe(true);
  expect(pool.isBorrowedResource({ id: 1 })).toBe(false);
  await pool.release(thing);
  expect(pool.isBorrowedResource(thing)).toBe(false);
});

test.each(['release', 'destroy'] as const)(
  'a second return (%s) of what is on its way to the next borrower costs that one its turn, and lends nothing twice',
  async (again) => {
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire();
    const inUse = new Set<Thing>();
    const borrow = async (borrowed: Thing) => {
      expect(inUse).not.toContain(borrowed);
      inUse.add(borrowed);
      await null;
      inUse.delete(borrowed);
    };
    const first = pool.use(borrow);
    const second = pool.lease();
    const third = pool.use(borrow);
    pool.release(thing); // lent to the first, whose function is called a microtask later
    pool[again](thing); // ends that loan
    await expect(first).rejects.toBeInstanceOf(NotBorrowedError);
    await (await second).release();
    await third;
    expect(pool.borrowed).toBe(0);
  },
);
