import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { fixturePath } from '../../helpers/fixture.js';
import { wat } from '../../helpers/wat.js';
import { guest } from './guest.js';
import { atRest, Gate, inline, lentWarm, reasons, until, workerPool } from './pools.js';

describe('an instance on a thread', () => {
  test('through which a trap went is not called again', async () => {
    const pool = await workerPool();
    await pool.run.count();
    await failure(pool.run.trap());
    expect(await pool.run.count()).toBe(1);
    expect(await pool.run.trapCaught()).toBe('caught');
    expect(await pool.run.count()).toBe(1);
    expect(pool.stats().destroyedBy).toEqual({ trap: 2 });
    await atRest(pool);
  });

  test('stays callable in a loan after a trap, and is replaced when it comes back', async () => {
    const pool = await workerPool();
    const counts = await pool.use(async ({ run }) => {
      await run.count();
      await failure(run.trap());
      return run.count();
    });
    expect(counts).toBe(2);
    expect(await pool.run.count()).toBe(1);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('that trapped takes nothing from those sent along: they run on another, in their order', async () => {
    const pool = await workerPool();
    const lent = await lentWarm(pool);
    const trap = pool.run.trap();
    const behind = Array.from({ length: 60 }, () => pool.run.count());
    await pool.release(lent);
    expect(await failure(trap)).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(await Promise.all(behind)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  });

  test('shares nothing but its thread with the next', async () => {
    const pool = await workerPool();
    const before = await pool.run.who();
    await failure(pool.run.trap());
    const after = await pool.run.who();
    expect(after).toEqual({ ...before, id: 2, name: 'wasm#2' });
  });

  test('that grew too large is replaced, and its size is known here', async () => {
    const pool = await workerPool({ maxMemoryBytes: 3 * 65_536 });
    const sizes: number[] = [];
    const causes: string[] = [];
    pool.on('destroy', ({ memoryBytes }, _, cause) => {
      sizes.push(memoryBytes);
      causes.push(String(cause));
    });
    await pool.run.grow(2);
    expect(await pool.use(({ memoryBytes }) => memoryBytes)).toBe(3 * 65_536);
    await pool.run.grow(1);
    expect(sizes).toEqual([4 * 65_536]);
    expect(causes).toEqual([expect.stringContaining('262144 bytes of memory; accepted: max')]);
    await pool.use(async (worker) => {
      await worker.run.grow(9);
      expect(worker.memoryBytes).toBe(10 * 65_536);
    });
    await atRest(pool);
    expect(pool.stats().destroyedBy).toEqual({ memory: 2 });
  });

  test('is replaced after maxUses, calls and loans alike', async () => {
    const pool = await workerPool({ maxUses: 3 });
    const counts: number[] = [];
    for (let round = 0; round < 3; round++) {
      counts.push(await pool.run.count());
      counts.push(await pool.use(({ run }) => run.count()));
      counts.push(await pool.run.count());
    }
    expect(counts).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
    await until(() => pool.stats().destroyed === 3);
    expect(pool.stats().destroyedBy).toEqual({ uses: 3 });
  });

  test('is not sent more calls than maxUses', async () => {
    const pool = await workerPool({ maxUses: 4 });
    const counts = await Promise.all(Array.from({ length: 40 }, () => pool.run.count()));
    // Each instance counts its own calls. One that was sent, and taken back where the thread was held
    // up, is a use of the instance that it was sent to as well: such an instance has fewer than 4.
    for (const [index, count] of counts.entries()) {
      expect([1, (counts[index - 1] ?? 0) + 1]).toContain(count);
      expect(count).toBeLessThanOrEqual(4);
    }
    await atRest(pool);
    const { destroyed, destroyedBy } = pool.stats();
    expect(destroyed).toBeGreaterThanOrEqual(9);
    expect(destroyedBy).toEqual({ uses: destroyed });
  });

  test('is replaced after maxAgeMillis', async () => {
    const pool = await workerPool({ maxAgeMillis: 40 });
    await pool.run.count();
    await until(() => pool.stats().destroyed > 0);
    expect(await pool.run.count()).toBe(1);
    expect(pool.stats().destroyedBy).toMatchObject({ age: 1 });
  });

  test('returned while a call is under way is destroyed, and the call rejects', async () => {
    const pool = await workerPool();
    const lent = await lentWarm(pool);
    const call = lent.run.never();
    await pool.release(lent);
    const error = await failure(call);
    expect(error).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
    expect(error.message).toBe(
      'wasm#1: its thread ended: it was returned while the call was under way',
    );
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    expect(await pool.run.sum(1, 2)).toBe(3);
  });

  test('with a suspended call of a task that did not wait for it is destroyed', async () => {
    const suspends = wat(`(module
      (import "env" "sleep" (func $sleep))
      (func (export "nap") (call $sleep)))`);
    const module = inline(`
      export const imports = {
        env: { sleep: new WebAssembly.Suspending(() => new Promise((go) => setTimeout(go, 20))) },
      };
      export const start = ({ exports }) => void exports.nap();`);
    await using pool = await createWasmWorkerPool<{ start(): void }, { nap(): Promise<void> }>(
      suspends,
      { module, max: 1, promising: true },
    );
    await pool.run.nap();
    expect(pool.stats().destroyed).toBe(0);
    await pool.run.start();
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
  });
});

describe("reset: 'reuse'", () => {
  test('keeps what the last one left', async () => {
    const pool = await workerPool();
    await pool.run.poke(5, 9);
    expect(await pool.run.peek(5)).toBe(9);
  });
});

describe("reset: 'restore'", () => {
  test('puts memory and globals back after each call and loan, on the thread', async () => {
    const pool = await workerPool({ reset: 'restore' });
    for (let round = 0; round < 3; round++) {
      await pool.run.poke(5, 9);
      expect(await pool.run.peek(5)).toBe(0);
      expect(await pool.run.count()).toBe(1);
      await pool.use(async ({ run }) => {
        await run.poke(5, 9);
        expect(await run.peek(5)).toBe(9);
      });
    }
    expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
    expect(pool.restoreBlockers).toEqual([]);
  });

  test('happens once the result is on its way: a view of the memory shows what the task left', async () => {
    const pool = await workerPool({ reset: 'restore' });
    for (let round = 0; round < 5; round++) {
      expect(await pool.run.copyOfMemory(100, 2)).toEqual(new Uint8Array([7, 0]));
      expect(await pool.run.peek(100)).toBe(0);
    }
  });

  test('keeps calls that travel together apart', async () => {
    const pool = await workerPool({ reset: 'restore', max: 2 });
    const counts = await Promise.all(Array.from({ length: 200 }, () => pool.run.count()));
    expect(new Set(counts)).toEqual(new Set([1]));
    expect(pool.stats().destroyed).toBe(0);
    await atRest(pool);
  });

  test('replaces what it cannot restore, and those behind run on the next', async () => {
    const pool = await workerPool({ reset: 'restore' });
    const lent = await lentWarm(pool);
    const calls = [pool.run.grow(1), pool.run.count(), pool.run.count()];
    await pool.release(lent);
    expect(await Promise.all(calls)).toEqual([1, 1, 1]);
    expect(pool.stats().destroyedBy).toEqual({ unrestorable: 1 });
    await atRest(pool);
  });

  test('says what is in its way', async () => {
    await using pool = await createWasmWorkerPool(guest, {
      module: inline('export const instantiate = (_, it) => (it.link({}), it.link({}).exports);'),
      reset: 'restore',
      max: 1,
    });
    expect(pool.restoreBlockers).toEqual(['a loader that called instance.link 2 times']);
  });
});

describe("reset: 'fresh'", () => {
  test('gives each call an instance that nobody used, made ahead, on threads that stay', async () => {
    const pool = await workerPool({ reset: 'fresh', max: 2 });
    const threads = new Set<number>();
    for (let round = 0; round < 10; round++) {
      expect(await pool.run.count()).toBe(1);
      threads.add((await pool.run.who()).threadId);
    }
    expect(await Promise.all(Array.from({ length: 20 }, () => pool.run.count()))).toEqual(
      new Array(20).fill(1),
    );
    expect(pool.stats().destroyedBy).toEqual({ used: 40 });
    await until(() => pool.available > 0);
    expect(threads.size).toBeLessThan(6);
  });

  test('of a loan is for the whole loan', async () => {
    const pool = await workerPool({ reset: 'fresh' });
    expect(await pool.use(async ({ run }) => [await run.count(), await run.count()])).toEqual([
      1, 2,
    ]);
    await until(() => pool.available === 1);
    expect(await pool.run.count()).toBe(1);
  });
});

describe('wasi', () => {
  test('may be an option, which is cloned', async () => {
    await using pool = await createWasmWorkerPool<{ started(): number; quit(code: number): void }>(
      fixturePath('reactor.wasm'),
      { wasi: { args: ['guest'], env: process.env }, max: 1 },
    );
    expect(await pool.run.started()).toBe(1);
    await failure(pool.run.quit(0));
    expect(await pool.run.started()).toBe(1);
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('may be an export of the module, for each instance', async () => {
    const module = inline('export const wasi = ({ name }) => ({ args: [name] });');
    await using pool = await createWasmWorkerPool<object, { started(): number }>(
      fixturePath('reactor.wasm'),
      { module, max: 1 },
    );
    expect(await pool.run.started()).toBe(1);
  });
});

describe('two workers', () => {
  test('compute at the same time', async () => {
    const pool = await workerPool({ max: 2 });
    const [one, two] = [new Gate(), new Gate()];
    const both = [pool.run.hold(one.words), pool.run.hold(two.words)];
    await Promise.all([one.until(), two.until()]);
    one.open();
    two.open();
    await Promise.all(both);
  });

  test('tell why their instances went', async () => {
    const pool = await workerPool({ max: 2 });
    const why = reasons(pool);
    const loop = pool.call('loop', [], { callTimeoutMillis: 100 });
    await Promise.allSettled([pool.run.trap(), loop]);
    await failure(pool.run.exit(1));
    expect(why.sort()).toEqual(['exit', 'timeout', 'trap']);
  });
});
