import { createPool } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { recordingFactory, settle, type Thing } from '../helpers/core.js';

const error = new Error('the borrower own');
const fail = (): never => {
  throw error;
};

type Pool = ReturnType<typeof createPool<Thing>>;

const ways: [string, (pool: Pool) => unknown][] = [
  ['use of a function that throws', (pool) => pool.use(fail)],
  ['use of a function that rejects', (pool) => pool.use(async () => fail())],
  ['use that waits, of a function that throws', (pool) => pool.use(fail, { timeoutMillis: 0 })],
  ['useSync of a function that throws', async (pool) => pool.useSync(fail)],
];

describe.each(ways)('%s', (_, borrow) => {
  const readyPool = async (parts = {}) => {
    const factory = recordingFactory(parts);
    const pool = createPool(factory, { min: 1 });
    await pool.ready();
    return { factory, pool };
  };

  test('throws the very error of the borrower', async () => {
    const { pool } = await readyPool();
    await expect(borrow(pool)).rejects.toBe(error);
    expect(pool.borrowed).toBe(0);
  });

  test('has the resource destroyed, with the error as the cause', async () => {
    const { factory, pool } = await readyPool();
    const causes: unknown[] = [];
    pool.on('destroy', (_thing, _reason, cause) => causes.push(cause));
    await expect(borrow(pool)).rejects.toBe(error);
    expect(factory.destroyed).toEqual(['1 threw']);
    expect(causes).toEqual([error]);
  });

  test('leaves the resource in the pool when recycle finds it fit', async () => {
    const asked: unknown[] = [];
    const { factory, pool } = await readyPool({
      recycle: (...args: unknown[]) => {
        asked.push(args);
        return true;
      },
    });
    await expect(borrow(pool)).rejects.toBe(error);
    expect(asked).toEqual([[{ id: 1 }, error]]);
    expect(factory.destroyed).toEqual([]);
    expect(pool.available).toBe(1);
  });

  test('has the resource destroyed when recycle does not find it fit', async () => {
    const { factory, pool } = await readyPool({ recycle: async () => false });
    await expect(borrow(pool)).rejects.toBe(error);
    await settle();
    expect(factory.destroyed).toEqual(['1 unfit']);
  });

  test('throws the error of the borrower even when recycle and destroy throw as well', async () => {
    const other = () => {
      throw new Error('another');
    };
    const { factory, pool } = await readyPool({ recycle: other, destroy: other });
    await expect(borrow(pool)).rejects.toBe(error);
    expect(factory.destroyed).toEqual(['1 unfit']);
  });
});

test('a throw of undefined is a throw', async () => {
  const asked: unknown[][] = [];
  const factory = recordingFactory({
    recycle: (...args: unknown[]) => {
      asked.push(args);
      return true;
    },
  });
  const pool = createPool(factory);
  await expect(pool.use(() => Promise.reject(undefined))).rejects.toBeUndefined();
  expect(asked).toEqual([[{ id: 1 }, undefined]]);
});

test('use of what is no function rejects, and nothing is lost', async () => {
  const pool = createPool(recordingFactory());
  await expect(pool.use('no' as unknown as () => void)).rejects.toThrow(TypeError);
  expect(pool).toMatchObject({ borrowed: 0, size: 0 });
});

test('a borrower that throws after it returned the resource itself changes nothing', async () => {
  const factory = recordingFactory();
  const pool = createPool(factory);
  const thrown = pool.use(async (thing) => {
    await pool.release(thing);
    fail();
  });
  await expect(thrown).rejects.toBe(error);
  expect(factory.destroyed).toEqual([]);
  expect(pool.available).toBe(1);
});
