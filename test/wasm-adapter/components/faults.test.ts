import { parse } from '@bytecodealliance/jco';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { collected } from '../../helpers/collected.js';
import { failure } from '../../helpers/failure.js';
import { cache, disposable, type Guest, guestPool, host } from './guests.js';

type Pool = Awaited<ReturnType<typeof guestPool>>;
type Exports = Pick<Guest, 'faults' | 'values' | 'counters'>;

/** A host that does what it is told. */
function moodyHost() {
  const imports = host();
  const moody = imports['test:guest/host@1.0.0'];
  moody.log = (message) => {
    if (message === 'throw') throw new RangeError('the log is full');
  };
  moody.lookUp = (key) => {
    if (key === 'missing') throw Object.assign(new Error('not here'), { payload: 'no such key' });
    if (key === 'broken') throw new RangeError('the disk is broken');
    if (key === 'wrong') return 'five' as unknown as number;
    return key.length;
  };
  return imports;
}

describe('a component', () => {
  let pool: Pool;
  beforeEach(async () => {
    pool = await guestPool({ max: 1, imports: moodyHost() });
  });
  afterEach(async () => {
    expectAtRest(pool);
    expect(await pool.use(({ exports }) => exports.faults.bump())).toBeGreaterThan(0);
    await pool.close();
  });

  const fail = (call: (exports: Exports) => unknown) =>
    failure(pool.use(({ exports }) => call(exports)));

  test.each<[string, (exports: Exports) => unknown, string, RegExp]>([
    ['trapped', ({ faults }) => faults.trap(), 'RuntimeError', /unreachable/],
    ['ran out of stack', ({ faults }) => faults.recurse(1e7), 'RangeError', /call stack/],
    ['ran out of memory', ({ values }) => values.greet('x'.repeat(70_000)), 'RuntimeError', /./],
    ['had an import throw', ({ faults }) => faults.say('throw'), 'RangeError', /the log is full/],
    [
      'had an import throw what is not the error of its result',
      ({ faults }) => faults.ask('broken'),
      'RangeError',
      /the disk is broken/,
    ],
    [
      'got a value of the wrong type from an import',
      ({ faults }) => faults.ask('wrong'),
      'TypeError',
      /invalid u32 value \[five\]/,
    ],
    [
      'was called with an argument of the wrong type',
      ({ faults }) => faults.distance('one' as unknown as number, 2),
      'TypeError',
      /invalid s32 value \[one\]/,
    ],
    [
      'trapped in a destructor',
      ({ counters }) => Reflect.get(new counters.Counter(666), Symbol.dispose)(),
      'RuntimeError',
      /unreachable/,
    ],
  ])('that %s is not lent again', async (_, call, name, message) => {
    const error = await fail(call);
    expect(error.name).toBe(name);
    expect(error.message).toMatch(message);
    expect(pool.stats()).toMatchObject({ destroyed: 1, destroyedBy: { trap: 1 } });
  });

  test('that trapped is not lent again when its borrower caught that itself', async () => {
    await pool.use(({ exports }) => {
      expect(() => exports.faults.trap()).toThrow(WebAssembly.RuntimeError);
    });
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test.each<[string, (exports: Exports) => unknown]>([
    ['answers with the error of a result', ({ values }) => values.divide(1, 0)],
    ['passes on the error of an import’s result', ({ faults }) => faults.ask('missing')],
  ])('that %s stays', async (_, call) => {
    const error = await fail(call);
    expect(error).toHaveProperty('payload');
    expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
  });

  test('stays when its borrower throws', async () => {
    expect(await fail(() => JSON.parse('nonsense'))).toBeInstanceOf(SyntaxError);
    expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
  });

  test('goes when the answer of another came in by an import, and through it', async () => {
    await using outer = await guestPool({
      imports: {
        ...host(),
        'test:guest/host@1.0.0': {
          ...host()['test:guest/host@1.0.0'],
          log: () => pool.useSync(({ exports }) => exports.values.divide(1, 0)),
        },
      },
    });
    const error = await failure(outer.use(({ exports }) => exports.faults.say('divide')));
    expect(error).toMatchObject({ payload: 'division by zero' });
    expect(outer.stats().destroyedBy).toEqual({ trap: 1 });
    expect(pool.stats().destroyedBy).toEqual({});
  });

  test('is what is lent again and again, and cannot be called in between', async () => {
    const instance = await pool.acquire();
    const { values, counters } = instance.exports;
    expect(values.greet('you')).toBe('hello you');
    await pool.release(instance);
    for (const late of [() => values.greet('me'), () => new counters.Counter(1)]) {
      expect(late).toThrow(expect.objectContaining({ code: 'ERR_WASM_NOT_LENT' }));
    }
    expect(await pool.use(({ id }) => id)).toBe(instance.id);
  });

  test('cannot be called by an ended lease, when somebody else has it', async () => {
    const lease = await pool.lease();
    const { values, counters } = lease.value.exports;
    const { greet } = values;
    await lease.release();
    await pool.use(() => {
      const ended = expect.objectContaining({ code: 'ERR_WASM_NOT_LENT' });
      expect(() => values.greet('me')).toThrow(ended);
      expect(() => greet('me')).toThrow(ended);
      expect(() => new counters.Counter(1)).toThrow(ended);
    });
  });
});

describe('the memory of a component', () => {
  test('is freed once its instance is evicted', async () => {
    await using pool = await guestPool({ idleTimeoutMillis: 20 });
    const exports = await pool.use(async (lent) => {
      const counter = disposable(new lent.exports.counters.Counter(1));
      counter[Symbol.dispose]();
      return new WeakRef(lent.exports);
    });
    await expect.poll(() => pool.size).toBe(0);
    expect(pool.stats().destroyedBy).toEqual({ idle: 1 });
    expect(await collected(exports)).toBe(true);
  });

  test('is that of all core instances in it', async () => {
    const bytes = await parse(`(component
      (core module $one (memory 1))
      (core module $two (memory 2)
        (func (export "grow") (result i32) (memory.grow (i32.const 4))))
      (core instance (instantiate $one))
      (core instance $second (instantiate $two))
      (core func $grow (alias core export $second "grow"))
      (func (export "grow") (result u32) (canon lift (core func $grow))))`);
    const options = { component: { cache } };
    await using pool = await createWasmPool<{ grow(): number }>(bytes, options);
    await pool.use((instance) => {
      expect(instance.memoryBytes).toBe(3 * 65_536);
      expect(instance.exports.grow()).toBe(2);
      expect(instance.memoryBytes).toBe(7 * 65_536);
    });
  });

  test('is limited by maxMemoryBytes', async () => {
    await using pool = await guestPool({ maxMemoryBytes: 2 ** 20 });
    await pool.use(({ exports }) => exports.faults.grow(1));
    expect(pool.stats().destroyedBy).toEqual({});
    await pool.use(({ exports }) => exports.faults.grow(16));
    expect(pool.stats().destroyedBy).toEqual({ memory: 1 });
    expectAtRest(pool);
  });
});
