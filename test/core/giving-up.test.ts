import { AcquireTimeoutError } from '@wasm-pool/core';
import { createAdapterPool as createPool } from '@wasm-pool/core/internal';
import { describe, expect, test, vi } from 'vitest';
import { fakeTime, pass, recordingFactory, settle, watch } from '../helpers/core.js';

/** A pool whose one resource is lent. */
async function lentOut(options = {}) {
  const pool = createPool(recordingFactory(), options);
  return { pool, thing: await pool.acquire() };
}

describe('an acquire with a signal', () => {
  test('that is aborted already rejects with its reason, even when a resource is idle', async () => {
    const pool = createPool(recordingFactory(), { min: 1 });
    await pool.ready();
    const reason = new Error('never mind');
    await expect(pool.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(pool).toMatchObject({ available: 1, pending: 0 });
  });

  test('rejects with the reason of the signal when that aborts, whatever it is', async () => {
    const { pool } = await lentOut();
    for (const reason of [new Error('enough'), 'a string', 0]) {
      const controller = new AbortController();
      const acquired = pool.acquire({ signal: controller.signal });
      controller.abort(reason);
      expect(pool.pending).toBe(0);
      await expect(acquired).rejects.toBe(reason);
    }
    const controller = new AbortController();
    const acquired = pool.acquire({ signal: controller.signal });
    controller.abort();
    await expect(acquired).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('waits as long as it takes otherwise', async () => {
    fakeTime();
    const { pool } = await lentOut();
    const acquired = watch(pool.acquire({ signal: new AbortController().signal }));
    await pass(10_000_000);
    expect(acquired.state).toBe('pending');
  });

  test('takes nothing from the next when it aborts before the return', async () => {
    const { pool, thing } = await lentOut();
    const controller = new AbortController();
    const first = watch(pool.acquire({ signal: controller.signal }));
    const second = watch(pool.acquire());
    controller.abort();
    await pool.release(thing);
    await settle();
    expect(first.state).toBe('rejected');
    expect(second.value).toBe(thing);
  });

  test('that aborts in the tick of its return, after it, has been served', async () => {
    const { pool, thing } = await lentOut();
    const controller = new AbortController();
    const first = watch(pool.acquire({ signal: controller.signal }));
    pool.release(thing);
    controller.abort();
    await settle();
    expect(first.value).toBe(thing);
    expect(pool.isBorrowedResource(thing)).toBe(true);
  });

  test('that aborts in the tick of its return, before it, has not', async () => {
    const { pool, thing } = await lentOut();
    const controller = new AbortController();
    const first = watch(pool.acquire({ signal: controller.signal }));
    controller.abort('late');
    pool.release(thing);
    await settle();
    expect(first.error).toBe('late');
    expect(pool.available).toBe(1);
  });

  test('is served by a return that a listener of the same signal makes, called first', async () => {
    const { pool, thing } = await lentOut();
    const controller = new AbortController();
    controller.signal.addEventListener('abort', () => pool.release(thing));
    const first = watch(pool.acquire({ signal: controller.signal }));
    controller.abort();
    await settle();
    expect(first.value).toBe(thing);
  });

  test('does not mind an abort once it was served', async () => {
    const controller = new AbortController();
    const pool = createPool(recordingFactory());
    const thing = await pool.acquire({ signal: controller.signal });
    controller.abort();
    expect(pool.isBorrowedResource(thing)).toBe(true);
  });

  test('leaves no listener on its signal, served or not', async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const { pool, thing } = await lentOut();
    pool.acquire({ signal }).catch(() => {});
    await pool.release(thing);
    const refused = watch(pool.acquire({ signal }));
    await pool.close({ timeoutMillis: 1 });
    expect(refused.state).toBe('rejected');
    expect(add).toHaveBeenCalledTimes(2);
    expect(remove.mock.calls).toEqual(add.mock.calls);
  });

  test('has a creation go on that was begun for it: the next gets it', async () => {
    const made = Promise.withResolvers<void>();
    const factory = recordingFactory({ create: (make) => made.promise.then(make) });
    const pool = createPool(factory);
    const controller = new AbortController();
    const first = watch(pool.acquire({ signal: controller.signal }));
    controller.abort();
    made.resolve();
    await settle();
    expect(first.state).toBe('rejected');
    expect(pool.available).toBe(1);
  });
});

describe('an acquire with a timeout', () => {
  test('rejects with AcquireTimeoutError when it has passed', async () => {
    fakeTime();
    const { pool } = await lentOut({ name: 'db', acquireTimeoutMillis: 20 });
    const acquired = watch(pool.acquire());
    await pass(19);
    expect(acquired.state).toBe('pending');
    await pass(1);
    expect(acquired.error).toBeInstanceOf(AcquireTimeoutError);
    expect(acquired.error).toMatchObject({
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
      message: 'no resource within 20 ms (db: size 1 of 1, available 0, borrowed 1, pending 1)',
    });
    expect(pool.stats()).toMatchObject({ timeouts: 1, pending: 0 });
  });

  test('can have one of its own, or none', async () => {
    fakeTime();
    const { pool } = await lentOut({ acquireTimeoutMillis: 20 });
    const shorter = watch(pool.acquire({ timeoutMillis: 5 }));
    const without = watch(pool.acquire({ timeoutMillis: 0 }));
    const asIs = watch(pool.acquire({ priority: 0 }));
    await pass(5);
    expect(shorter.state).toBe('rejected');
    await pass(15);
    expect(asIs.state).toBe('rejected');
    await pass(100_000);
    expect(without.state).toBe('pending');
  });

  test('covers use and lease, too', async () => {
    fakeTime();
    const { pool } = await lentOut({ acquireTimeoutMillis: 20 });
    const used = watch(pool.use(() => {}));
    const leased = watch(pool.lease({ timeoutMillis: 20 }));
    await pass(20);
    expect(used.error).toBeInstanceOf(AcquireTimeoutError);
    expect(leased.error).toBeInstanceOf(AcquireTimeoutError);
  });

  test('takes nothing from the next, who is not delayed', async () => {
    fakeTime();
    const { pool, thing } = await lentOut();
    const first = watch(pool.acquire({ timeoutMillis: 10 }));
    const second = watch(pool.acquire());
    setTimeout(() => pool.release(thing), 10); // in the same tick, right behind the timeout
    vi.advanceTimersByTime(10);
    await settle();
    expect(first.state).toBe('rejected');
    expect(second.value).toBe(thing);
  });

  test('that passes in the tick of its return, after it, has been served', async () => {
    fakeTime();
    const { pool, thing } = await lentOut();
    setTimeout(() => pool.release(thing), 10);
    const first = watch(pool.acquire({ timeoutMillis: 10 }));
    vi.advanceTimersByTime(10);
    await settle();
    expect(first.value).toBe(thing);
    expect(pool.stats()).toMatchObject({ timeouts: 0, borrowed: 1 });
  });

  test('that passes in the tick of its abort has one of the two outcomes', async () => {
    fakeTime();
    const { pool } = await lentOut();
    const controller = new AbortController();
    setTimeout(() => controller.abort('aborted'), 10);
    const first = watch(pool.acquire({ timeoutMillis: 10, signal: controller.signal }));
    const second = watch(pool.acquire({ timeoutMillis: 10, signal: controller.signal }));
    vi.advanceTimersByTime(10);
    await settle();
    expect([first.error, second.error]).toEqual(['aborted', 'aborted']);
    expect(pool.stats()).toMatchObject({ timeouts: 0, pending: 0 });
  });

  test('leaves no timer once it was served, rejected or aborted', async () => {
    fakeTime();
    const { pool, thing } = await lentOut();
    const controller = new AbortController();
    const timers = vi.getTimerCount();
    watch(pool.acquire({ timeoutMillis: 1000 }));
    watch(pool.acquire({ timeoutMillis: 1000, signal: controller.signal }));
    watch(pool.acquire({ timeoutMillis: 1000 }));
    expect(vi.getTimerCount()).toBe(timers + 3);
    await pool.release(thing);
    controller.abort();
    watch(pool.close());
    expect(vi.getTimerCount()).toBe(timers);
  });
});

test('those who give up in the middle of a long line leave the order of the others as it was', async () => {
  const { pool, thing } = await lentOut();
  const order: number[] = [];
  const controllers = Array.from({ length: 100 }, () => new AbortController());
  const all = controllers.map(({ signal }, index) =>
    pool.use(() => order.push(index), { signal }).catch(() => {}),
  );
  for (const [index, controller] of controllers.entries()) if (index % 3 !== 1) controller.abort();
  expect(pool.pending).toBe(33);
  const late = Array.from({ length: 60 }, (_, index) => pool.use(() => order.push(100 + index)));
  await pool.release(thing);
  await Promise.all([...all, ...late]);
  const left = controllers.flatMap((_, index) => (index % 3 === 1 ? [index] : []));
  expect(order).toEqual([...left, ...late.map((_, index) => 100 + index)]);
});

test('those who give up behind others that have done so leave the order as it was, too', async () => {
  const { pool, thing } = await lentOut();
  const order: number[] = [];
  const join = (name: number, again = false) => {
    const controller = new AbortController();
    const { signal } = controller;
    (again ? pool.take({ signal, requeue: true }) : pool.acquire({ signal })).then(
      () => order.push(name),
      () => {},
    );
    return controller;
  };
  const serve = async () => {
    await pool.release(thing);
    await settle();
  };
  for (let round = 0; round < 5; round++) {
    order.length = 0;
    const line = Array.from({ length: 14 }, (_, name) => join(name));
    for (const controller of line.slice(0, 6)) controller.abort();
    await serve();
    const [, second] = [join(100, true), join(101, true)];
    line[9]?.abort();
    line[13]?.abort();
    second?.abort();
    while (pool.pending > 0) await serve();
    expect(order).toEqual([6, 100, 7, 8, 10, 11, 12]);
    const again = [join(1, true), join(2), join(3)]; // in a line that was empty
    again[1]?.abort();
    while (pool.pending > 0) await serve();
    expect(order.slice(7)).toEqual([1, 3]);
  }
});
