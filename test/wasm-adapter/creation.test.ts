import { setImmediate as turn } from 'node:timers/promises';
import { createWasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { fakeTime, pass } from '../helpers/core.js';
import { failure } from '../helpers/failure.js';
import { ADD, type Add, fixture, type Guest } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';

const add = wat(ADD);
const reason = new Error('the loader gave up');

const failing = {
  throws: () => {
    throw reason;
  },
  rejects: async () => {
    throw reason;
  },
};

describe.each(['instantiate', 'onCreate', 'imports', 'wasi'] as const)('when %s', (option) => {
  test.each(Object.keys(failing))('%s, making the pool fails with that', async (how) => {
    const options = { [option]: failing[how as keyof typeof failing] };
    expect(await failure(createWasmPool(add, options))).toBe(reason);
  });

  test('never settles, making the pool fails after createTimeoutMillis', async () => {
    const options = { [option]: () => new Promise<never>(() => {}), createTimeoutMillis: 20 };
    const error = await failure(createWasmPool(add, options));
    expect(error.message).toContain('20 ms (createTimeoutMillis)');
  });

  test('rejects with something that is no error, making the pool fails with that', async () => {
    const options = { [option]: () => Promise.reject('a string') };
    expect(await failure(createWasmPool(add, options))).toBe('a string');
  });
});

describe('onCreate', () => {
  test('runs once on each instance, and its calls are allowed', async () => {
    const seen: number[] = [];
    await using pool = await createWasmPool<Guest>(fixture('guest.wasm'), {
      imports: { env: { callback: () => 0 } },
      async onCreate(instance) {
        await turn();
        seen.push(instance.exports.bump());
      },
      min: 2,
    });
    expect(seen).toEqual([1, 1]);
    expect(await pool.use(({ exports }) => exports.bump())).toBe(2);
    expect(seen).toHaveLength(2);
  });

  test('that fails later fails the acquire it was for, and no other', async () => {
    let fails = false;
    await using pool = await createWasmPool<Add>(add, {
      onCreate() {
        if (fails) throw reason;
      },
    });
    await pool.destroy(await pool.acquire());
    fails = true;
    const error = await failure(pool.acquire());
    expect(error).toMatchObject({ code: 'ERR_POOL_CREATE', cause: reason });
    fails = false;
    expect(await pool.use(({ exports }) => exports.add(1, 1))).toBe(2);
    expectAtRest(pool);
  });

  test('that never settles later has the acquire fail after createTimeoutMillis', async () => {
    fakeTime();
    let hangs = false;
    await using pool = await createWasmPool<Add>(add, {
      onCreate: () => (hangs ? new Promise(() => {}) : undefined),
      createTimeoutMillis: 20,
    });
    await pool.destroy(await pool.acquire());
    hangs = true;
    const acquired = failure(pool.acquire());
    await pass(20);
    expect(await acquired).toMatchObject({
      code: 'ERR_POOL_CREATE',
      cause: { code: 'ERR_POOL_FACTORY_TIMEOUT' },
    });
    expectAtRest(pool);
  });
});

describe('an instance that could not be made', () => {
  test('cannot be called by whoever kept it', async () => {
    let kept: Add | undefined;
    await failure(
      createWasmPool<Add>(add, {
        onCreate({ exports }) {
          kept = exports;
          throw reason;
        },
      }),
    );
    expect(() => kept?.add(1, 1)).toThrow(/not on loan/);
  });
});

const notWhole: unknown[] = [
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  -1,
  1.5,
  '2',
  null,
  true,
  {},
  2n,
];
const counts = ['max', 'min', 'maxMemoryBytes', 'maxUses', 'burst', 'maxWaitingClients'];
const times = [
  'acquireTimeoutMillis',
  'createTimeoutMillis',
  'destroyTimeoutMillis',
  'idleTimeoutMillis',
  'maxAgeMillis',
  'evictionRunIntervalMillis',
  'leakDetectionMillis',
];
/** Infinity stands for no limit in all others. */
const finite = ['min', 'maxMemoryBytes', 'burst', 'evictionRunIntervalMillis'];
const badOptions: [string, unknown][] = [
  ...finite.map((name): [string, unknown] => [name, Number.POSITIVE_INFINITY]),
  ...[...counts, ...times].flatMap((name) =>
    notWhole.map((value): [string, unknown] => [name, value]),
  ),
  ...times.map((name): [string, unknown] => [name, 2 ** 31]),
  ...[1, null, {}].map((value): [string, unknown] => ['name', value]),
  ...[1, 'yes', null].map((value): [string, unknown] => ['testOnBorrow', value]),
  ...[1, 'env', null].map((value): [string, unknown] => ['imports', value]),
  ...[1, 'yes', null].map((value): [string, unknown] => ['wasi', value]),
  ...[1, {}, null, 'f'].map((value): [string, unknown] => ['instantiate', value]),
  ...[1, {}, null, 'f'].map((value): [string, unknown] => ['onCreate', value]),
];

describe('making a pool refuses', () => {
  test.each(badOptions)('%s: %o', async (name, value) => {
    const error = await failure(createWasmPool(add, { [name]: value }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect(error.message).toMatch(new RegExp(`\\b${name} is .*; accepted: `));
    const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
    expect(error.message).toContain(shown);
  });

  test('max below min', async () => {
    const error = await failure(createWasmPool(add, { max: 2, min: 3 }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/min is 3; accepted: .*max \(2\)/);
  });

  test('an unknown option, and names those it knows', async () => {
    for (const name of ['maximum', 'Max', 'autostart', 'toString', '__proto__x']) {
      const error = await failure(createWasmPool(add, { [name]: 1 }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(`unknown option ${name}; accepted: acquireTimeoutMillis`);
    }
  });

  test.each([null, 4, 'max', () => {}])('%o for options', async (options) => {
    const error = await failure(createWasmPool(add, options as WasmPoolOptions));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain('accepted: an object');
  });

  test('a bad option before it looks at the source', async () => {
    const error = await failure(createWasmPool('/no/such/file', { max: -1 }));
    expect(error).toBeInstanceOf(TypeError);
  });

  test('nothing that is undefined', async () => {
    const options = { max: undefined, name: undefined, imports: undefined, onCreate: undefined };
    await using pool = await createWasmPool<Add>(add, options);
    expect(await pool.use(({ name }) => name)).toBe('wasm#1');
  });
});
