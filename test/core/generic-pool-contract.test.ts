// What packages/core/src/generic-pool.ts takes for granted about the inside of generic-pool 3.9.0.
// When one of these tests fails, generic-pool has changed underneath: read its lib/Pool.js again,
// then that file, before anything else.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createPool } from '@wasm-pool/core';
import { describe, expect, test, vi } from 'vitest';
import { fakeTime, recordingFactory } from '../helpers/core.js';

const fromCore = createRequire(new URL('../../packages/core/package.json', import.meta.url));
const corePackage = fromCore('./package.json') as {
  dependencies?: object;
  devDependencies: Record<string, string>;
};
const genericPoolPackage = fromCore('generic-pool/package.json') as { version: string };

/** The members that generic-pool.ts uses, as far as these tests call them. */
interface Base {
  _evictor: object;
  _availableObjects: { length: number };
  _waitingClientsQueue: { length: number };
  _allObjects: { size: number };
  _factoryCreateOperations: { size: number };
  _testOnBorrowResources: { size: number };
  _testOnReturnResources: { size: number };
  _draining: boolean;
  _started: boolean;
  readonly _potentiallyAllocableResourceCount: number;
  readonly size: number;
  readonly available: number;
  readonly pending: number;
  readonly max: number;
  readonly min: number;
  readonly spareResourceCapacity: number;
  start(): void;
  _createResource(): void;
  _destroy(entry: unknown): void;
  _testOnBorrow(): boolean;
  _dispense(): void;
  _dispatchResource(): void;
  _ensureMinimum(): void;
  _evict(): void;
  _scheduleEvictorRun(): void;
  _descheduleEvictorRun(): void;
}
type Class = new (...args: unknown[]) => Base;
const Pool = fromCore('generic-pool/lib/Pool.js') as Class & { prototype: Base };

const FIELDS = [
  '_evictor',
  '_availableObjects',
  '_waitingClientsQueue',
  '_allObjects',
  '_config',
  '_factoryCreateOperations',
  '_testOnBorrowResources',
  '_testOnReturnResources',
  '_draining',
  '_started',
];
const METHODS: Record<string, number> = {
  _createResource: 0,
  _destroy: 1,
  _testOnBorrow: 0,
  _dispense: 0,
  _dispatchResource: 0,
  _ensureMinimum: 0,
  _evict: 0,
  _scheduleEvictorRun: 0,
  _descheduleEvictorRun: 0,
};
const GETTERS = ['_potentiallyAllocableResourceCount'];

/** A pool of generic-pool's whose parts write down what it asks of them. */
function observed(options: object = {}) {
  const log: string[] = [];
  const steps: ({ done: true } | { done: false; value: string })[] = [];
  const verdicts = new Map<string, unknown>();
  class Evictor {
    constructor(...args: unknown[]) {
      log.push(`new Evictor(${args})`);
    }
    evict(_config: unknown, entry: string) {
      log.push(`evict ${entry}`);
      return verdicts.get(entry);
    }
  }
  class Deque {
    length = 0;
    constructor(...args: unknown[]) {
      log.push(`new Deque(${args})`);
    }
    iterator() {
      log.push('iterator');
      return {
        next: () => {
          log.push('next');
          return steps.shift();
        },
        remove: () => log.push('remove'),
        reset: () => log.push('reset'),
      };
    }
  }
  class Queue {
    length = 0;
    constructor(...args: unknown[]) {
      log.push(`new Queue(${args})`);
    }
  }
  class Observed extends Pool {
    override _createResource() {
      log.push('_createResource');
      this._factoryCreateOperations = { size: this._factoryCreateOperations.size + 1 };
    }
    override _dispatchResource() {
      log.push('_dispatchResource');
    }
    override _destroy(entry: string) {
      log.push(`_destroy ${entry}`);
    }
    override _testOnBorrow() {
      log.push('_testOnBorrow');
      return true;
    }
    override _scheduleEvictorRun() {
      log.push('_scheduleEvictorRun');
      super._scheduleEvictorRun();
    }
    override _ensureMinimum() {
      log.push('_ensureMinimum');
      super._ensureMinimum();
    }
  }
  const pool = new Observed(Evictor, Deque, Queue, recordingFactory({ validate: () => true }), {
    max: 10,
    min: 2,
    priorityRange: 3,
    testOnBorrow: false,
    autostart: false,
    evictionRunIntervalMillis: 0,
    numTestsPerEvictionRun: Number.POSITIVE_INFINITY,
    ...options,
  });
  const since = () => log.splice(0);
  return { pool, since, steps, verdicts };
}

describe('the version', () => {
  test('is 3.9.0, and no other is accepted', () => {
    expect(corePackage.devDependencies['generic-pool']).toBe('3.9.0');
    expect(corePackage.dependencies).toBeUndefined(); // its code is bundled
    expect(genericPoolPackage.version).toBe('3.9.0');
  });
});

describe('the underscored members', () => {
  test.each(Object.entries(METHODS))('%s is a method of %i parameters', (name, parameters) => {
    const method = Object.getOwnPropertyDescriptor(Pool.prototype, name)?.value;
    expect(typeof method).toBe('function');
    expect(method).toHaveLength(parameters);
  });

  test.each(GETTERS)('%s is a getter', (name) => {
    expect(Object.getOwnPropertyDescriptor(Pool.prototype, name)?.get).toBeDefined();
  });

  test('there are the fields', () => {
    expect(Object.keys(observed().pool)).toEqual(expect.arrayContaining(FIELDS));
  });

  test('these are all that generic-pool.ts uses, and no other file uses any', () => {
    const folder = new URL('../../packages/core/src/', import.meta.url);
    const used: Record<string, string[]> = {};
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      const source = readFileSync(new URL(file, folder), 'utf8').replace(
        /\/\*[\s\S]*?\*\/|\/\/.*/g,
        '',
      );
      const names = source.match(/\b_\w+/g)?.filter((name) => /^_[a-z]/.test(name)) ?? [];
      used[file] = [...new Set(names)].sort();
    }
    const known = [...FIELDS, ...GETTERS, ...Object.keys(METHODS)].sort();
    expect(used['generic-pool.ts']).toEqual(known);
    const others = Object.entries(used).filter(([file, names]) => {
      const parameters = names.filter((name) => name !== '_config');
      return file !== 'generic-pool.ts' && parameters.length > 0;
    });
    expect(others).toEqual([]);
  });

  test('what ours leaves to generic-pool is this, and nothing else', () => {
    const ours = createPool(recordingFactory());
    const left = Object.getOwnPropertyNames(Pool.prototype).filter((name) => {
      let level: object = ours;
      while (!Object.hasOwn(level, name)) level = Object.getPrototypeOf(level);
      return level === Pool.prototype;
    });
    expect(left.sort()).toEqual(
      [
        // in use
        '_count',
        '_descheduleEvictorRun',
        '_dispense',
        'available',
        'min',
        'pending',
        'size',
        // out of use: what called these is replaced
        '__allResourceRequestsSettled',
        '__allResourcesReturned',
        '_addPooledResourceToAvailableObjects',
        '_applyDestroyTimeout',
        '_dispatchPooledResourceToNextWaitingClient',
        '_trackOperation',
      ].sort(),
    );
  });
});

describe('the constructor', () => {
  test('makes one of each part, asks the list for one iterator, and starts nothing', () => {
    const { pool, since } = observed();
    expect(since().sort()).toEqual(
      ['new Queue(3)', 'new Deque()', 'iterator', 'new Evictor()'].sort(),
    );
    expect(pool).toMatchObject({ _started: false, _draining: false });
  });

  test('takes a limit of MAX_SAFE_INTEGER, and Infinity for the tests of a run', () => {
    const { pool } = observed({ max: Number.MAX_SAFE_INTEGER });
    expect(pool.max).toBe(Number.MAX_SAFE_INTEGER);
    expect(pool.min).toBe(2);
  });
});

describe('the counts', () => {
  test('are read from the parts, those put in their place included', () => {
    const { pool } = observed();
    pool._allObjects = { size: 3 };
    pool._factoryCreateOperations = { size: 2 };
    pool._testOnBorrowResources = { size: 10 };
    pool._testOnReturnResources = { size: 20 };
    pool._availableObjects.length = 100;
    pool._waitingClientsQueue.length = 7;
    expect(pool).toMatchObject({
      size: 5,
      spareResourceCapacity: 5,
      available: 100,
      pending: 7,
      _potentiallyAllocableResourceCount: 132,
    });
  });
});

describe('_dispense', () => {
  test('does nothing when nobody waits', () => {
    const { pool, since } = observed({ testOnBorrow: true });
    pool._availableObjects.length = 3;
    since();
    pool._dispense();
    expect(since()).toEqual([]);
  });

  test.each([
    ['all that is short', 3, 0, 3],
    ['less what will be there anyway', 3, 2, 1],
    ['nothing when enough will be there', 3, 5, 0],
    ['no more than there is room for', 99, 0, 10],
  ])('creates %s', (_, waiting, expected, created) => {
    const { pool, since } = observed();
    pool._waitingClientsQueue.length = waiting;
    pool._testOnReturnResources = { size: expected };
    since();
    pool._dispense();
    expect(since()).toEqual(Array(created).fill('_createResource'));
  });

  test('then hands out what has become idle by then, to no more than waited when it began', () => {
    const { pool, since } = observed();
    pool._waitingClientsQueue.length = 2;
    pool._createResource = () => {
      pool._availableObjects.length = 3;
    };
    since();
    pool._dispense();
    expect(since()).toEqual(['_dispatchResource', '_dispatchResource']);
  });

  test.each([
    ['one for each who waits', 2, 5, 0, 2],
    ['less those under test', 3, 5, 2, 1],
    ['no more than are idle', 9, 1, 0, 1],
  ])('with testOnBorrow has idle resources tested: %s', (_, waiting, idle, testing, tested) => {
    const { pool, since } = observed({ testOnBorrow: true, max: 1 });
    pool._waitingClientsQueue.length = waiting;
    pool._availableObjects.length = idle;
    pool._testOnBorrowResources = { size: testing };
    pool._allObjects = { size: 1 };
    since();
    pool._dispense();
    expect(since()).toEqual(Array(tested).fill('_testOnBorrow'));
  });
});

describe('start', () => {
  test('schedules the evictor, then makes min, once', () => {
    const { pool, since } = observed();
    since();
    pool.start();
    pool.start();
    expect(since()).toEqual([
      '_scheduleEvictorRun',
      '_ensureMinimum',
      '_createResource',
      '_createResource',
    ]);
    expect(pool._started).toBe(true);
  });

  test('does nothing while draining, nor does _ensureMinimum', () => {
    const { pool, since } = observed();
    pool._draining = true;
    since();
    pool.start();
    pool._ensureMinimum();
    expect(since()).toEqual(['_ensureMinimum']);
    expect(pool._started).toBe(false);
  });

  test('makes what min lacks, those being created left out', () => {
    const { pool, since } = observed({ min: 5 });
    pool._allObjects = { size: 2 };
    pool._factoryCreateOperations = { size: 1 };
    since();
    pool._ensureMinimum();
    expect(since()).toEqual(['_ensureMinimum', '_createResource', '_createResource']);
  });
});

describe('the evictor', () => {
  test('is asked about each idle entry; remove, then _destroy for whom it says true', () => {
    const { pool, since, steps, verdicts } = observed();
    pool._availableObjects.length = 2;
    steps.push({ done: false, value: 'a' }, { done: false, value: 'b' });
    verdicts.set('a', true);
    since();
    pool._evict();
    expect(since()).toEqual(['next', 'evict a', 'remove', '_destroy a', 'next', 'evict b']);
  });

  test('starts the walk anew at its end, and stops when nothing is left', () => {
    const { pool, since, steps } = observed();
    pool._availableObjects.length = 1;
    steps.push({ done: true }, { done: false, value: 'a' });
    since();
    pool._evict();
    expect(since()).toEqual(['next', 'reset', 'next', 'evict a']);
    const emptied = { done: true as const };
    pool._availableObjects.length = 1;
    steps.push(emptied);
    Object.defineProperty(emptied, 'done', {
      get() {
        pool._availableObjects.length = 0;
        return true;
      },
    });
    pool._evict();
    expect(since()).toEqual(['next', 'reset']);
  });

  test('is asked numTestsPerEvictionRun times at most', () => {
    const { pool, since, steps } = observed({ numTestsPerEvictionRun: 1 });
    pool._availableObjects.length = 5;
    steps.push({ done: false, value: 'a' });
    since();
    pool._evict();
    expect(since()).toEqual(['next', 'evict a']);
  });

  test('runs at the interval, scheduled anew after each run, until it is descheduled', () => {
    fakeTime();
    const { pool, since } = observed({ evictionRunIntervalMillis: 100, min: 0 });
    pool.start();
    since();
    pool._availableObjects.length = 0;
    vi.advanceTimersByTime(250);
    expect(since()).toEqual(['_scheduleEvictorRun', '_scheduleEvictorRun']);
    pool._descheduleEvictorRun();
    vi.advanceTimersByTime(1000);
    expect(since()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not run without an interval', () => {
    fakeTime();
    observed({ evictionRunIntervalMillis: 0 }).pool.start();
    expect(vi.getTimerCount()).toBe(0);
  });
});
