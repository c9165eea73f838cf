import { createPool, unfit } from '@wasm-pool/core';
import { describe, expect, test } from 'vitest';
import { fakeTime, hang, pass, recordingFactory, settle, watch } from '../helpers/core.js';

const fault = new Error('cannot tell');

/** Verdicts that condemn: what is returned, and the reason and cause that `destroy` is given. */
const condemnations: [string, () => unknown, string | undefined, unknown][] = [
  ['false', () => false, undefined, undefined],
  ['a promise of false', async () => false, undefined, undefined],
  ['a reason', () => unfit('rusty'), 'rusty', undefined],
  ['a promise of a reason', async () => unfit('rusty'), 'rusty', undefined],
  [
    'a throw',
    () => {
      throw fault;
    },
    undefined,
    fault,
  ],
  ['a rejection', () => Promise.reject(fault), undefined, fault],
];

const approvals: [string, () => unknown][] = [
  ['true', () => true],
  ['a promise of true', async () => true],
  ['undefined', () => undefined],
  ['a promise of undefined', async () => {}],
  ['a number', () => 0],
  ['a text', () => 'PONG'],
  ['a promise of a text', async () => 'PONG'],
  ['null', () => null],
];

describe.each(['validate', 'recycle'] as const)('%s', (call) => {
  const byDefault = call === 'validate' ? 'invalid' : 'unfit';

  /** A pool whose `call` says `verdict` about the first thing; lent and returned once. */
  const judged = async (verdict: () => unknown) => {
    const judge = (thing: { id: number }) => (thing.id === 1 ? (verdict() as boolean) : true);
    const factory = recordingFactory({ [call]: judge });
    const pool = createPool(factory, { testOnBorrow: call === 'validate' });
    const destroyed: unknown[] = [];
    pool.on('destroy', (thing, reason, cause) => destroyed.push([thing.id, reason, cause]));
    await pool.release(await pool.acquire());
    return { factory, pool, destroyed };
  };

  test.each(condemnations)(
    '%s: the resource is destroyed, and the borrower gets another',
    async (_, verdict, reason, cause) => {
      const { pool, destroyed } = await judged(verdict);
      expect(await pool.acquire()).toEqual({ id: 2 });
      expect(destroyed).toEqual([[1, reason ?? byDefault, cause]]);
      expect(pool).toMatchObject({ size: 1, borrowed: 1, pending: 0 });
    },
  );

  test.each(approvals)('%s: the resource is lent again', async (_, verdict) => {
    const { pool, destroyed } = await judged(verdict);
    expect(await pool.acquire()).toEqual({ id: 1 });
    expect(destroyed).toEqual([]);
  });

  test('hanging: the resource is destroyed after createTimeoutMillis, and the borrower gets another', async () => {
    fakeTime();
    const { factory, pool, destroyed } = await judged(hang);
    const acquired = watch(pool.acquire());
    await pass(29_999);
    expect(acquired.state).toBe('pending');
    expect(factory.destroyed).toEqual([]);
    await pass(1);
    expect(acquired.value).toEqual({ id: 2 });
    expect(destroyed).toMatchObject([
      [1, byDefault, { message: expect.stringContaining(`factory.${call} did not settle`) }],
    ]);
  });

  test('answering when the pool was closed meanwhile: nothing more happens', async () => {
    const answers = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()];
    const left = [...answers];
    const judge = () => left.shift()?.promise ?? true;
    const factory = recordingFactory({ [call]: judge });
    const pool = createPool(factory, { max: 2, testOnBorrow: call === 'validate' });
    const lent = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const thing of lent) pool.release(thing);
    if (call === 'validate') for (const _ of lent) pool.acquire().catch(() => {});
    fakeTime();
    const closed = watch(pool.close({ timeoutMillis: 1 }));
    await pass(1);
    expect(closed.state).toBe('fulfilled');
    expect(factory.destroyed).toEqual(['1 close', '2 close']);
    expect(pool.stats()).toMatchObject({ size: 0, borrowed: 0 });
    answers[0]?.resolve(true);
    answers[1]?.reject(fault);
    await settle();
    expect(factory.destroyed).toEqual(['1 close', '2 close']);
  });
});

describe('recycle', () => {
  test('is asked about each returned resource, by release, use, useSync and leases', async () => {
    const asked: unknown[][] = [];
    const recycle = (...args: unknown[]) => {
      asked.push(args);
      return true;
    };
    const pool = createPool(recordingFactory({ recycle }));
    await pool.release(await pool.acquire());
    await pool.use(() => {});
    pool.useSync(() => {});
    await (await pool.lease()).release();
    expect(asked).toEqual(Array(4).fill([{ id: 1 }])); // and no second argument: nothing was thrown
  });

  test('is not asked about a resource that is returned to be destroyed', async () => {
    const factory = recordingFactory({
      recycle: () => {
        throw fault;
      },
    });
    const pool = createPool(factory);
    await pool.destroy(await pool.acquire());
    expect(factory.destroyed).toEqual(['1 borrower']);
  });

  test('is waited for by nobody but the next borrower', async () => {
    const recycled = Promise.withResolvers<boolean>();
    const pool = createPool(recordingFactory({ recycle: () => recycled.promise }));
    await pool.use(() => {});
    expect(pool).toMatchObject({ available: 0, borrowed: 0, size: 1 });
    const next = watch(pool.acquire());
    await settle();
    expect(next.state).toBe('pending');
    recycled.resolve(true);
    await settle();
    expect(next.value).toEqual({ id: 1 });
  });

  test('comes before maxUses: the last return is recycled, too', async () => {
    let recycled = 0;
    const factory = recordingFactory({
      recycle: async () => {
        recycled++;
        return true;
      },
    });
    const pool = createPool(factory, { maxUses: 1 });
    await pool.use(() => {});
    await settle();
    expect(recycled).toBe(1);
    expect(factory.destroyed).toEqual(['1 uses']);
  });

  test('that fails in a pool with somebody waiting has another created for them', async () => {
    const factory = recordingFactory({ recycle: async () => false });
    const pool = createPool(factory);
    const thing = await pool.acquire();
    const waiting = watch(pool.acquire());
    await pool.release(thing);
    await settle();
    expect(waiting.value).toEqual({ id: 2 });
  });
});

test('unfit takes a reason, and nothing else', () => {
  expect(unfit('memory').reason).toBe('memory');
  for (const bad of ['', 5, undefined, null, {}]) {
    expect(() => unfit(bad as string)).toThrow(
      /^unfit: reason is .*; accepted: a string, not empty$/,
    );
  }
});

test('reasons beyond the first hundred are counted together, and a long one is cut', async () => {
  let count = 0;
  const recycle = () => unfit(`memory is ${++count} bytes${' and more'.repeat(20)}`);
  const pool = createPool({ create: () => ({}), destroy() {}, recycle });
  for (let loan = 0; loan < 1000; loan++) await pool.use(() => {});
  const { destroyedBy, destroyed } = pool.stats();
  expect(destroyed).toBe(1000);
  expect(Object.keys(destroyedBy)).toHaveLength(101);
  expect(destroyedBy.other).toBe(900);
  for (const reason of Object.keys(destroyedBy)) expect(reason.length).toBeLessThanOrEqual(100);
});
