import { createPool, OptionError, type PoolOptions } from '@wasm-pool/core';
import { checkOptions, poolOptionChecks } from '@wasm-pool/core/internal';
import { describe, expect, test } from 'vitest';
import { recordingFactory, rejection } from '../helpers/core.js';

const none = () => {};
const count = (least: number) => `a whole number of at least ${least}`;
const millis = 'a whole number from 0 to 2147483647';
const flag = 'true or false';
const notMillis = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, true, 2 ** 31];
const notCount = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null, true, 2 ** 53];
const limit = (least: number) => `${count(least)}, or Infinity`;
const millisOrInfinity = `${millis}, or Infinity`;
const finite = (values: readonly unknown[]) =>
  values.filter((it) => it !== Number.POSITIVE_INFINITY);
const notLimit = finite(notCount);
const notTime = finite(notMillis);
const notFlag = [0, 1, 'true', null, {}];

/** Of each option: what is accepted, in words; values that are; values that are not. */
const options: Record<keyof PoolOptions, [string, unknown[], unknown[]]> = {
  name: ['a string', ['', 'db'], [1, null, Symbol('db'), ['db']]],
  max: [limit(0), [0, 1, 10_000], notLimit],
  min: [count(0), [0, 1, 5], notCount],
  maxWaitingClients: [limit(0), [0, 1, 1000], notLimit],
  testOnBorrow: [flag, [true, false], notFlag],
  acquireTimeoutMillis: [millisOrInfinity, [0, 1, 2 ** 31 - 1], notTime],
  createTimeoutMillis: [millisOrInfinity, [0, 1, 2 ** 31 - 1], notTime],
  destroyTimeoutMillis: [millisOrInfinity, [0, 1, 2 ** 31 - 1], notTime],
  propagateCreateError: [flag, [true, false], notFlag],
  fifo: [flag, [true, false], notFlag],
  priorityRange: ['a whole number from 1 to 1000', [1, 2, 1000], [0, ...notCount, 1001]],
  autostart: [flag, [true, false], notFlag],
  burst: [count(0), [0, 1], notCount],
  maxUses: [limit(0), [0, 1], notLimit],
  maxAgeMillis: [millisOrInfinity, [0, 1], notTime],
  maxAgeJitter: ['a number from 0 to 1', [0, 0.1, 1], [-0.1, 1.1, '0.5', null, Number.NaN]],
  countDestroying: [flag, [true, false], notFlag],
  testWhileIdle: [flag, [true, false], notFlag],
  idleTimeoutMillis: [millisOrInfinity, [0, 1], notTime],
  softIdleTimeoutMillis: [`-1 or ${millisOrInfinity}`, [-1, 0, 1], [-2, ...notTime.slice(1)]],
  evict: [
    'a function or an array of functions',
    [none, [], [none, none]],
    [1, 'idle', null, [none, 1]],
  ],
  evictionRunIntervalMillis: [millis, [0, 1], notMillis],
  numTestsPerEvictionRun: [limit(1), [1, 3, Number.POSITIVE_INFINITY], [0, ...notLimit]],
  leakDetectionMillis: [millisOrInfinity, [0, 1], notTime],
};

const factory = recordingFactory({ validate: () => true });
const create = (given: unknown) =>
  createPool(factory, { max: 5, ...(given as object), autostart: false });

describe.each(Object.entries(options))('%s', (name, [accepts, good, bad]) => {
  test.each(good.map((value) => [value]))('may be %o', (value) => {
    expect(() => create({ [name]: value })).not.toThrow();
  });

  test('may be undefined: not given', () => {
    expect(() => create({ [name]: undefined })).not.toThrow();
  });

  test.each(bad.map((value) => [value]))(
    'may not be %o: a TypeError says what is accepted',
    (value) => {
      expect(() => createPool(factory, { [name]: value })).toThrow(TypeError);
      let error: unknown;
      try {
        createPool(factory, { [name]: value });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(OptionError);
      expect(error).toMatchObject({ code: 'ERR_POOL_OPTION', name: 'OptionError' });
      const { message } = error as Error;
      expect(message.startsWith(`createPool: ${name} is `)).toBe(true);
      expect(message.endsWith(`; accepted: ${accepts}`)).toBe(true);
    },
  );
});

test.each([
  [-1, '-1'],
  [Number.NaN, 'NaN'],
  ['5', '"5"'],
  [null, 'null'],
  [true, 'true'],
  [5n, '5'],
  [() => 5, 'a function'],
  [[5], 'an array ([object Array])'],
  [{ five: 5 }, 'an object ([object Object])'],
  [new Date(5), 'an object ([object Date])'],
  [Symbol('five'), 'Symbol(five)'],
  ['a'.repeat(100), `"${'a'.repeat(76)}...`],
])('a bad value of %o is shown as such', (value, shown) => {
  expect(() => createPool(factory, { max: value as number })).toThrow(
    `createPool: max is ${shown}; accepted: ${limit(0)}`,
  );
});

test('options that are not given at all are fine', () => {
  expect(checkOptions('somewhere', undefined, poolOptionChecks)).toBeUndefined();
});

test('there is a check for each option', () => {
  expect(Object.keys(poolOptionChecks).sort()).toEqual(Object.keys(options).sort());
});

test('an unknown option is refused, and the message lists the known ones', () => {
  expect(() => createPool(factory, { maxx: 1 } as object)).toThrow(
    `createPool: unknown option maxx; accepted: ${Object.keys(options).sort().join(', ')}`,
  );
  expect(() => createPool(factory, { toString: 1 } as object)).toThrow('unknown option toString');
});

test.each([null, 5, 'max', true, [], () => {}])('options may not be %o', (given) => {
  expect(() => createPool(factory, given as unknown as object)).toThrow(
    /^createPool: options is .*; accepted: an object$/,
  );
});

test('an inherited option is checked as any other, for it takes effect as any other', async () => {
  const defaults = { max: '5', timeoutMillis: '10' };
  expect(() => createPool(factory, Object.create(defaults))).toThrow('createPool: max is "5"');
  const pool = createPool(factory, Object.create({ name: 'db', max: 5 }));
  expect(pool.stats()).toMatchObject({ name: 'db', max: 5 });
  expect(await rejection(pool.acquire(Object.create({ timeoutMillis: '10' })))).toMatchObject({
    message: expect.stringContaining('acquire: timeoutMillis is "10"'),
  });
  expect(() => pool.resize(Object.create({ max: '5' }))).toThrow('resize: max is "5"');
  expect(await rejection(pool.close(Object.create({ timeoutMillis: '5' })))).toMatchObject({
    message: expect.stringContaining('close: timeoutMillis is "5"'),
  });
});

test('min may not be above max, unless max is no limit', () => {
  expect(() => createPool(factory, { max: 2, min: 3 })).toThrow(
    'createPool: min is 3; accepted: a whole number up to max (2)',
  );
  expect(() => createPool(factory, { min: 2 })).toThrow('up to max (1)');
  expect(() => createPool(factory, { max: 2, min: 2, autostart: false })).not.toThrow();
  expect(() => createPool(factory, { max: 0, min: 50, autostart: false })).not.toThrow();
});

test('the defaults: one resource, made when it is asked for', () => {
  const pool = createPool(recordingFactory());
  expect(pool).toMatchObject({ max: 1, min: 0, size: 0, spareResourceCapacity: 1 });
  expect(pool.stats().name).toBe('pool');
});

describe('the factory', () => {
  const destroy = none;
  test.each([
    ['no create', { destroy }, 'createPool: factory.create is undefined; accepted: a function'],
    [
      'no destroy',
      { create: none },
      'createPool: factory.destroy is undefined; accepted: a function',
    ],
    [
      'a validate that is no function',
      { create: none, destroy, validate: 1 },
      'createPool: factory.validate is 1; accepted: a function',
    ],
    [
      'a recycle that is no function',
      { create: none, destroy, recycle: 1 },
      'createPool: factory.recycle is 1; accepted: a function',
    ],
    [
      'a canCreate that is no function',
      { create: none, destroy, canCreate: 1 },
      'createPool: factory.canCreate is 1; accepted: a function',
    ],
  ])('with %s is refused', (_, bad, message) => {
    expect(() => createPool(bad as never)).toThrow(new TypeError(message));
  });

  test.each([undefined, null, 1])('may not be %o', (bad) => {
    expect(() => createPool(bad as never)).toThrow(TypeError);
    expect(() => createPool(bad as never, { testOnBorrow: true })).toThrow(TypeError);
  });

  test('may not come late: a function of the pool is synchronous', () => {
    const late = async () => ({ create: none, destroy });
    expect(() => createPool(late as never)).toThrow(
      'createPool: the function that gives the factory returned a promise; it has to be synchronous',
    );
  });

  test('may be a class instance: its methods are called on it', async () => {
    class Counter {
      count = 0;
      create() {
        return { number: ++this.count };
      }
      validate() {
        return this.count > 0;
      }
      recycle() {
        return this.count > 0;
      }
      canCreate() {
        return this.count < 9;
      }
      destroy() {
        this.count--;
      }
    }
    const counter = new Counter();
    const pool = createPool(counter, { testOnBorrow: true });
    await pool.use(() => {});
    await pool.use((it) => expect(it.number).toBe(1));
    await pool.close();
    expect(counter.count).toBe(0);
  });
});
