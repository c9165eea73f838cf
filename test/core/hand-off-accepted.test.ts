import { createAdapterPool as createPool } from '@wasm-pool/core/internal';
import { describe, expect, test } from 'vitest';
import { recordingFactory, settle } from '../helpers/core.js';

/** The names of those that were served, in order. */
function line() {
  const served: string[] = [];
  const join = (name: string, got: Promise<unknown>) =>
    got.then(
      () => void served.push(name),
      () => void served.push(`not ${name}`),
    );
  return { served, join };
}

describe('passOn', () => {
  test('lends the resource to who waits next, without asking the factory, where that one accepts a hand-off', async () => {
    let recycled = 0;
    const pool = createPool(recordingFactory({ recycle: () => ++recycled > 0 }));
    const resource = await pool.acquire();
    const next = pool.take();
    expect(pool.handOff(resource)).toBe(true);
    expect(await next).toBe(resource);
    expect([pool.borrowed, pool.pending, pool.stats().acquired, recycled]).toEqual([1, 0, 2, 0]);
    await pool.release(resource);
    expect([pool.borrowed, pool.available, recycled]).toEqual([0, 1, 1]);
  });

  test('leaves the loan as it is where nobody waits, or who is next wants it for himself', async () => {
    const pool = createPool(recordingFactory());
    const resource = await pool.acquire();
    expect(pool.handOff(resource)).toBe(false);
    const { served, join } = line();
    const all = [
      join('alone', pool.acquire()),
      join('pipelined', pool.take({ timeoutMillis: 60_000 })),
    ];
    expect(pool.handOff(resource)).toBe(false);
    await pool.release(resource);
    await all[0];
    expect(pool.handOff(resource)).toBe(true);
    await all[1];
    expect(served).toEqual(['alone', 'pipelined']);
    await pool.release(resource);
    expect(pool.stats().acquired).toBe(3);
  });

  test('ends the loan of a lease, and of nobody else', async () => {
    const pool = createPool(recordingFactory());
    const lease = await pool.lease();
    const resource = lease.value;
    const next = pool.take();
    pool.handOff(resource);
    expect(() => lease.value).toThrow(expect.objectContaining({ code: 'ERR_POOL_NOT_BORROWED' }));
    await lease[Symbol.asyncDispose]();
    expect(pool.isBorrowedResource(await next)).toBe(true);
    await pool.release(resource);
  });

  test('does not go beyond maxUses', async () => {
    const pool = createPool(recordingFactory(), { maxUses: 2 });
    const resource = await pool.acquire();
    const loans = [pool.take(), pool.take()];
    expect([pool.handOff(resource), pool.handOff(resource)]).toEqual([true, false]);
    await pool.release(resource);
    const [second, third] = await Promise.all(loans);
    expect(second).toBe(resource);
    expect(third).not.toBe(resource);
    await pool.release(third as { id: number });
    expect(pool.stats().destroyedBy).toEqual({ uses: 1 });
  });

  test('does not keep what is beyond max for those who are not urgent', async () => {
    const pool = createPool(recordingFactory(), { max: 1, burst: 1 });
    const first = await pool.acquire();
    const urgent = await pool.acquire({ priority: 0 });
    const waiting = pool.take();
    expect(pool.handOff(urgent)).toBe(false);
    await pool.release(urgent);
    expect(pool.stats().destroyedBy).toEqual({ burst: 1 });
    expect(pool.handOff(first)).toBe(true);
    await pool.release(await waiting);
  });

  test('of what is not on loan throws', async () => {
    const pool = createPool(recordingFactory());
    const resource = await pool.acquire();
    await pool.release(resource);
    for (const stray of [resource, { id: 7 }]) {
      expect(() => pool.handOff(stray)).toThrow(
        expect.objectContaining({ code: 'ERR_POOL_NOT_BORROWED' }),
      );
    }
  });
});

describe('who acquires again', () => {
  test('waits in front of all others of its priority', async () => {
    const pool = createPool(recordingFactory(), { priorityRange: 2 });
    const resource = await pool.acquire();
    const { served, join } = line();
    const all = [
      join('late', pool.acquire()),
      join('first', pool.take({ requeue: true })),
      join('very first', pool.take({ requeue: true })),
      join('urgent', pool.acquire({ priority: 0 })),
    ];
    for (let loans = 0; loans < 5; loans++) {
      await pool.release(resource);
      await settle();
    }
    await Promise.all(all);
    expect(served).toEqual(['urgent', 'very first', 'first', 'late']);
  });

  test('is in front of those who acquired again before, however many', async () => {
    const pool = createPool(recordingFactory());
    const resource = await pool.acquire();
    const { served, join } = line();
    for (let n = 1; n <= 40; n++) join(`${n}`, pool.take({ requeue: true }));
    for (let loans = 0; loans <= 40; loans++) {
      await pool.release(resource);
      await settle();
    }
    expect(served).toEqual(Array.from({ length: 40 }, (_, n) => `${40 - n}`));
  });

  test('is let in however many wait, and while the pool drains, but not once it is closed', async () => {
    const pool = createPool(recordingFactory(), { maxWaitingClients: 0 });
    const resource = await pool.acquire();
    const before = pool.take({ requeue: true });
    const drained = pool.drain();
    const since = pool.take({ requeue: true, timeoutMillis: 60_000 });
    for (let loans = 0; loans < 3; loans++) {
      await pool.release(resource);
      await settle();
    }
    expect(await Promise.all([before, since])).toEqual([resource, resource]);
    await drained;
    await pool.close();
    await expect(pool.take({ requeue: true })).rejects.toMatchObject({
      code: 'ERR_POOL_CLOSED',
    });
  });

  test('is lent what is idle in a pool that has drained', async () => {
    const pool = createPool(recordingFactory());
    const resource = await pool.acquire();
    await pool.release(resource);
    await pool.drain();
    expect(await pool.take({ requeue: true })).toBe(resource);
    expect(pool.stats()).toMatchObject({ size: 1, borrowed: 1, pending: 0 });
  });

  test('is served one after the other in a pool that drained before it was started', async () => {
    const pool = createPool(recordingFactory(), { autostart: false });
    await pool.drain();
    const loans = [pool.take({ requeue: true }), pool.take({ requeue: true })];
    await pool.destroy((await loans[1]) as { id: number });
    expect(await loans[0]).toEqual({ id: 2 });
  });

  test('gives up by its signal as all others do', async () => {
    const pool = createPool(recordingFactory());
    const resource = await pool.acquire();
    const controller = new AbortController();
    const { signal } = controller;
    const gone = pool.take({ requeue: true, signal });
    const first = pool.take({ requeue: true });
    controller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    await pool.release(resource);
    await pool.release(await first);
    expect(pool.pending).toBe(0);
  });

  test('is refused where requeue is not true or false, and any other option that does not exist', async () => {
    const pool = createPool(recordingFactory());
    await expect(pool.take({ requeue: 1 as never })).rejects.toThrow(
      'take: requeue is 1; accepted: true or false',
    );
    await expect(pool.take({ again: true } as object)).rejects.toThrow(
      'take: unknown option again; accepted: priority, requeue, signal, timeoutMillis',
    );
  });
});
