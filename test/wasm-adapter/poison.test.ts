import { runInNewContext } from 'node:vm';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';
import { fixture, type Guest } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';

const bytes = fixture('guest.wasm');

/** A host whose callback throws for a negative value. */
const host = {
  env: {
    callback(value: number) {
      if (value < 0) throw new RangeError(`no answer to ${value}`);
      return value * 2;
    },
  },
};

const guestPool = (options = {}) =>
  createWasmPool<Guest>(bytes, { imports: host, name: 'guest', ...options });

describe('without a pool, one instance for everybody', () => {
  function sharedInstance(): Guest {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), host);
    const guest = instance.exports as unknown as Guest & { _initialize(): void };
    guest._initialize();
    return guest;
  }

  test('keeps its stack pointer where it was when the host threw', () => {
    const guest = sharedInstance();
    const before = guest.__stack_pointer.value;
    expect(guest.ask(21)).toBe(42);
    expect(guest.__stack_pointer.value).toBe(before);
    expect(() => guest.ask(-1)).toThrow(RangeError);
    expect(guest.__stack_pointer.value).toBe(before - 1024);
  });

  test('writes its frames over its own data after some such throws, and nobody is told', () => {
    const guest = sharedInstance();
    for (let request = 0; request < 16; request++) expect(() => guest.ask(-1)).toThrow();
    expect(guest.damage()).toBe(0);
    expect(guest.ask(21)).toBe(42); // the seventeenth frame lies where the data is
    expect(guest.damage()).toBeGreaterThan(0);
  });
});

describe('an instance through which an exception went', () => {
  test('is not lent again, so that the next one is whole', async () => {
    await using pool = await guestPool({ max: 1 });
    for (let request = 0; request < 40; request++) {
      await expect(pool.use(({ exports }) => exports.ask(-1))).rejects.toThrow(RangeError);
      expect(await pool.use(({ exports }) => [exports.ask(21), exports.damage()])).toEqual([42, 0]);
    }
    expect(pool.stats().destroyedBy).toEqual({ trap: 40 });
    expectAtRest(pool);
  });

  test('is destroyed when its borrower caught the error itself', async () => {
    await using pool = await guestPool();
    const id = await pool.use((instance) => {
      expect(() => instance.exports.ask(-1)).toThrow(RangeError);
      return instance.id;
    });
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expect(await pool.use((instance) => instance.id)).not.toBe(id);
  });

  test('is destroyed whichever way it was lent', async () => {
    await using pool = await guestPool();
    const fail = (guest: Guest) => expect(() => guest.trap()).toThrow(WebAssembly.RuntimeError);

    const acquired = await pool.acquire();
    fail(acquired.exports);
    await pool.release(acquired);
    {
      await using lease = await pool.lease();
      fail(lease.value.exports);
    }
    await pool.use(({ exports }) => fail(exports));
    await pool.use(() => {}); // one that is idle, for the next
    pool.useSync(({ exports }) => fail(exports));
    expect(pool.stats().destroyedBy).toEqual({ trap: 4 });
    expectAtRest(pool);
  });

  test('tells who listens that it was a trap', async () => {
    await using pool = await guestPool();
    const reasons: string[] = [];
    pool.on('destroy', (_, reason) => reasons.push(reason));
    await failure(pool.use(({ exports }) => exports.trap()));
    expect(reasons).toEqual(['trap']);
  });

  test('gives the very error on, a trap and what the host threw', async () => {
    const thrown = { not: 'even an error' };
    await using pool = await guestPool({
      imports: {
        env: {
          callback() {
            throw thrown;
          },
        },
      },
    });
    expect(await failure(pool.use(({ exports }) => exports.ask(1)))).toBe(thrown);
    expect(await failure(pool.use(({ exports }) => exports.trap()))).toBeInstanceOf(
      WebAssembly.RuntimeError,
    );
  });

  test('stays callable until it is returned', async () => {
    await using pool = await guestPool();
    await pool.use(({ exports }) => {
      expect(() => exports.trap()).toThrow();
      expect(exports.bump()).toBe(1);
    });
  });

  test('by a function of its table is destroyed when its borrower gave the trap on', async () => {
    const guest = wat(`(module (table (export "table") 1 funcref) (elem (i32.const 0) $fail)
      (func $fail unreachable))`);
    await using pool = await createWasmPool<{ table: WebAssembly.Table }>(guest);
    const call = ({ exports }: { exports: { table: WebAssembly.Table } }) => exports.table.get(0)();
    await expect(pool.use(call)).rejects.toThrow('unreachable');
    expect(() => pool.useSync(call)).toThrow(); // nothing is idle
    await expect(pool.use(call)).rejects.toThrow('unreachable');
    expect(pool.stats().destroyedBy).toEqual({ trap: 2 });
  });

  test('by a function of its table is destroyed when its borrower gave on what the guest threw', async () => {
    const guest = wat(`(module (table (export "table") 1 funcref) (elem (i32.const 0) $fail)
      (tag $tag) (func $fail (throw $tag)))`);
    await using pool = await createWasmPool<{ table: WebAssembly.Table }>(guest);
    const error = await failure(pool.use(({ exports }) => exports.table.get(0)()));
    expect(error).toBeInstanceOf(WebAssembly.Exception);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('by a function of its table is destroyed when its borrower gave a stack overflow on', async () => {
    const guest = wat(`(module (table (export "table") 1 funcref) (elem (i32.const 0) $deep)
      (func $deep (call $deep)))`);
    await using pool = await createWasmPool<{ table: WebAssembly.Table }>(guest);
    const error = await failure(pool.use(({ exports }) => exports.table.get(0)()));
    expect(error).toBeInstanceOf(RangeError);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('in onCreate, which caught it, is not lent at all', async () => {
    let trapping = true;
    await using pool = await guestPool({
      onCreate({ id, exports }: { id: number; exports: Guest }) {
        if (id > 1 && trapping) expect(() => exports.trap()).toThrow();
      },
    });
    await pool.destroy(await pool.acquire());
    const error = await failure(pool.acquire());
    expect(error.cause).toMatchObject({ code: 'ERR_WASM_START' });
    expect(error.message).toContain('guest#2: onCreate caught an exception');
    trapping = false;
    expect(await pool.use(({ id }) => id)).toBe(3);
    expectAtRest(pool);
  });

  test('in a loader, which caught it, is lent: so programs end their start', async () => {
    await using pool = await createWasmPool<Guest>(bytes, {
      instantiate(_, instance) {
        const guest = instance.link(host).exports as unknown as Guest;
        expect(() => guest.trap()).toThrow(); // as emscripten's exit() in main
        return guest;
      },
    });
    expect(await pool.use(({ exports }) => exports.bump())).toBe(1);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('in no catch, since V8 ended the call, is destroyed when it is returned', async () => {
    await using pool = await createWasmPool<{ loop(): void }>(
      wat('(module (func (export "loop") (loop $again (br $again))))'),
      { max: 1 },
    );
    await pool.use(({ exports }) => {
      const run = () => runInNewContext('loop()', { loop: exports.loop }, { timeout: 20 });
      expect(run).toThrow(/timed out after 20ms/);
    });
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    expect(await pool.use(({ id }) => id)).toBe(2);
    expectAtRest(pool);
  });
});

describe("a borrower's own error", () => {
  test('keeps the instance, for nothing went through it', async () => {
    await using pool = await guestPool();
    const own = new Error('no such user');
    const borrowers = [
      () => {
        throw own;
      },
      async () => {
        throw own;
      },
    ];
    for (const borrower of borrowers) expect(await failure(pool.use(borrower))).toBe(own);
    expect(() =>
      pool.useSync(() => {
        throw own;
      }),
    ).toThrow(own);
    expect(pool.stats().destroyed).toBe(0);
    expect(await pool.use(({ exports }) => exports.bump())).toBe(1);
    expectAtRest(pool);
  });

  test('keeps the instance that was called before, and after', async () => {
    await using pool = await guestPool();
    await failure(
      pool.use(({ exports }) => {
        exports.bump();
        throw new Error('after a call');
      }),
    );
    expect(await pool.use(({ exports }) => exports.bump())).toBe(2);
  });
});

describe('an instance that was returned', () => {
  test('cannot be called while it is idle', async () => {
    await using pool = await guestPool();
    const instance = await pool.acquire();
    const { bump } = instance.exports;
    await pool.release(instance);
    for (const call of [() => instance.exports.bump(), bump]) {
      expect(call).toThrow(/guest#1 is not on loan/);
    }
    expect(await failure((async () => bump())())).toMatchObject({ code: 'ERR_WASM_NOT_LENT' });
    expect(await pool.use(({ exports }) => exports.bump())).toBe(1);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('cannot be called when it was destroyed', async () => {
    await using pool = await guestPool();
    const instance = await pool.acquire();
    const { bump } = instance.exports;
    await pool.destroy(instance);
    expect(bump).toThrow(/not on loan/);
  });

  test('by a lease cannot be had of that any more', async () => {
    await using pool = await guestPool();
    const lease = await pool.lease();
    await lease.release();
    expect(() => lease.value).toThrow(expect.objectContaining({ code: 'ERR_POOL_NOT_BORROWED' }));
  });

  test('by a lease cannot be used by what was kept of it, whoever has it by then', async () => {
    await using pool = await guestPool({ max: 1 });
    const lease = await pool.lease({ context: 'first' });
    const kept = lease.value;
    const { bump } = kept.exports;
    expect([kept.id, kept.name, kept.context]).toEqual([1, 'guest#1', 'first']);
    expect([kept.memory, kept.memoryBytes]).toEqual([kept.exports.memory, 65_536]);
    await lease.release();

    const next = await pool.acquire({ context: 'second' });
    expect(next.id).toBe(1);
    const uses = [
      bump,
      () => kept.exports,
      () => kept.id,
      () => kept.name,
      () => kept.context,
      () => kept.memory,
      () => kept.memoryBytes,
      () => kept.link(host),
    ];
    for (const use of uses) {
      expect(use).toThrow(
        expect.objectContaining({
          code: 'ERR_WASM_NOT_LENT',
          message: expect.stringContaining('guest#1 is not on loan'),
        }),
      );
    }
    expect(next.exports.bump()).toBe(1);
    await pool.release(next);
    expectAtRest(pool);
  });

  test('cannot be called by its borrower once that is over, however it ended', async () => {
    await using pool = await guestPool();
    let kept: Guest | undefined;
    await pool.use(({ exports }) => {
      kept = exports;
    });
    expect(() => kept?.bump()).toThrow(/not on loan/);
  });

  test('is refused a second time, and nothing changes', async () => {
    await using pool = await guestPool();
    const instance = await pool.acquire();
    await pool.release(instance);
    expect(await failure(pool.release(instance))).toMatchObject({ code: 'ERR_POOL_NOT_BORROWED' });
    expectAtRest(pool);
    expect(pool.size).toBe(1);
  });
});

describe('guarded exports', () => {
  test('are what the module exports: functions, memories, globals', async () => {
    await using pool = await guestPool();
    await pool.use(({ exports, memory }) => {
      expect(Object.keys(exports).sort()).toEqual(
        WebAssembly.Module.exports(pool.module)
          .map(({ name }) => name)
          .sort(),
      );
      expect(exports.memory).toBe(memory);
      expect(exports.__stack_pointer).toBeInstanceOf(WebAssembly.Global);
    });
  });

  test.each([0, 1, 2, 3, 4, 5])('of %d parameters note what goes through them', async (count) => {
    const traps = wat(`(module (func (export "f") (param ${'i32 '.repeat(count)}) unreachable))`);
    type Traps = { f(...args: number[]): void };
    await using pool = await createWasmPool<Traps>(traps);
    const call = pool.use(({ exports }) => exports.f(...Array(count).keys()));
    expect(await failure(call)).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    const kept = await pool.use(({ exports }) => exports);
    expect(() => kept.f()).toThrow(/not on loan/);
  });

  test('pass any number of arguments, and results', async () => {
    const numbers = [...Array(7).keys()];
    const functions = numbers.map((count) => {
      const sum = numbers
        .slice(0, count)
        .reduce((rest, index) => `(i32.add (local.get ${index}) ${rest})`, '(i32.const 100)');
      return `(func (export "f${count}") (param ${'i32 '.repeat(count)}) (result i32) ${sum})`;
    });
    const two = '(func (export "two") (param i64) (result i64 i32) (local.get 0) (i32.const 2))';
    type Sums = Record<string, (...args: number[]) => number> & {
      two(value: bigint): [bigint, number];
    };
    await using pool = await createWasmPool<Sums>(wat(`(module ${functions.join('')} ${two})`));
    await pool.use(({ exports }) => {
      const args = numbers.map((index) => index + 1);
      const sums = numbers.map((count) => exports[`f${count}`]?.(...args));
      expect(sums).toEqual([100, 101, 103, 106, 110, 115, 121]);
      expect(exports.two(5n)).toEqual([5n, 2]);
    });
  });
});
