// Who gives way to whom, within one budget.
import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPoolFactory } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { expectWithin, make, PAGE, sized } from './guests.js';

const namesAndSizes = (factory: ReturnType<typeof createWasmPoolFactory>) =>
  factory.stats().pools.map(({ name, instances }) => `${name} ${instances}`);

describe('over maxInstances', () => {
  test('the instance that was returned longest ago goes, whichever pool has it', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 3 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    const c = await make(factory, 'c', 1);
    for (const pool of [b, c, a]) await pool.use(() => {});
    const d = await make(factory, 'd', 1);
    expect(namesAndSizes(factory)).toEqual(['a 1', 'b 0', 'c 1', 'd 1']);
    await b.use(() => {});
    expect(namesAndSizes(factory)).toEqual(['a 1', 'b 1', 'c 0', 'd 1']);
    expect(c.stats().destroyedBy).toEqual({ budget: 1 });
    await Promise.all([a.use(() => {}), d.use(() => {})]);
    expectWithin(factory);
  });

  test('only as many go as have to', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 4 });
    const a = await make(factory, 'a', 1, { min: 4 });
    const b = await make(factory, 'b', 1);
    expect(namesAndSizes(factory)).toEqual(['a 3', 'b 1']);
    const lent = [await b.acquire(), await b.acquire()];
    expect(namesAndSizes(factory)).toEqual(['a 2', 'b 2']);
    for (const instance of lent) await b.release(instance);
    expect(a.stats().destroyedBy).toEqual({ budget: 2 });
  });

  test("a pool's own idle instances are used before others' are taken", async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    for (let loan = 0; loan < 5; loan++) await a.use(() => {});
    expect([a, b].map((pool) => pool.stats().destroyed)).toEqual([0, 0]);
  });
});

describe('over maxTotalMemoryBytes', () => {
  test('as many instances go as make room for a larger one', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    const small = await make(factory, 'small', 2, { min: 4 });
    await make(factory, 'large', 5);
    expect(namesAndSizes(factory)).toEqual(['small 2', 'large 1']);
    expect(small.stats().destroyedBy).toEqual({ budget: 2 });
    expect(factory.stats().memoryBytes).toBe(9 * PAGE);
  });

  test('nothing is made beyond it, however many pools begin at once', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    let most = 0;
    const note = () => {
      most = Math.max(most, factory.stats().memoryBytes);
    };
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        make(factory, `p${index}`, 4, { onCreate: () => turn().then(note) }),
      ),
    );
    expect(most).toBeLessThanOrEqual(10 * PAGE);
    expectWithin(factory);
  });

  test('memory that grew on loan counts when it is returned', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 4);
    const lent = await a.acquire();
    lent.exports.grow(8);
    expect(b.size).toBe(1);
    await a.release(lent);
    await turn();
    expect(namesAndSizes(factory)).toEqual(['a 1', 'b 0']);
    expectWithin(factory);
  });

  test('what grew beyond all of it goes itself, when it is returned', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    const a = await make(factory, 'a', 1);
    await a.use(({ exports }) => exports.grow(30));
    await turn();
    expect(a.size).toBe(0);
    expect(a.stats().destroyedBy).toEqual({ budget: 1 });
    expect(await a.use((instance) => instance.memoryBytes)).toBe(PAGE);
  });

  test('one instance that is larger than all of it is refused, when it is known ahead', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    const error = await failure(make(factory, 'huge', 11));
    expect(error).toMatchObject({ code: 'ERR_WASM_BUDGET' });
    expect(error.message).toMatch(/huge takes 720896 bytes, more than maxTotalMemoryBytes 655360/);
    expect(factory.stats()).toMatchObject({ memoryBytes: 0, instances: 0, modules: 0, pools: [] });
  });

  test('and when it shows only once it is made', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    const onCreate = ({ exports }: { exports: { grow(pages: number): number } }) =>
      exports.grow(10);
    const error = await failure(make(factory, 'huge', 1, { onCreate }));
    expect(error).toMatchObject({ code: 'ERR_WASM_BUDGET' });
    expect(error.message).toMatch(/huge#1 takes 720896 bytes/);
    expect(factory.stats()).toMatchObject({ memoryBytes: 0, instances: 0, modules: 0, pools: [] });
  });

  test('a pool that only sometimes makes them too large says so to who waits', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    let pages = 0;
    const a = await make(factory, 'a', 1, { onCreate: ({ exports }) => exports.grow(pages) });
    await a.destroy(await a.acquire());
    pages = 20;
    const error = await failure(a.acquire());
    expect(error).toMatchObject({ code: 'ERR_POOL_CREATE', cause: { code: 'ERR_WASM_BUDGET' } });
    pages = 0;
    await a.use(() => {});
    expectWithin(factory);
  });
});

test('what grew in the hands of one who kept its memory is judged before it is lent', async () => {
  await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 100 * PAGE });
  const a = await factory.create<{ memory: WebAssembly.Memory }>(
    wat('(module (memory (export "memory") 1))'),
    { testOnBorrow: true, maxMemoryBytes: 2 * PAGE },
  );
  const { memory } = await a.use(({ exports }) => exports);
  memory.grow(5);
  expect(await a.use(({ id }) => id)).toBe(2);
  expect(a.stats().destroyedBy).toEqual({ memory: 1 });
  expectWithin(factory);
});

describe('min of several pools', () => {
  test('that do not fit together is kept for those that came first, without any churn', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 5 });
    const min = 3;
    const pools = [
      await make(factory, 'a', 1, { min }),
      await make(factory, 'b', 1, { min }),
      await make(factory, 'c', 1, { min }),
    ];
    for (let count = 0; count < 20; count++) await turn();
    for (const pool of pools) await pool.use(() => {});
    for (let count = 0; count < 20; count++) await turn();
    const created = pools.reduce((sum, pool) => sum + pool.stats().created, 0);
    expect(created).toBeLessThan(20);
    expect(factory.stats().instances).toBe(5);
    expectWithin(factory);
  });

  test('does not take the last instance of another when evictors run', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    const options = { min: 1, evictionRunIntervalMillis: 1, softIdleTimeoutMillis: 100_000 };
    const a = await make(factory, 'a', 1, options);
    const b = await make(factory, 'b', 1, options);
    let runs = 0;
    const evict = () => {
      runs++;
      return false;
    };
    const c = await factory.create(sized(1), { ...options, name: 'c', min: 0, evict: [evict] });
    await expect.poll(() => runs).toBeGreaterThan(5);
    const created = [a, b, c].map((pool) => pool.stats().created);
    expect(created).toEqual([1, 1, 1]);
    expectWithin(factory);
  });

  test('is made up for once there is room again', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 4 });
    const a = await make(factory, 'a', 1, { min: 2 });
    const b = await make(factory, 'b', 1);
    const lent = await Promise.all([1, 2, 3, 4].map(() => b.acquire()));
    expect(a.size).toBe(0);
    for (const instance of lent) await b.destroy(instance);
    for (let count = 0; count < 5; count++) await turn();
    expect(a.size).toBe(2);
  });

  test('of two that both wait to have it made up is made up for both', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 6 });
    const a = await make(factory, 'a', 1, { min: 2 });
    const b = await make(factory, 'b', 1, { min: 2 });
    const c = await make(factory, 'c', 1);
    const lent = await Promise.all([1, 2, 3, 4, 5, 6].map(() => c.acquire()));
    expect([a.size, b.size]).toEqual([0, 0]);
    const ready = [a.ready(2), b.ready(2)];
    for (const instance of lent) await c.destroy(instance);
    await Promise.all(ready);
    expect([a.size, b.size]).toEqual([2, 2]);
  });

  test('that cannot all be made is no reason to wait', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1, { min: 5 });
    expect(a.size).toBe(2);
    const b = await make(factory, 'b', 1, { min: 5 });
    expect([a.size, b.size].reduce((sum, size) => sum + size)).toBe(2);
    expect(b.size).toBeGreaterThan(0);
    await a.use(() => {});
    expectWithin(factory);
  });

  test('of fresh spares is made up for when there is room, while others are on loan', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1, { reset: 'fresh' });
    const b = await make(factory, 'b', 1);
    const [lent, other] = [await a.acquire(), await b.acquire()];
    await turn();
    expect([a.size, a.available]).toEqual([1, 0]); // there is no room for a spare
    await b.destroy(other);
    await expect.poll(() => a.available).toBe(1);
    await a.release(lent);
    await expect.poll(() => a.stats().creating).toBe(0);
    expectWithin(factory);
  });

  test('of fresh spares does not push out what others use', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1, { reset: 'fresh' });
    for (let loan = 0; loan < 5; loan++) {
      await b.use(() => turn());
      await a.use(() => {});
      await turn();
    }
    expect(a.stats().destroyed).toBe(0);
    expect(b.stats().destroyedBy).toEqual({ used: 5 });
    expectWithin(factory);
  });
});
