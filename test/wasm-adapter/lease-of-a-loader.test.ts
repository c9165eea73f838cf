// A lease of what a loader makes: functions, classes, instances and state of its own.
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { wat } from '../helpers/wat.js';

const bytes = wat(`(module (memory (export "memory") 1) (global $count (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count)))`);

interface Core {
  memory: WebAssembly.Memory;
  count(): number;
}

/** As a class of emscripten's embind or of wasm-bindgen. */
class Counter {
  static made = 0;
  static readonly kinds = ['only'];
  static reset(): void {
    Counter.made = 0;
  }
  readonly start: number;
  constructor(start: number) {
    Counter.made++;
    this.start = start;
  }
}

interface Loaded {
  made: WebAssembly.Instance;
  raw: Core;
  state: { setting: number };
  title: string;
  own: number;
  count(): number;
  Counter: typeof Counter;
  twice(): number;
}

const pooled = () =>
  createWasmPool<Loaded>(bytes, {
    max: 1,
    instantiate(_, instance) {
      const made = instance.link({});
      const raw = made.exports as unknown as Core;
      return {
        ...{ made, raw, state: { setting: 1 }, title: 'loaded', own: 5, count: raw.count, Counter },
        twice(this: Loaded) {
          return this.count() + this.count();
        },
      };
    },
  });

const notLent = expect.objectContaining({ code: 'ERR_WASM_NOT_LENT' });

describe('while it is on', () => {
  test('all works as it does without', async () => {
    await using pool = await pooled();
    await using lease = await pool.lease();
    const { exports } = lease.value;
    expect(exports).toBe(lease.value.exports);
    expect([exports.count(), exports.twice(), exports.raw.count()]).toEqual([1, 5, 4]);
    expect((exports.made.exports as unknown as Core).count()).toBe(5);
    expect(exports.raw.memory).toBe(lease.value.memory);
    expect([exports.title, exports.state.setting]).toEqual(['loaded', 1]);

    const counter = new exports.Counter(7);
    expect(counter).toBeInstanceOf(Counter);
    expect([counter.start, exports.Counter.made, exports.Counter.kinds]).toEqual([7, 1, ['only']]);
    exports.Counter.reset();
    expect(Counter.made).toBe(0);
  });

  test('what the loader exports can be listed, asked for, and set', async () => {
    await using pool = await pooled();
    await using lease = await pool.lease();
    const { exports } = lease.value;
    const names = ['made', 'raw', 'state', 'title', 'own', 'count', 'Counter', 'twice'];
    expect(Object.keys(exports)).toEqual(names);
    expect(['count' in exports, 'none' in exports]).toEqual([true, false]);
    expect([Object.hasOwn(exports, 'count'), Object.hasOwn(exports, 'none')]).toEqual([
      true,
      false,
    ]);
    expect({ ...exports.raw }.count()).toBe(1);
    exports.own = 6;
    expect(exports.own).toBe(6);
    expect(exports.made).toBeInstanceOf(WebAssembly.Instance);
  });
});

test('once it has ended all that was kept of it throws, whoever has the instance', async () => {
  await using pool = await pooled();
  const lease = await pool.lease();
  const { exports } = lease.value;
  const { count, Counter: Kept, raw, made, twice } = exports;
  const { exports: inner } = made;
  await lease.release();
  const next = await pool.acquire();
  const uses = [
    count,
    twice,
    () => new Kept(1),
    () => Kept.made,
    () => raw.count(),
    () => raw.memory,
    () => inner.count,
    () => exports.title,
    () => {
      exports.own = 7;
    },
    () => Object.hasOwn(exports, 'count'),
  ];
  for (const use of uses) expect(use).toThrow(notLent);
  expect(next.exports.own).toBe(5);
  expect(next.exports.count()).toBe(1);
  await pool.release(next);
  expectAtRest(pool);
});

test('can be of a function, too', async () => {
  await using pool = await createWasmPool<() => number>(bytes, {
    instantiate: (_, instance) => (instance.link({}).exports as unknown as Core).count,
  });
  const lease = await pool.lease();
  const { exports: count } = lease.value;
  expect([count(), count()]).toEqual([1, 2]);
  await lease.destroy();
  expect(count).toThrow(notLent);
  expect(pool.stats().destroyedBy).toEqual({ borrower: 1 });
});

test('can be of anything else', async () => {
  await using pool = await createWasmPool<number>(bytes, { instantiate: () => 42 });
  await using lease = await pool.lease();
  expect(lease.value.exports).toBe(42);
  expect(lease.value.memoryBytes).toBe(0);
});
