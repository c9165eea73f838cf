// The table under "Operating" in the README of core, mark by mark: each pool runs the same small program, as it
// comes from npm. What HikariCP and puddle do is from their sources, which the README links.
import { EventEmitter } from 'node:events';
import { createPool } from '@wasm-pool/core';
import genericPool from 'generic-pool';
import { Pool as LightningPool } from 'lightning-pool';
import { Pool as TarnPool } from 'tarn';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass, settle } from '../helpers/core.js';
import { rowsOf } from '../helpers/tables.js';

const readme = new URL('../../packages/core/README.md', import.meta.url);

interface Thing {
  readonly id: number;
}

/** The parts of a factory; `create` is given what makes a thing, and what the pool gave it. */
interface Parts {
  create?: (make: () => Thing, given: readonly unknown[]) => Thing | Promise<Thing>;
  destroy?: (thing: Thing) => unknown;
  validate?: (thing: Thing) => boolean;
}

interface Sizes {
  readonly max: number;
  readonly min?: number;
}

/** A pool, as far as all have the same; `undefined` where its types have no such method. */
interface AnyPool {
  acquire(): Promise<Thing>;
  release(thing: Thing): unknown;
  /** Destroys one that is idle. */
  destroyIdle(thing: Thing): unknown;
  /** Destroys one that is on loan. */
  destroy: ((thing: Thing) => unknown) | undefined;
  retireAll: (() => unknown) | undefined;
  resize: ((max: number) => void) | undefined;
}

interface Kind {
  make(parts: Parts, sizes: Sizes, options?: object): AnyPool;
  /** All that can be called or read on a pool, to see what there is not. */
  members(): string[];
}

function factoryOf({ create, destroy }: Parts) {
  let made = 0;
  const make = () => ({ id: ++made });
  return {
    create: async (...given: readonly unknown[]) => (create ? create(make, given) : make()),
    destroy: async (thing: Thing) => void (await destroy?.(thing)),
  };
}

/** As factoryOf, with a `validate` that takes time, as most want it. */
function validatingFactoryOf(parts: Parts) {
  const { validate } = parts;
  return {
    ...factoryOf(parts),
    ...(validate && { validate: async (thing: Thing) => validate(thing) }),
  };
}

/** What has a name of its own, on a pool or on its classes, but for what every EventEmitter has. */
function membersOf(pool: object): string[] {
  const names = new Set<string>();
  const ends: unknown[] = [Object.prototype, EventEmitter.prototype];
  for (let at = pool; !ends.includes(at); at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names].filter((name) => !name.startsWith('_') && name !== 'constructor').sort();
}

const kinds: Record<string, Kind> = {
  'generic-pool': {
    make(parts, sizes, options) {
      const pool = genericPool.createPool<Thing>(validatingFactoryOf(parts), {
        ...sizes,
        ...options,
      });
      return {
        acquire: () => pool.acquire(),
        release: (thing) => pool.release(thing),
        destroyIdle: (thing) => pool.destroy(thing).catch(() => {}),
        destroy: (thing) => pool.destroy(thing),
        retireAll: () => pool.clear(),
        resize: undefined, // `max` has no setter
      };
    },
    members: () => membersOf(genericPool.createPool(factoryOf({}))),
  },
  tarn: {
    make(parts, sizes, options) {
      const { validate = () => true } = parts;
      const factory = { ...factoryOf(parts), validate };
      const pool = new TarnPool<Thing>({ ...factory, min: 0, ...sizes, ...options });
      return {
        acquire: () => pool.acquire().promise,
        release: (thing) => pool.release(thing),
        destroyIdle: (thing) => pool.release(thing), // nothing else takes a resource
        destroy: undefined,
        retireAll: undefined,
        resize: undefined, // `max` is protected
      };
    },
    members: () => membersOf(new TarnPool({ ...factoryOf({}), min: 0, max: 1 })),
  },
  'lightning-pool': {
    make(parts, sizes, options) {
      const pool = new LightningPool<Thing>(validatingFactoryOf(parts), { ...sizes, ...options });
      pool.start();
      return {
        acquire: () => pool.acquire(),
        release: (thing) => pool.releaseAsync(thing),
        destroyIdle: (thing) => pool.destroyAsync(thing),
        destroy: (thing) => pool.destroyAsync(thing),
        retireAll: undefined,
        resize: (max) => {
          pool.options.max = max;
        },
      };
    },
    members: () => membersOf(new LightningPool(factoryOf({}))),
  },
  here: {
    make(parts, sizes, options) {
      const pool = createPool<Thing>(validatingFactoryOf(parts), { ...sizes, ...options });
      return {
        acquire: () => pool.acquire(),
        release: (thing) => pool.release(thing),
        destroyIdle: (thing) => pool.destroy(thing),
        destroy: (thing) => pool.destroy(thing),
        retireAll: () => pool.replace(),
        resize: (max) => pool.resize({ max }),
      };
    },
    members: () => membersOf(createPool(factoryOf({}))),
  },
};

/** For each line of the table: whether a pool of that kind does it. */
const programs: Record<string, (kind: Kind) => Promise<boolean> | boolean> = {
  async 'take out an idle resource that died'({ make }) {
    const destroyed: Thing[] = [];
    const pool = make({ destroy: (dead) => destroyed.push(dead) }, { max: 1 });
    const thing = await pool.acquire();
    await pool.release(thing);
    await pool.destroyIdle(thing);
    return destroyed.includes(thing) && (await pool.acquire()) !== thing;
  },
  async 'retire all, lent ones at their return'({ make }) {
    const pool = make({}, { max: 1 });
    const thing = await pool.acquire();
    if (pool.retireAll === undefined) return false;
    void pool.retireAll();
    await pool.release(thing);
    await settle();
    return (await pool.acquire()) !== thing;
  },
  async 'cancel a creation that nobody needs any more'({ make }) {
    let given: readonly unknown[] = [];
    const create = (one: () => Thing, all: readonly unknown[]) => {
      given = all;
      return one();
    };
    await make({ create }, { max: 1 }).acquire();
    return given.some(
      (it) => (it as { signal?: unknown } | undefined)?.signal instanceof AbortSignal,
    );
  },
  async 'a limit that counts a resource until it is destroyed'({ make }) {
    fakeTime();
    let alive = 0;
    let most = 0;
    const over = Promise.withResolvers<void>();
    const create = (one: () => Thing) => {
      most = Math.max(most, ++alive);
      return one();
    };
    let isFit = true;
    const destroy = () => over.promise.then(() => alive--);
    const pool = make({ create, destroy, validate: () => isFit }, { max: 1 }, {});
    const thing = await pool.acquire();
    if (pool.destroy !== undefined) void pool.destroy(thing);
    else {
      await pool.release(thing);
      isFit = false; // tarn destroys what does not pass
    }
    const next = pool.acquire();
    await pass(50); // tarn tries again by a timer
    isFit = true;
    over.resolve();
    await pass(50);
    await next;
    return most === 1;
  },
  async 'a maximum age, with jitter'({ make }) {
    fakeTime();
    const destroyed: Thing[] = [];
    const options = { maxAgeMillis: 1000, maxAgeJitter: 0.5 };
    let pool: AnyPool;
    try {
      pool = make({ destroy: (dead) => destroyed.push(dead) }, { max: 1 }, options);
    } catch {
      return false; // tarn knows no such option
    }
    for (let passed = 0; passed < 1200; passed += 100) {
      await pool.release(await pool.acquire());
      await pass(100);
    }
    return destroyed.length > 0;
  },
  'a successor before a resource goes by age': async (kind) => {
    if (!(await programs['a maximum age, with jitter']?.(kind))) return false;
    let alive = 0;
    let fewest = 1;
    const make = (one: () => Thing) => {
      alive++;
      return one();
    };
    const destroy = () => {
      fewest = Math.min(fewest, --alive);
    };
    kind.make({ create: make, destroy }, { max: 2, min: 1 }, { maxAgeMillis: 1000 });
    await pass(3000);
    return fewest === 1 && alive > 0;
  },
  async 'change the limit at run time'({ make }) {
    const pool = make({}, { max: 1 });
    await pool.acquire();
    if (pool.resize === undefined) return false;
    pool.resize(2);
    await pool.acquire();
    return true;
  },
  'a list of the resources with age, uses and state'({ members }) {
    return members().includes('inspect');
  },
  async 'check idle resources in the background'({ make }) {
    fakeTime();
    let asked = 0;
    const validate = () => {
      asked++;
      return true;
    };
    const known = { evictionRunIntervalMillis: 100 };
    let pool: AnyPool;
    try {
      pool = make({ validate }, { max: 1 }, { ...known, testWhileIdle: true });
    } catch {
      pool = make({ validate }, { max: 1 }, { reapIntervalMillis: 100 }); // tarn
    }
    await pool.release(await pool.acquire());
    const before = asked;
    await pass(1000);
    return asked > before;
  },
  'how many had to wait, and for how long'({ members }) {
    return members().includes('stats');
  },
  async 'an acquire that outwaits an outage'({ make }) {
    let works = false;
    const create = (one: () => Thing) => {
      if (works) return one();
      return settle().then(() => Promise.reject(new Error('down')));
    };
    const options = [
      { acquireMaxRetries: 1000, acquireRetryWait: 1 }, // lightning-pool
      { createRetryIntervalMillis: 1 }, // tarn
      { propagateCreateError: false }, // here
    ];
    for (const option of options) {
      let pool: AnyPool;
      try {
        pool = make({ create }, { max: 1 }, option);
      } catch {
        continue; // an option of another's
      }
      const acquired = pool.acquire().then(
        () => true,
        () => false,
      );
      for (let turn = 0; turn < 5; turn++) await settle();
      works = true;
      if (await acquired) return true;
      works = false;
    }
    return false;
  },
};

const rows = rowsOf(readme, 'Operating');

describe.each(Object.keys(kinds))('%s', (name) => {
  test.each(Object.entries(programs))('%s', async (line, program) => {
    const row = rows.find((it) => it['what operators ask for'] === line);
    const does = await program(kinds[name] as Kind);
    expect(row?.[name]).toMatch(does ? /^(?!no$)./ : /^no$/);
  });
});

// Nothing among these tells of resources or of waits. Where one of these lists has changed, look again.
test.each([
  [
    'generic-pool',
    [
      'acquire',
      'available',
      'borrowed',
      'clear',
      'destroy',
      'drain',
      'isBorrowedResource',
      'max',
      'min',
      'pending',
      'ready',
      'release',
      'size',
      'spareResourceCapacity',
      'start',
      'use',
    ],
  ],
  [
    'tarn',
    [
      'acquire',
      'acquireTimeoutMillis',
      'check',
      'createRetryIntervalMillis',
      'createTimeoutMillis',
      'creator',
      'destroy',
      'destroyTimeoutMillis',
      'destroyed',
      'destroyer',
      'emitter',
      'eventId',
      'free',
      'idleTimeoutMillis',
      'interval',
      'isEmpty',
      'log',
      'max',
      'min',
      'numFree',
      'numPendingAcquires',
      'numPendingCreates',
      'numPendingValidations',
      'numUsed',
      'on',
      'pendingAcquires',
      'pendingCreates',
      'pendingDestroys',
      'pendingRetryTimers',
      'pendingValidations',
      'propagateCreateError',
      'reapIntervalMillis',
      'release',
      'removeAllListeners',
      'removeListener',
      'used',
      'validate',
    ],
  ],
  [
    'lightning-pool',
    [
      'acquire',
      'acquired',
      'available',
      'close',
      'closeAsync',
      'creating',
      'destroy',
      'destroyAsync',
      'emit',
      'includes',
      'isAcquired',
      'options',
      'pending',
      'release',
      'releaseAsync',
      'size',
      'start',
      'state',
    ],
  ],
])('%s has these members', (name, members) => {
  expect(kinds[name]?.members()).toEqual(members);
});

test('each line of the table has a program', () => {
  expect(rows.map((it) => it['what operators ask for'])).toEqual(Object.keys(programs));
});
