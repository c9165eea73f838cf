// What generic-pool's users run into, and the drop-in mends: what hung, ended the process, or lent a
// destroyed resource. test/core/differences shows what generic-pool itself does.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Factory, createPool as makePool, type Options } from '@wasm-pool/core/generic-pool';
import { describe, expect, test } from 'vitest';
import { fakeTime, pass, settle, uncaught, watch } from '../helpers/core.js';

interface Thing {
  readonly id: number;
}

/** A pool whose factory writes down what it is asked. */
function createPool(parts: Partial<Factory<Thing>> = {}, options: Options = {}) {
  const log: string[] = [];
  let made = 0;
  const make = async (): Promise<Thing> => ({ id: ++made });
  const factory: Factory<Thing> = {
    create() {
      log.push('create');
      return (parts.create ?? make)();
    },
    destroy(thing) {
      log.push(`destroy ${thing.id}`);
      return parts.destroy?.(thing) ?? Promise.resolve();
    },
    ...(parts.validate && { validate: parts.validate }),
  };
  const pool = makePool(factory, options);
  const errors: unknown[] = [];
  pool.on('factoryCreateError', (error) => errors.push(error));
  pool.on('factoryDestroyError', (error) => errors.push(error));
  return { pool, log, errors, make, creations: () => log.filter((it) => it === 'create').length };
}

/** Throws, as a factory function that is not asynchronous does. */
function thrower(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

describe('a creation that fails', () => {
  const outage = (options: Options = {}) => {
    let away = true;
    const parts = {
      create: async () => {
        if (away) throw new Error('ECONNREFUSED');
        return { id: 1 };
      },
    };
    return {
      ...createPool(parts, options),
      end: () => {
        away = false;
      },
    };
  };

  test('is tried again with growing pauses for the acquire that waits', async () => {
    fakeTime();
    const { pool, creations, end, errors } = outage({ acquireTimeoutMillis: 2_000 });
    const waiting = watch(pool.acquire());
    await pass(0);
    expect(creations()).toBe(1);
    await pass(10);
    expect(creations()).toBe(2);
    await pass(20);
    expect(creations()).toBe(3);
    await pass(40);
    expect(creations()).toBe(4);
    expect(waiting.state).toBe('pending');
    end();
    await pass(80);
    expect(waiting).toMatchObject({ state: 'fulfilled', value: { id: 1 } });
    expect(errors).toHaveLength(4);
  });

  test('is tried again once a second at last', async () => {
    fakeTime();
    const { pool, creations } = outage();
    void pool.acquire();
    await pass(60_000);
    const before = creations();
    await pass(10_000);
    expect(creations() - before).toBe(10);
  });

  test('is the cause of the timeout of the acquire that waited in vain', async () => {
    fakeTime();
    const { pool } = outage({ acquireTimeoutMillis: 100 });
    const waiting = watch(pool.acquire());
    await pass(100);
    expect(waiting.error).toMatchObject({
      name: 'TimeoutError',
      message: 'ResourceRequest timed out',
      code: 'ERR_POOL_ACQUIRE_TIMEOUT',
      cause: { message: 'ECONNREFUSED' },
    });
  });

  test('is no cause of a later timeout', async () => {
    fakeTime();
    const { pool, end } = outage({ acquireTimeoutMillis: 100 });
    const served = pool.acquire();
    await pass(5);
    end();
    await pass(20);
    await served;
    const waiting = watch(pool.acquire());
    await pass(100);
    expect(waiting.error).toMatchObject({ name: 'TimeoutError' });
    expect(waiting.error).not.toHaveProperty('cause');
  });

  test('leaves timers and I/O their turns, also where it fails at once', async () => {
    const { pool } = createPool({ create: thrower('no') }, { max: 5, acquireTimeoutMillis: 30 });
    const waiting = Array.from({ length: 5 }, () => watch(pool.acquire()));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(waiting.map(({ state }) => state)).toEqual(Array(5).fill('rejected'));
  });

  test('does not keep a later acquire from an attempt of its own during a pause', async () => {
    fakeTime();
    const { pool, end } = outage({ max: 2 });
    const first = watch(pool.acquire());
    await pass(1_000);
    end();
    const second = watch(pool.acquire());
    await pass(0);
    expect([first.state, second.state]).toEqual(['fulfilled', 'fulfilled']);
  });

  test('is waited out by an acquire that a return serves first', async () => {
    fakeTime();
    let first = true;
    const { pool } = createPool(
      {
        create: async () => {
          if (!first) throw new Error('too many connections');
          first = false;
          return { id: 1 };
        },
      },
      { max: 2 },
    );
    const lent = await pool.acquire();
    const waiting = watch(pool.acquire());
    await pass(5);
    await pool.release(lent);
    await pass(0);
    expect(waiting.value).toBe(lent);
  });

  test('of a resource for min is tried again, so that ready resolves', async () => {
    fakeTime();
    const { pool, end } = outage({ min: 2, max: 2 });
    const ready = watch(pool.ready());
    await pass(5_000);
    expect(ready.state).toBe('pending');
    end();
    await pass(2_000);
    expect(ready.state).toBe('fulfilled');
    expect(pool.available).toBe(2);
  });

  test('costs no slot where create throws instead of rejecting', async () => {
    fakeTime();
    let calls = 0;
    const { pool, errors } = createPool(
      {
        create: () => {
          if (++calls === 1) throw new Error('at once');
          return Promise.resolve({ id: 1 });
        },
      },
      { min: 1 },
    );
    const waiting = watch(pool.acquire());
    await pass(10);
    expect(waiting.value).toEqual({ id: 1 });
    expect(errors).toMatchObject([{ message: 'at once' }]);
  });

  test('while draining is tried again for the acquires that wait, and drain ends', async () => {
    fakeTime();
    const { pool, end } = outage();
    const used = pool.use(async () => 'done');
    const drained = watch(pool.drain());
    await pass(100);
    expect(drained.state).toBe('pending');
    end();
    await pass(1_000);
    expect(await used).toBe('done');
    expect(drained.state).toBe('fulfilled');
  });
});

describe('a create that uses the pool', () => {
  test.each([0, 3])('exceeds no limit, and does not recurse for ever, with min %i', async (min) => {
    const { pool, creations } = createPool(
      {
        create: () => {
          for (let more = 0; more < 2; more++) void pool.acquire();
          return Promise.resolve({ id: creations() });
        },
      },
      { max: 3, min, autostart: false },
    );
    void pool.acquire();
    await settle();
    expect(creations()).toBe(3);
    expect(pool.size).toBe(3);
  });
});

describe('a destroy that throws', () => {
  const throwing = (options: Options = {}) => createPool({ destroy: thrower('mine') }, options);

  test('is told by factoryDestroyError, and the acquire that waits is served', async () => {
    const { pool, errors } = throwing();
    const lent = await pool.acquire();
    const waiting = pool.acquire();
    await pool.destroy(lent);
    expect(await waiting).toEqual({ id: 2 });
    expect(errors).toMatchObject([{ message: 'mine' }]);
  });

  test('leaves min filled', async () => {
    const { pool } = throwing({ min: 1 });
    await pool.destroy(await pool.acquire());
    await settle();
    expect(pool.available).toBe(1);
  });

  test('does not end the evictor', async () => {
    fakeTime();
    const { pool, log } = throwing({ max: 2, evictionRunIntervalMillis: 10, idleTimeoutMillis: 5 });
    const both = await Promise.all([pool.acquire(), pool.acquire()]);
    for (const thing of both) await pool.release(thing);
    await pass(100);
    expect(log.slice(2)).toEqual(['destroy 1', 'destroy 2']);
  });

  test('leaves use the error of its function', async () => {
    const { pool } = throwing();
    await expect(pool.use(() => Promise.reject(new Error('of use')))).rejects.toThrow('of use');
  });
});

describe('validate', () => {
  test.each([
    ['rejects', () => Promise.reject(new Error('ping failed'))],
    ['throws', thrower('ping failed')],
  ])('that %s says no', async (_, validate) => {
    fakeTime();
    let asked = 0;
    const parts = {
      validate: () => (++asked === 2 ? validate() : Promise.resolve(true)),
    };
    const { pool, log } = createPool(parts, { testOnBorrow: true });
    const errors = await uncaught(async () => {
      await pool.release(await pool.acquire());
      expect(await pool.acquire()).toEqual({ id: 2 });
    });
    expect(errors).toEqual([]);
    expect(log).toEqual(['create', 'destroy 1', 'create']);
  });

  test.each([['PONG'], [0], [null], [undefined], ['']])('that answers %j says yes', async (yes) => {
    const parts = { validate: async () => yes as unknown as boolean };
    const { pool, creations } = createPool(parts, { testOnBorrow: true });
    for (let use = 0; use < 5; use++) await pool.use(async () => {});
    expect(creations()).toBe(1);
  });

  test('may be missing: all resources pass', async () => {
    const { pool } = createPool({}, { testOnBorrow: true });
    for (let use = 0; use < 3; use++) await pool.use(async () => {});
    expect(pool.size).toBe(1);
  });

  test('that refuses each new resource leaves timers their turns', async () => {
    fakeTime();
    let fit = false;
    const parts = { validate: async () => fit };
    const { pool, creations } = createPool(parts, { testOnBorrow: true });
    const waiting = watch(pool.acquire());
    await pass(70);
    expect(creations()).toBe(4);
    fit = true;
    await pass(80);
    expect(waiting.state).toBe('fulfilled');
  });
});

describe('an acquire that gives up', () => {
  test('while a resource is created or validated for it leaves it idle', async () => {
    fakeTime();
    const later = () => new Promise<void>((resolve) => setTimeout(resolve, 50));
    const { pool } = createPool(
      { create: () => later().then(() => ({ id: 1 })), validate: () => later().then(() => true) },
      { acquireTimeoutMillis: 20, testOnBorrow: true },
    );
    const whileCreated = watch(pool.acquire());
    await pass(50);
    expect([whileCreated.state, pool.available]).toEqual(['rejected', 1]);
    const whileValidated = watch(pool.acquire());
    await pass(50);
    expect([whileValidated.state, pool.available]).toEqual(['rejected', 1]);
  });
});

describe('a validate that uses the pool', () => {
  test('has no resource validated twice at once', async () => {
    const asked: number[] = [];
    const parts: Partial<Factory<Thing>> = {
      validate: async ({ id }) => {
        asked.push(id);
        if (asked.length === 1) void pool.acquire();
        return true;
      },
    };
    const { pool } = createPool(parts, { max: 2, testOnBorrow: true });
    const waiting = [watch(pool.acquire()), watch(pool.acquire())];
    await settle();
    expect(waiting.map(({ state }) => state)).toEqual(['fulfilled', 'fulfilled']);
    expect(asked).toEqual([1, 2]);
  });
});

describe('an acquire that timed out in the very tick of a return', () => {
  test('takes nothing from those behind it', async () => {
    fakeTime();
    const { pool } = createPool({}, { acquireTimeoutMillis: 100 });
    const lent = await pool.acquire();
    const late = watch(pool.acquire());
    await pass(50);
    const behind = [watch(pool.acquire()), watch(pool.acquire())];
    const { _waitingClientsQueue: queue } = pool as unknown as {
      _waitingClientsQueue: { head: { reject(error: Error): void } };
    };
    // The queue hears of the timeout a microtask later; the return comes before that.
    queue.head.reject(Object.assign(new Error('now'), { name: 'TimeoutError' }));
    await pool.release(lent);
    await pass(0);
    expect(late.state).toBe('rejected');
    expect(behind.map(({ state }) => state)).toEqual(['fulfilled', 'pending']);
    expect(pool.pending).toBe(1);
    await pool.release(lent);
    await pass(0);
    expect(behind[1]?.state).toBe('fulfilled');
  });
});

describe('use', () => {
  test('takes the resource back of a function that is not asynchronous', async () => {
    const { pool } = createPool();
    expect(await pool.use(() => 5)).toBe(5);
    await expect(pool.use(thrower('mine'))).rejects.toThrow('mine');
    expect(pool.borrowed).toBe(0);
  });

  test('takes a function that returns or destroys the resource itself', async () => {
    const { pool } = createPool();
    const errors = await uncaught(async () => {
      await pool.use((thing) => pool.release(thing));
      await pool.use((thing) => pool.destroy(thing)).catch(() => {});
    });
    expect(errors).toEqual([]);
  });
});

describe('a return of what is not on loan', () => {
  test('rejects, and ends no process where nobody looks', async () => {
    const { pool } = createPool();
    const foreign = { id: 0 };
    const errors = await uncaught(() => {
      void pool.release(foreign);
      void pool.destroy(foreign);
    });
    expect(errors).toEqual([]);
    for (const call of [pool.release(foreign), pool.destroy(foreign)]) {
      await expect(call).rejects.toMatchObject({
        message: 'Resource not currently part of this pool',
        code: 'ERR_POOL_NOT_BORROWED',
      });
    }
  });
});

describe('drain', () => {
  test('waits for acquires that outwait the last of the queue', async () => {
    fakeTime();
    const { pool } = createPool({}, { acquireTimeoutMillis: 100, priorityRange: 2 });
    const lent = await pool.acquire();
    const last = watch(pool.acquire(1));
    await pass(50);
    const first = watch(pool.acquire(0));
    const drained = watch(pool.drain());
    await pass(50);
    expect(last.state).toBe('rejected');
    await pool.release(lent);
    await pass(0);
    expect([first.state, drained.state]).toEqual(['fulfilled', 'pending']);
    await pool.release(lent);
    await pass(0);
    expect(drained.state).toBe('fulfilled');
  });
});

describe('a process', () => {
  const run = (code: string) =>
    new Promise<string>((resolve) => {
      const program = `import { createPool } from '@wasm-pool/core/generic-pool'; ${code}`;
      const folder = fileURLToPath(new URL('.', import.meta.url));
      const args = ['--input-type=module', '--eval', program];
      execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) => {
        resolve(error === null ? stdout.trim() : `${error.message} ${stderr}`);
      });
    });

  test('ends although min cannot be created, where nobody waits for it', async () => {
    const factory = `{ create: () => Promise.reject(new Error('no')), async destroy() {} }`;
    expect(await run(`createPool(${factory}, { min: 1 }); console.log('made');`)).toBe('made');
  });

  test('ends although ready is waited for, of a pool that drains', async () => {
    const factory = `{ create: () => new Promise(() => {}), async destroy() {} }`;
    const code = `const pool = createPool(${factory}, { min: 1 }); void pool.ready(); void pool.drain();`;
    expect(await run(`${code} console.log('draining');`)).toBe('draining');
  });

  test('lives on while an acquire waits for creation to work again', async () => {
    const create = `async () => { if (performance.now() < end) throw new Error('no'); return 'served'; }`;
    const code = `const end = performance.now() + 50; const factory = { create: ${create}, async destroy() {} };`;
    expect(await run(`${code} console.log(await createPool(factory).acquire());`)).toBe('served');
    const late = `const pool = createPool(factory, { min: 1 }); await new Promise(setImmediate);`;
    expect(await run(`${code} ${late} console.log(await pool.acquire());`)).toBe('served');
  });

  test('that looks whether a drained pool is ready sees it once it is', async () => {
    fakeTime();
    const later = () => new Promise<void>((resolve) => setTimeout(resolve, 250));
    const { pool } = createPool({ create: () => later().then(() => ({ id: 1 })) }, { min: 1 });
    void pool.drain();
    const ready = watch(pool.ready());
    await pass(299);
    expect(ready.state).toBe('pending');
    await pass(1);
    expect(ready.state).toBe('fulfilled');
  });
});

describe('clear', () => {
  test('takes what it destroyed out of the pool', async () => {
    const { pool } = createPool();
    const first = await pool.acquire();
    await pool.release(first);
    await pool.clear();
    expect(pool.available).toBe(0);
    expect(await pool.acquire()).not.toBe(first);
  });

  test('waits for creations under way and for destroy, whether they work or not', async () => {
    fakeTime();
    const later = (error?: Error) =>
      new Promise<void>((resolve, reject) => {
        setTimeout(() => (error ? reject(error) : resolve()), 50);
      });
    const { pool, errors, log } = createPool(
      { create: () => later().then(() => ({ id: 7 })), destroy: () => later(new Error('stuck')) },
      { min: 1 },
    );
    const cleared = watch(pool.drain().then(() => pool.clear()));
    await pass(60);
    expect([cleared.state, log.at(-1)]).toEqual(['pending', 'destroy 7']);
    await pass(50);
    expect(cleared.state).toBe('fulfilled');
    expect(errors).toMatchObject([{ message: 'stuck' }]);
  });
});
