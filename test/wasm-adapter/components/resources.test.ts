import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { collected } from '../../helpers/collected.js';
import { disposable, guestPool } from './guests.js';

describe('a resource of a component', () => {
  let pool: Awaited<ReturnType<typeof guestPool>>;
  beforeEach(async () => {
    pool = await guestPool({ max: 1 });
  });
  afterEach(async () => {
    expectAtRest(pool);
    await pool.close();
  });

  test('that is disposed has its destructor run, and costs nothing', async () => {
    const alive = await pool.use(({ exports: { counters } }) => {
      {
        using _one = disposable(new counters.Counter(1));
        using _two = disposable(new counters.Counter(1));
        expect(counters.alive()).toBe(2);
      }
      return counters.alive();
    });
    expect(alive).toBe(0);
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
  });

  test('that is given back to its component is the component’s, and costs nothing', async () => {
    const last = await pool.use(({ exports: { counters } }) => {
      using counter = disposable(new counters.Counter(7));
      counter.next();
      const finished = counters.finish(counter);
      expect(() => counter.next()).toThrow('the resource was disposed or given away');
      return finished;
    });
    expect(last).toBe(8);
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
  });

  test('that its borrower still holds when it returns the instance has that replaced', async () => {
    const instance = await pool.acquire();
    const { counters } = instance.exports;
    const counter = disposable(new counters.Counter(1));
    await pool.release(instance);
    expect(pool.stats().destroyedBy).toEqual({ resources: 1 });

    expect(() => counter.next()).toThrow(expect.objectContaining({ code: 'ERR_WASM_NOT_LENT' }));
    expect(() => counter[Symbol.dispose]()).not.toThrow(); // it went with its instance
    expect(await pool.use(({ exports }) => exports.counters.alive())).toBe(0);
  });

  test('that came as a result counts as held, too', async () => {
    await pool.use(({ exports: { counters } }) => {
      using counter = disposable(new counters.Counter(1));
      counters.Counter.copy(counter);
    });
    expect(pool.stats().destroyedBy).toEqual({ resources: 1 });
  });

  test('that onCreate made is the instance’s own', async () => {
    const made = new Map<number, { next(): number }>();
    await using own = await guestPool({
      max: 1,
      onCreate: ({ id, exports }) => made.set(id, new exports.counters.Counter(5)),
    });
    expect(await own.use(({ id }) => made.get(id)?.next())).toBe(5);
    expect(await own.use(({ id }) => made.get(id)?.next())).toBe(6);
    expect(own.stats()).toMatchObject({ created: 1, destroyedBy: {} });
  });

  test('has its destructor run by no collection, which can come at any time', async () => {
    const instance = await pool.acquire();
    const { counters } = instance.exports;
    const dropped = () => new WeakRef(new counters.Counter(1));
    expect(await collected(dropped())).toBe(false);
    expect(counters.alive()).toBe(1);
    await pool.release(instance);
  });
});
