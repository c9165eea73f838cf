// Those who wait for others to give back.
import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, createWasmPoolFactory } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { expectWithin, make, PAGE, sized } from './guests.js';

describe('where everything is on loan', () => {
  test('a borrower waits until something is returned, by whichever pool', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    const lent = await a.acquire();
    const waiting = b.acquire();
    await turn();
    expect([b.size, b.pending]).toEqual([0, 1]);
    await a.release(lent);
    const got = await waiting;
    expect([a.size, b.borrowed]).toEqual([0, 1]);
    await b.release(got);
    expectWithin(factory);
  });

  test('pools wait in the order in which they came', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1);
    const others = [
      await make(factory, 'b', 1),
      await make(factory, 'c', 1),
      await make(factory, 'd', 1),
    ];
    const lent = [await a.acquire(), await a.acquire()];
    const order: string[] = [];
    const loans = others.map((pool) =>
      pool.use(async ({ name }) => {
        order.push(name.slice(0, 1));
        await turn();
      }),
    );
    await turn();
    for (const instance of lent) await a.release(instance);
    await Promise.all(loans);
    expect(order).toEqual(['b', 'c', 'd']);
    expectWithin(factory);
  });

  test('one who comes at the very moment that there is room does not overtake them', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const [a, b] = [await make(factory, 'a', 1), await make(factory, 'b', 1)];
    const lent = [await a.acquire(), await b.acquire()] as const;
    const order: string[] = [];
    const first = a.use(() => order.push('a'));
    await turn();
    void b.destroy(lent[1]); // and in the same breath
    const second = b.use(() => order.push('b'));
    await a.release(lent[0]);
    await Promise.all([first, second]);
    expect(order).toEqual(['a', 'b']);
    expectWithin(factory);
  });

  test('what a pool has back goes to those who wait for it in that pool, and is given up after', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    const order: string[] = [];
    const log = ({ name }: { name: string }) => void order.push(name);
    const lent = await a.acquire();
    const loans = [b.use(log), a.use(log), a.use(log), b.use(log)];
    await turn();
    await a.release(lent);
    await Promise.all(loans);
    expect(order).toEqual(['a#2', 'a#2', 'b#2', 'b#2']);
    expectWithin(factory);
  });

  test('one that times out is told who holds what', async () => {
    await using factory = createWasmPoolFactory({ maxTotalMemoryBytes: 10 * PAGE });
    const a = await make(factory, 'a', 3);
    const b = await make(factory, 'b', 4);
    const c = await make(factory, 'c', 4);
    const lent = [await a.acquire(), await b.acquire()] as const;
    const errors = await Promise.all([
      failure(c.acquire({ timeoutMillis: 2 })),
      failure(c.use(() => {}, { timeoutMillis: 2 })),
      failure(c.lease({ timeoutMillis: 2 })),
    ]);
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_BUDGET' });
      expect(error.cause).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
      expect(error.message).toContain(
        'held by b (262144 bytes, 1 instances, 1 on loan), a (196608 bytes, 1 instances, 1 on loan)',
      );
    }
    await a.release(lent[0]);
    await b.release(lent[1]);
    await c.use(() => {});
    expectWithin(factory);
  });

  test('one that times out is told, too, whose instances are being made', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const gate = Promise.withResolvers<void>();
    const onCreate = ({ id }: { id: number }) => (id > 1 ? gate.promise : undefined);
    const a = await make(factory, 'a', 1, { onCreate });
    const b = await make(factory, 'b', 1, { acquireTimeoutMillis: 20 });
    const lent = await a.acquire();
    const slow = a.acquire();
    const error = await failure(b.acquire());
    expect(error).toMatchObject({ code: 'ERR_WASM_BUDGET' });
    expect(error.message).toContain('held by a (131072 bytes, 2 instances, 1 on loan)');
    gate.resolve();
    await a.release(await slow);
    await a.release(lent);
    expectWithin(factory);
  });

  test('one that waits for its own pool is told of that', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 5 });
    const a = await make(factory, 'a', 1, { max: 1 });
    const lent = await a.acquire();
    expect(await failure(a.acquire({ timeoutMillis: 2 }))).toMatchObject({
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
    });
    await a.release(lent);
  });

  test('one that waited for others before, and now for its own pool, is told of that', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1, { max: 1 });
    const lent = [await a.acquire(), await a.acquire()];
    expect(await failure(b.acquire({ timeoutMillis: 2 }))).toMatchObject({
      code: 'ERR_WASM_BUDGET',
    });
    for (const instance of lent) await a.release(instance);
    const own = await b.acquire();
    const theirs = await a.acquire();
    expect(await failure(b.acquire({ timeoutMillis: 2 }))).toMatchObject({
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
    });
    await b.release(own);
    await a.release(theirs);
  });

  test('one that times out in another pool, inside of its loan, has that as its own error', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    await using other = await createWasmPool(sized(1), { max: 1 });
    const a = await make(factory, 'a', 1);
    const lent = await other.acquire();
    const error = await failure(a.use(() => other.acquire({ timeoutMillis: 2 })));
    expect(error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    await other.release(lent);
  });

  test('one that gives up leaves its place to the next', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    const c = await make(factory, 'c', 1, { min: 1 });
    const lent = await a.acquire();
    const controller = new AbortController();
    const leaving = failure(b.acquire({ signal: controller.signal }));
    await turn();
    controller.abort(new Error('gone'));
    expect((await leaving).message).toBe('gone');
    const ready = c.ready(1); // for nobody, and b is not in need any more
    await a.destroy(lent);
    await ready;
    expect([b.size, c.size]).toEqual([0, 1]);
    expectWithin(factory);
  });

  test('a new pool waits too, and no longer than its acquireTimeoutMillis', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    const a = await make(factory, 'a', 1);
    const lent = await a.acquire();
    const error = await failure(make(factory, 'b', 1, { acquireTimeoutMillis: 2 }));
    expect(error).toMatchObject({ code: 'ERR_WASM_BUDGET' });
    expect(error.message).toContain('no instance within 2 ms');
    expect(error.message).toContain('a (65536 bytes, 1 instances, 1 on loan)');
    const patient = make(factory, 'c', 1, { acquireTimeoutMillis: 60_000 });
    await turn();
    await a.release(lent);
    expect((await patient).size).toBe(1);
    expect(factory.stats().pools.map(({ name }) => name)).toEqual(['a', 'c']);
  });

  test('a new pool whose onCreate takes longer than that is waited for', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const making = make(factory, 'a', 1, { acquireTimeoutMillis: 1, onCreate: () => gate });
    await new Promise((resolve) => setTimeout(resolve, 5));
    open();
    expect((await making).size).toBe(1);
  });
});

describe('a pool that closes', () => {
  test('while others wait makes room for them', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    const lent = [await a.acquire(), await a.acquire()];
    const waiting = b.use(({ name }) => name);
    await turn();
    await a.close({ timeoutMillis: 1 });
    expect(await waiting).toBe('b#2');
    expect(lent.map((instance) => instance.memoryBytes)).toEqual([0, 0]);
    expectWithin(factory);
  });

  test('while it waits itself rejects its borrowers, and is out of the way', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 1 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    const lent = await a.acquire();
    const waiting = failure(b.acquire());
    await b.close();
    expect(await waiting).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    await a.release(lent);
    expect(factory.stats().pools.map(({ name }) => name)).toEqual(['a']);
    expectAtRest(a);
  });

  test('is closed once, however often it is told', async () => {
    await using factory = createWasmPoolFactory({ maxInstances: 2 });
    const a = await make(factory, 'a', 1);
    const b = await make(factory, 'b', 1);
    await Promise.all([a.close(), a.close(), a[Symbol.asyncDispose]()]);
    await a.close();
    expect(factory.stats()).toMatchObject({ instances: 1, modules: 1 });
    expect(factory.stats().pools).toHaveLength(1);
    await b.use(() => {});
  });

  test('by its factory is closed with all the others', async () => {
    const factory = createWasmPoolFactory({ maxInstances: 3 });
    const pools = [await make(factory, 'a', 1), await make(factory, 'b', 2)];
    await factory.close();
    for (const pool of pools) {
      expect(await failure(pool.acquire())).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    }
    expect(factory.stats()).toMatchObject({ memoryBytes: 0, instances: 0, modules: 0, pools: [] });
    expect(await failure(make(factory, 'c', 1))).toMatchObject({ code: 'ERR_WASM_CLOSED' });
  });

  test('by its factory while it is being made is closed, and given to nobody', async () => {
    const factory = createWasmPoolFactory();
    const { promise, resolve } = Promise.withResolvers<void>();
    const making = failure(make(factory, 'a', 1, { onCreate: () => promise }));
    await expect.poll(() => factory.stats().instances).toBe(1);
    await factory.close();
    resolve();
    expect(await making).toMatchObject({ code: 'ERR_WASM_CLOSED' });
    expect(factory.stats()).toMatchObject({ memoryBytes: 0, instances: 0, modules: 0, pools: [] });
  });
});
