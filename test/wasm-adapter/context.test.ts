import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { ADD, type Add, fixture, type Guest } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';

interface Request {
  user: string;
}
const add = wat(ADD);

describe("a borrower's context", () => {
  test('is there for one loan, however it was made, and gone after it', async () => {
    await using pool = await createWasmPool<Add, Request>(add, { max: 1 });
    const context = { user: 'Ada' };

    const acquired = await pool.acquire({ context });
    expect(acquired.context).toBe(context);
    await pool.release(acquired);
    expect(acquired.context).toBeUndefined();

    expect(await pool.use((instance) => instance.context, { context })).toBe(context);
    expect(await pool.use((instance) => instance.context)).toBeUndefined();
    expect(pool.useSync((instance) => instance.context, { context })).toBe(context);
    expect(pool.useSync((instance) => instance.context)).toBeUndefined();

    const tried = pool.tryAcquire({ context });
    expect(tried?.context).toBe(context);
    if (tried !== undefined) await pool.release(tried);
    {
      await using lease = await pool.lease({ context });
      expect(lease.value.context).toBe(context);
    }
    expect(acquired.context).toBeUndefined();
  });

  test('is the own one for each of many that borrow at once', async () => {
    const seen: [number, string | undefined][] = [];
    await using pool = await createWasmPool<Guest, Request>(fixture('guest.wasm'), {
      max: 4,
      imports: (instance) => ({
        env: {
          callback(value: number) {
            seen.push([value, instance.context?.user]);
            return value;
          },
        },
      }),
    });
    const numbers = [...Array(40).keys()];
    await Promise.all(
      numbers.map((number) =>
        pool.use(
          async ({ exports }) => {
            exports.ask(number);
            await turn();
            exports.ask(number);
          },
          { context: { user: `user ${number}` } },
        ),
      ),
    );
    expect(seen).toHaveLength(80);
    for (const [number, user] of seen) expect(user).toBe(`user ${number}`);
  });

  test('is gone after a borrower threw, and not there for who got the instance from its hand', async () => {
    await using pool = await createWasmPool<Add, Request>(add, { max: 1 });
    const first = pool.use(
      async () => {
        await turn();
        throw new Error('own');
      },
      { context: { user: 'Ada' } },
    );
    const second = pool.use((instance) => instance.context);
    await expect(first).rejects.toThrow('own');
    expect(await second).toBeUndefined();
  });

  test('is undefined while the instance is made', async () => {
    let context: unknown = 'not called';
    await using pool = await createWasmPool<Add, Request>(add, {
      onCreate(instance) {
        context = instance.context;
      },
    });
    expect(context).toBeUndefined();
    expect(pool.available).toBe(1);
  });

  test('may be anything, 0 and null too', async () => {
    await using pool = await createWasmPool<Add, unknown>(add);
    for (const context of [0, null, '', false]) {
      expect(await pool.use((instance) => instance.context, { context })).toBe(context);
    }
  });
});
