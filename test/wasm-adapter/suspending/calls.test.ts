import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, suspending, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { type Asking, asking, Gate } from './guests.js';

type Answer = (value: number) => Promise<number>;

const pooled = (answer: Answer, options: WasmPoolOptions<Asking> = {}) =>
  createWasmPool<Asking>(asking, {
    promising: ['ask', 'askAndTrap', 'askTwice', 'noted'],
    imports: { env: { answer: suspending(answer), note() {} } },
    ...options,
  });

describe('a call that is suspended', () => {
  test('keeps its instance while others run on theirs', async () => {
    const gates = new Map<number, Gate>();
    await using pool = await pooled((value) => {
      const gate = new Gate();
      gates.set(value, gate);
      return gate.promise;
    });
    const ids: number[] = [];
    const calls = [1, 2, 3].map((value) =>
      pool.use(({ id, exports }) => {
        ids.push(id);
        return exports.ask(value);
      }),
    );
    await turn();
    expect(new Set(ids).size).toBe(3);
    expect([pool.borrowed, gates.size]).toEqual([3, 3]);
    expect(await pool.use(({ exports }) => exports.plain())).toBe(42);
    gates.get(2)?.open(200);
    expect(await calls[1]).toBe(202);
    gates.get(3)?.open(300);
    gates.get(1)?.open(100);
    expect(await Promise.all(calls)).toEqual([101, 202, 303]);
    expect(pool.stats().destroyed).toBe(0);
    expectAtRest(pool);
  });

  test('has those wait who find no instance', async () => {
    const gate = new Gate();
    await using pool = await pooled(() => gate.promise, { max: 1 });
    const first = pool.use(({ exports }) => exports.ask(1));
    const second = pool.use(({ exports }) => exports.plain());
    await turn();
    expect([pool.borrowed, pool.pending]).toEqual([1, 1]);
    gate.open(10);
    expect(await Promise.all([first, second])).toEqual([11, 42]);
    expectAtRest(pool);
  });

  test('gives a promise, also where nothing is waited for', async () => {
    await using pool = await pooled(async (value) => value * 2, { promising: true });
    await pool.use(async ({ exports }) => {
      const plain: unknown = exports.plain();
      expect(plain).toBeInstanceOf(Promise);
      expect(await plain).toBe(42);
      expect(await exports.ask(4)).toBe(12);
    });
    expectAtRest(pool);
  });

  test('takes what is no promise at once, and keeps its order with other work', async () => {
    const results = createWasmPool<Asking>(asking, {
      promising: ['ask'],
      imports: { env: { answer: suspending((value: number) => value + 1), note() {} } },
    });
    await using pool = await results;
    expect(await pool.use(({ exports }) => exports.ask(1))).toBe(3);
    expectAtRest(pool);
  });
});

describe('in a suspended call the host functions', () => {
  test("see their own borrower's context, before and after", async () => {
    const seen: unknown[] = [];
    const gates: Gate[] = [];
    await using pool = await createWasmPool<Asking, string>(asking, {
      promising: ['noted'],
      imports: (instance) => ({
        env: {
          answer: suspending(() => {
            const gate = new Gate();
            gates.push(gate);
            return gate.promise.then((value) => (instance.context === undefined ? -1 : value));
          }),
          note: (when: number) => seen.push(`${instance.context} ${when}`),
        },
      }),
    });
    const calls = ['a', 'b', 'c'].map((context) =>
      pool.use(({ exports }) => exports.noted(0), { context }),
    );
    await turn();
    expect(seen.splice(0)).toEqual(['a 1', 'b 1', 'c 1']);
    for (const index of [1, 2, 0]) {
      gates[index]?.open(index);
      await turn();
    }
    expect(await Promise.all(calls)).toEqual([0, 1, 2]);
    expect(seen).toEqual(['b 2', 'c 2', 'a 2']);
  });

  test('are in the AsyncLocalStorage of their own borrower, before and after', async () => {
    const requests = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const gates: Gate[] = [];
    await using pool = await createWasmPool<Asking>(asking, {
      promising: ['noted'],
      max: 2,
      imports: {
        env: {
          answer: suspending(() => {
            seen.push(`${requests.getStore()} asks`);
            const gate = new Gate();
            gates.push(gate);
            return gate.promise;
          }),
          note: (when: number) => seen.push(`${requests.getStore()} ${when}`),
        },
      },
    });
    const calls = ['a', 'b', 'c'].map((request) =>
      requests.run(request, () =>
        pool.use(async ({ exports }) => {
          const answer = await exports.noted(0);
          return `${requests.getStore()} ${answer}`;
        }),
      ),
    );
    await turn();
    gates[1]?.open(1);
    await turn();
    gates[0]?.open(0);
    await turn();
    gates[2]?.open(2);
    expect(await Promise.all(calls)).toEqual(['a 0', 'b 1', 'c 2']);
    const of = (request: string) => seen.filter((note) => String(note).startsWith(request));
    for (const request of ['a', 'b', 'c']) {
      expect(of(request)).toEqual([`${request} 1`, `${request} asks`, `${request} 2`]);
    }
  });
});

describe('an instance is destroyed', () => {
  test('when it is returned with a call under way, whose end then harms nobody', async () => {
    const gate = new Gate();
    let noted = 0;
    await using pool = await createWasmPool<Asking>(asking, {
      promising: ['noted'],
      imports: { env: { answer: suspending(() => gate.promise), note: () => noted++ } },
    });
    const instance = await pool.acquire();
    const call = instance.exports.noted(1);
    await turn();
    await pool.release(instance);
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    const next = await pool.acquire();
    expect(next).not.toBe(instance);
    gate.open(5);
    expect(await call).toBe(6);
    expect(noted).toBe(2);
    expect(next.exports.stack.value).toBe(65_536);
    await pool.release(next);
    expectAtRest(pool);
  });

  test('with a call under way that fails later, which nobody has to wait for', async () => {
    const gate = new Gate();
    await using pool = await pooled(() => gate.promise);
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    await pool.use(({ exports }) => void exports.ask(1));
    gate.fail(new Error('too late'));
    await turn();
    await turn();
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    expectAtRest(pool);
  });

  test('with a call under way by pool.destroy, lease and close too, and the caller is told the rest', async () => {
    const gate = new Gate();
    const pool = await pooled(() => gate.promise);
    const first = await pool.acquire();
    const calls = [first.exports.ask(1)];
    await pool.destroy(first);
    const lease = await pool.lease();
    calls.push(lease.value.exports.ask(2));
    await lease.release();
    calls.push(pool.use(({ exports }) => exports.ask(3)));
    await turn();
    await pool.close({ timeoutMillis: 1 });
    expect(pool.size).toBe(0);
    gate.fail(new Error('told'));
    for (const call of calls) expect((await failure(call)).message).toBe('told');
    expect(pool.stats().destroyedBy).toEqual({ borrower: 1, busy: 1, close: 1 });
  });

  test.each([
    ['rejects', async () => Promise.reject(new Error('no answer')), 'no answer'],
    [
      'throws at once',
      () => {
        throw new Error('no promise');
      },
      'no promise',
    ],
    ['gives a value of no such type', async () => Symbol('s') as unknown as number, 'Symbol'],
  ])('when the import that it waits for %s', async (_, answer, message) => {
    await using pool = await pooled(answer, { max: 1 });
    const error = await failure(
      pool.use(async ({ exports }) => {
        const caught = await failure(exports.ask(1));
        expect(exports.stack.value).toBe(65_520); // the harm that is done
        throw caught;
      }),
    );
    expect(error.message).toContain(message);
    expect(await pool.use(({ exports }) => exports.stack.value)).toBe(65_536);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(pool);
  });

  test('when it traps after it was resumed, even if that was caught', async () => {
    await using pool = await pooled(async (value) => value, { max: 1 });
    const error = await pool.use(({ exports }) => failure(exports.askAndTrap(1)));
    expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(pool);
  });

  test('when an argument does not fit, as with any other export', async () => {
    await using pool = await pooled(async (value) => value, { max: 1 });
    const call = pool.use(({ exports }) => exports.ask(1n as unknown as number));
    expect(await failure(call)).toBeInstanceOf(TypeError);
    await pool.use(({ exports }) => {
      const given: unknown = exports.ask(Symbol('s') as unknown as number);
      expect(given).toBeInstanceOf(Promise); // and no throw
      return failure(given as Promise<number>);
    });
    expect(pool.stats().destroyedBy).toEqual({ trap: 2 });
    expectAtRest(pool);
  });
});

test('an instance is not made when onCreate leaves a call under way', async () => {
  const error = await failure(
    pooled(() => new Promise(() => {}), { onCreate: ({ exports }) => void exports.ask(1) }),
  );
  expect(error).toMatchObject({ code: 'ERR_WASM_START' });
  expect(error.message).toContain('is suspended still: await it there');
});

describe('an import that never settles', () => {
  test('keeps its instance until the pool is closed with a timeout', async () => {
    const pool = await pooled(() => new Promise(() => {}), { max: 1 });
    void pool.use(({ exports }) => exports.ask(1));
    await turn();
    const error = await failure(pool.acquire({ timeoutMillis: 1 }));
    expect(error).toMatchObject({ code: 'ERR_POOL_ACQUIRE_TIMEOUT' });
    await pool.close({ timeoutMillis: 1 });
    expect(pool.size).toBe(0);
    expect(pool.stats().destroyedBy).toEqual({ close: 1 });
    expectAtRest(pool);
  });

  test('can be given up by its borrower with a signal, whose instance is then replaced', async () => {
    await using pool = await pooled(() => new Promise(() => {}), { max: 1 });
    const controller = new AbortController();
    const { signal } = controller;
    const call = pool.use(({ exports }) => {
      const { promise, reject } = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => reject(signal.reason));
      return Promise.race([exports.ask(1), promise]);
    });
    const waiting = pool.acquire({ signal });
    const patient = pool.use(({ exports }) => exports.plain());
    await turn();
    controller.abort(new Error('gone home'));
    expect((await failure(call)).message).toBe('gone home');
    expect((await failure(waiting)).message).toBe('gone home');
    expect(await patient).toBe(42);
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    expectAtRest(pool);
  });
});

describe('promising', () => {
  test('of an export that does not exist says which there are', async () => {
    const error = await failure(pooled(async () => 1, { promising: ['ask', 'tell'] }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toMatch(/tell.*accepted: memory, stack, ask/);
  });

  test.each([false, []])('%j leaves all exports as they are', async (promising) => {
    await using pool = await pooled(async () => 1, { promising });
    expect(await pool.use(({ exports }) => exports.plain())).toBe(42);
  });

  test('names what may wait; another export that comes to wait traps, and says so', async () => {
    await using pool = await pooled(async () => 1, { promising: ['askTwice'] });
    const error = await failure(pool.use(({ exports }) => exports.ask(1)));
    expect(error.name).toBe('SuspendError');
    expect(error.message).toContain('WebAssembly.promising');
    expect(await pool.use(({ exports }) => exports.askTwice(1))).toBe(5);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(pool);
  });

  test('is refused to whoever kept the export of an instance that was returned', async () => {
    await using pool = await pooled(async () => 1);
    const { ask } = await pool.use(({ exports }) => exports);
    const given: unknown = ask(1);
    expect(given).toBeInstanceOf(Promise);
    expect(await failure(given as Promise<number>)).toMatchObject({ code: 'ERR_WASM_NOT_LENT' });
    expect(pool.stats().destroyed).toBe(0);
  });

  test('applies to what a loader links, and to onCreate', async () => {
    await using pool = await pooled(async (value) => value, {
      instantiate: (_, instance) =>
        instance.link({ env: { answer: suspending(async (value: number) => value), note() {} } })
          .exports as unknown as Asking,
      onCreate: async ({ exports }) => expect(await exports.ask(3)).toBe(6),
    });
    expect(await pool.use(({ exports }) => exports.ask(4))).toBe(8);
    expectAtRest(pool);
  });
});
