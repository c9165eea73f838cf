// Runs generic-pool's own tests, unchanged, against our drop-in for it, and once against generic-pool
// itself, which shows that they are run as they were meant to be.
import assert from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import * as dropIn from '@wasm-pool/core/generic-pool';
import { afterAll, describe, expect, test } from 'vitest';

const folder = new URL('./generic-pool-suite/', import.meta.url);
const require = createRequire(import.meta.url);

/** What a test of tap's is given, as far as generic-pool's use it. */
class TapTest {
  readonly ended: Promise<void>;
  end!: () => void;
  threw!: (error: unknown) => void;

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.end = resolve;
      this.threw = reject;
    });
  }

  /** A failed assertion ends the test, wherever it is thrown. */
  #check(assertion: () => void): void {
    try {
      assertion();
    } catch (error) {
      this.threw(error);
    }
  }

  equal(found: unknown, wanted: unknown): void {
    this.#check(() => assert.strictEqual(found, wanted));
  }

  notEqual(found: unknown, unwanted: unknown): void {
    this.#check(() => assert.notStrictEqual(found, unwanted));
  }

  same(found: unknown, wanted: unknown): void {
    this.#check(() => assert.deepEqual(found, wanted));
  }

  ok(found: unknown): void {
    this.#check(() => assert.ok(found));
  }

  notOk(found: unknown): void {
    this.#check(() => assert.ok(!found));
  }

  error(found: unknown): void {
    this.#check(() => assert.ifError(found));
  }

  fail(message: string): void {
    this.#check(() => assert.fail(message));
  }

  match(found: unknown, pattern: RegExp): void {
    this.#check(() =>
      assert.match(found instanceof Error ? found.message : String(found), pattern),
    );
  }

  type(found: object, wanted: string | (new () => object)): void {
    this.#check(() => {
      if (typeof wanted === 'string') assert.ok(found?.constructor?.name === wanted);
      else assert.ok(found instanceof wanted);
    });
  }

  doesNotThrow(call: () => void): void {
    this.#check(() => assert.doesNotThrow(call));
  }
}

/** Loads a file of the suite with `pool` for generic-pool, and gives each of its tests to `add`. */
function load(
  file: string,
  pool: { Pool: unknown },
  add: (name: string, body: (t: TapTest) => unknown) => void,
): unknown {
  const exports = {};
  const requireFrom = (name: string): unknown => {
    if (name === 'tap') return { test: add };
    if (name === '../') return pool;
    if (name === '../lib/Pool') return pool.Pool;
    if (name.startsWith('../')) return require(`generic-pool/${name.slice(3)}`);
    return load(`${name.slice(2)}.js`, pool, add);
  };
  const source = readFileSync(new URL(file, folder), 'utf8');
  const parameters = ['exports', 'require'];
  compileFunction(source, parameters, { filename: file })(exports, requireFrom);
  return exports;
}

test.each(
  Object.entries<(t: TapTest) => void>({
    equal: (t) => t.equal(1, 2),
    notEqual: (t) => t.notEqual(1, 1),
    same: (t) => t.same({ a: 1 }, { a: 2 }),
    ok: (t) => t.ok(0),
    notOk: (t) => t.notOk(1),
    error: (t) => t.error(new Error('is there')),
    fail: (t) => t.fail('always'),
    match: (t) => t.match(new Error('this'), /that/),
    type: (t) => t.type({}, 'Set'),
    doesNotThrow: (t) => t.doesNotThrow(() => assert.fail()),
    threw: (t) => t.threw(new Error('thrown')),
  }),
)('an assertion of the suite that does not hold fails its test: %s', async (_, body) => {
  const t = new TapTest();
  body(t);
  t.end();
  await expect(t.ended).rejects.toThrow();
});

const files = readdirSync(folder).filter((name) => name.endsWith('-test.js'));

describe.each([
  ['@wasm-pool/core/generic-pool', dropIn as { Pool: unknown }],
  ['generic-pool', require('generic-pool') as { Pool: unknown }],
])("%s passes generic-pool's own tests", (_, pool) => {
  const run = new Map<string, number>();
  for (const file of files) {
    describe(file, () => {
      load(file, pool, (name, body) => {
        test(name, async () => {
          const t = new TapTest();
          const result = body(t);
          await (result instanceof Promise ? Promise.race([result, t.ended]) : t.ended);
          run.set(file, (run.get(file) ?? 0) + 1);
        });
      });
    });
  }

  // 29 of the pool, 11 of its parts.
  afterAll(() => {
    expect(Object.fromEntries(run)).toEqual({
      'GH-159-test.js': 1,
      'doubly-linked-list-iterator-test.js': 5,
      'doubly-linked-list-test.js': 1,
      'generic-pool-acquiretimeout-test.js': 2,
      'generic-pool-destroytimeout-test.js': 2,
      'generic-pool-test.js': 24,
      'resource-request-test.js': 5,
    });
  });
});
