import { createWasmWorkerPool, move } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { type Guest, guest } from './guest.js';
import { atRest, Gate, inline, lentWarm, reasons, tasks, until, workerPool } from './pools.js';
import { nested } from './tasks/tasks.js';

const guestExports = WebAssembly.Module.exports(new WebAssembly.Module(guest))
  .filter(({ kind }) => kind === 'function')
  .map(({ name }) => name);

describe('a task', () => {
  test('is a method of the pool, and its result a promise', async () => {
    const pool = await workerPool();
    const call = pool.run.sum(2, 3);
    expect(call).toBeInstanceOf(Promise);
    expect(await call).toBe(5);
    expect(await pool.run.sumLater(4, 5)).toBe(9);
    await atRest(pool);
  });

  test('is a method of a lent worker too', async () => {
    const pool = await workerPool();
    expect(await pool.use(({ run }) => run.sum(2, 3))).toBe(5);
    expect(await pool.use((worker) => worker.call('sumLater', [4, 5]))).toBe(9);
  });

  test('gets its arguments as they were when it was called, and gives clones back', async () => {
    const pool = await workerPool();
    const given = { date: new Date(0), map: new Map([[1, [2n]]]), bytes: new Uint8Array([3]) };
    const call = pool.run.echo(given, undefined, null);
    given.bytes[0] = 4;
    const [value, ...others] = await call;
    expect(value).toEqual({
      date: new Date(0),
      map: new Map([[1, [2n]]]),
      bytes: new Uint8Array([3]),
    });
    expect(value).not.toBe(given);
    expect(others).toEqual([undefined, null]);
  });

  test('is known by the name of its instance and thread', async () => {
    const pool = await workerPool({ name: 'guests' });
    const there = await pool.run.who();
    expect(there).toMatchObject({ id: 1, name: 'guests#1', memoryBytes: 65_536 });
    expect(there.threadId).toBeGreaterThan(0);
    await pool.use((worker) => expect(worker).toMatchObject(there));
  });

  test('that does not exist is an error that names those that do', async () => {
    const pool = await workerPool();
    for (const name of ['sun', 'notATask', 'default', 'memory', 'constructor', '__proto__', 5]) {
      const error = await failure(pool.call(name as 'sum', [1, 2]));
      expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_TASK' });
      expect(error.message).toMatch(
        /^there is no task or function export .*; accepted: allocate, .* spin$/,
      );
    }
    expect((pool.run as Record<string, unknown>).sun).toBeUndefined();
    expect(pool.stats().acquired).toBe(0);
  });
});

describe('an export', () => {
  test('is called by its name beside the tasks', async () => {
    const pool = await workerPool();
    expect(await pool.run.add(2, 3)).toBe(5);
    expect(await pool.run.long()).toBe(2n ** 32n);
    expect(await pool.use(async ({ run }) => [await run.count(), await run.callsTwice()])).toEqual([
      1,
      [2, 3],
    ]);
  });

  test('is all there is to call without a module', async () => {
    await using pool = await createWasmWorkerPool<Guest>(guest, { max: 1 });
    expect(await pool.run.add(2, 3)).toBe(5);
    expect(Object.keys(pool.run)).toEqual(guestExports);
  });

  test('may be called what every object has a method for', async () => {
    await using pool = await createWasmWorkerPool<{ toString(): number }>(guest, { max: 1 });
    expect(await pool.call('toString', [])).toBe(42);
  });

  test('gives way to a task of its name', async () => {
    const module = inline('export const add = ({ exports }, a, b) => -exports.add(a, b);');
    await using pool = await createWasmWorkerPool(guest, { module, max: 1 });
    const { add } = pool.run as { add(a: number, b: number): Promise<number> };
    expect(await add(2, 3)).toBe(-5);
  });
});

describe('the context', () => {
  test('of a call is there for its length, and is cloned', async () => {
    const pool = await workerPool();
    const context = { user: 'Ada' };
    expect(await pool.call('contextOf', [], { context })).toEqual(context);
    expect(await pool.run.contextOf()).toBeUndefined();
  });

  test('of a loan is there in all of its calls', async () => {
    const pool = await workerPool();
    const both = await pool.use(async ({ run }) => [await run.contextOf(), await run.contextOf()], {
      context: 'Ada',
    });
    expect(both).toEqual(['Ada', 'Ada']);
    const lent = await pool.acquire({ context: 'Grace' });
    expect(await lent.run.contextOf()).toBe('Grace');
    await pool.release(lent);
    await until(() => pool.available === 1); // judged
    const tried = pool.tryAcquire({ context: 'Mary' });
    expect(await tried?.run.contextOf()).toBe('Mary');
    if (tried !== undefined) await pool.release(tried);
    await using lease = await pool.lease({ context: 'Jean' });
    expect(await lease.value.run.contextOf()).toBe('Jean');
  });

  test('that cannot be cloned is that one call’s error', async () => {
    const pool = await workerPool();
    const error = await failure(pool.call('sum', [1, 2], { context: () => {} }));
    expect(error).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(error.message).toContain('sum');
    expect(await pool.run.sum(1, 2)).toBe(3);
    expect(pool.stats().destroyed).toBe(0);
  });
});

describe('the module of the tasks', () => {
  test('has imports for the instance, as an object or a function of it', async () => {
    const asks = wat(
      '(module (import "env" "context" (func $c (result i32))) (func (export "ask") (result i32) (call $c)))',
    );
    const asked = async (text: string) => {
      await using pool = await createWasmWorkerPool<object, { ask(): number }>(asks, {
        module: inline(text),
        max: 1,
      });
      return pool.call('ask', [], { context: 7 });
    };
    expect(await asked('export const imports = { env: { context: () => 5 } }')).toBe(5);
    expect(
      await asked('export const imports = (it) => ({ env: { context: () => it.context } })'),
    ).toBe(7);
  });

  test('has an onCreate that runs before the first call', async () => {
    const module = inline('export async function onCreate({ exports }) { exports.count(); }');
    await using pool = await createWasmWorkerPool<object, Guest>(guest, { module, max: 1 });
    expect(await pool.run.count()).toBe(2);
    expect(pool.run).not.toHaveProperty('onCreate');
  });

  test('has its own loader', async () => {
    const module = inline(`
      export const instantiate = (module, instance) => {
        const { exports } = instance.link({});
        return { twice: (value) => exports.add(value, value) };
      };`);
    await using pool = await createWasmWorkerPool<object, { twice(value: number): number }>(guest, {
      module,
      max: 1,
    });
    expect(await pool.run.twice(4)).toBe(8);
    expect(Object.keys(pool.run)).toEqual(['twice']);
  });

  test('may be one of CommonJS in what Node.js makes of it', async () => {
    await using pool = await createWasmWorkerPool<{ five(): number }, object>(guest, {
      module: tasks('common.cjs'),
      max: 1,
    });
    expect(await pool.run.five()).toBe(5);
  });
});

describe('what is marked to be moved', () => {
  const mib = () => new Uint8Array(2 ** 20).fill(9);

  test('is gone here once it is there', async () => {
    const pool = await workerPool();
    const [bytes, view] = [mib(), new DataView(new ArrayBuffer(8))];
    expect(await pool.run.size(move(bytes))).toBe(2 ** 20);
    expect(bytes.byteLength).toBe(0);
    await pool.run.echo(move(view));
    expect(() => view.byteLength).toThrow(TypeError);
    const { buffer } = mib();
    const [there] = await pool.run.echo(move(buffer));
    expect([buffer.byteLength, (there as ArrayBuffer).byteLength]).toEqual([0, 2 ** 20]);
  });

  test('is copied where it is not marked', async () => {
    const pool = await workerPool();
    const bytes = mib();
    expect(await pool.run.size(bytes)).toBe(2 ** 20);
    expect(bytes.byteLength).toBe(2 ** 20);
  });

  test('comes back as a result', async () => {
    const pool = await workerPool();
    const back = await pool.run.moveBack(move(mib()));
    expect([back.byteLength, back[5]]).toEqual([2 ** 20, 9]);
    const { left, right } = await pool.run.movePair(1000);
    expect([left[0], right[999]]).toEqual([1, 2]);
  });

  test('may be within an argument, if a list says what', async () => {
    const pool = await workerPool();
    const image = { width: 1, pixels: mib() };
    const [there] = await pool.run.echo(move(image, [image.pixels.buffer]));
    expect(there).toEqual({ width: 1, pixels: mib() });
    expect(image.pixels.byteLength).toBe(0);
  });

  test('may be a port', async () => {
    const pool = await workerPool();
    const { port1, port2 } = new MessageChannel();
    const [back] = (await pool.run
      .echo(move({ port: port1 }, [port1 as never]))
      .catch((error: unknown) => [error])) as [{ code: string }];
    expect(back.code).toBe('ERR_WASM_CLONE'); // the result was not marked
    port2.close();
  });

  test('twice in one call is moved once', async () => {
    const pool = await workerPool();
    const { buffer } = mib();
    const [left, right] = [new Uint8Array(buffer, 0, 1), new Uint8Array(buffer, 1)];
    const [one, two] = await pool.run.echo(move(left), move(right));
    expect([one, two]).toEqual([new Uint8Array([9]), new Uint8Array(2 ** 20 - 1).fill(9)]);
    expect(buffer.byteLength).toBe(0);
  });

  test('before, or is a detached buffer, is that one call’s error', async () => {
    const pool = await workerPool();
    const bytes = mib();
    await pool.run.size(move(bytes));
    for (const again of [bytes, { bytes }, bytes.buffer]) {
      const error = await failure(pool.run.echo(again));
      expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_CLONE' });
      expect(error.message).toMatch(/^an argument or the context of echo cannot be posted: /);
      expect(error.cause).toBeInstanceOf(DOMException);
    }
    expect(await pool.run.sum(1, 2)).toBe(3);
    expect(pool.stats()).toMatchObject({ destroyed: 0, created: 1 });
    await atRest(pool);
  });

  test('cannot be a memory of WebAssembly, here or there', async () => {
    const pool = await workerPool();
    const memory = new WebAssembly.Memory({ initial: 1 });
    expect(await failure(pool.run.size(move(new Uint8Array(memory.buffer))))).toMatchObject({
      code: 'ERR_WASM_CLONE',
    });
    expect(memory.buffer.byteLength).toBe(65_536);
    const error = await failure(pool.run.moveMemory());
    expect(error).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(error.message).toMatch(/^the result of moveMemory cannot be posted/);
    expect(await pool.run.add(1, 2)).toBe(3);
  });

  test('cannot be a Buffer of the pool that Node.js keeps, and says so', async () => {
    const pool = await workerPool();
    const small = Buffer.from('small');
    expect(await failure(pool.run.size(move(small)))).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(small.toString()).toBe('small');
    const own = Buffer.alloc(5);
    expect(await pool.run.size(move(own))).toBe(5);
    expect(own.byteLength).toBe(0);
  });

  test.for([[{}], [() => {}], [new Date()], [Buffer]] as const)(
    'is refused if it is %o',
    ([value]) => {
      expect(() => move(value as object)).toThrow(/^move: value is \[object/);
    },
  );
});

describe('what cannot be posted', () => {
  test('is an error of the call, of either side', async () => {
    const pool = await workerPool();
    expect(await failure(pool.run.echo(() => {}))).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(await failure(pool.run.echo(Symbol('s')))).toMatchObject({ code: 'ERR_WASM_CLONE' });
    const error = await failure(pool.run.unclonable());
    expect(error).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(error.message).toMatch(
      /^the result of unclonable cannot be posted: .*could not be cloned/,
    );
    expect(pool.stats()).toMatchObject({ destroyed: 0, created: 1 });
    await atRest(pool);
  });

  test('takes nothing of its batch with it', async () => {
    const pool = await workerPool();
    const bytes = new Uint8Array(10);
    for (let round = 0; round < 5; round++) {
      const calls = Array.from({ length: 30 }, (_, index) =>
        index % 3 === 1 ? pool.run.echo(() => index) : pool.run.sum(index, 1),
      );
      const moved = pool.run.size(move(bytes.slice()));
      const settled = await Promise.allSettled(calls);
      settled.forEach((one, index) => {
        if (index % 3 === 1) expect(one).toMatchObject({ reason: { code: 'ERR_WASM_CLONE' } });
        else expect(one).toEqual({ status: 'fulfilled', value: index + 1 });
      });
      expect(await moved).toBe(10);
    }
    await atRest(pool);
  });

  test('is what has moved before, and leaves those behind it their turn', async () => {
    const pool = await workerPool();
    const bytes = new Uint8Array(5);
    const worker = await pool.acquire();
    const calls = [
      worker.run.sum(1, 2),
      worker.run.size(move(bytes)),
      worker.run.size(move(bytes)),
      worker.run.size(move(new Uint8Array(7))),
    ];
    expect(await Promise.allSettled(calls)).toMatchObject([
      { value: 3 },
      { value: 5 },
      { reason: { code: 'ERR_WASM_CLONE' } },
      { value: 7 },
    ]);
    await pool.release(worker);
    await atRest(pool);
  });

  test('is an argument that throws, when it is looked at, what has no text', async () => {
    const pool = await workerPool();
    const argument = {
      get value() {
        throw Object.create(null);
      },
    };
    const error = await failure(pool.run.echo(argument));
    expect(error).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(error.message).toMatch(/cannot be posted: what was thrown has no text$/);
    await atRest(pool);
  });

  test('is an argument that aborts its call, and throws: no other call ends with it', async () => {
    const pool = await workerPool();
    const controller = new AbortController();
    const argument = {
      get value() {
        controller.abort('enough');
        throw new Error('no value');
      },
    };
    const worker = await pool.acquire();
    const other = worker.run.sum(1, 2);
    const call = worker.call('echo', [argument], { signal: controller.signal });
    expect(await Promise.allSettled([call, other])).toMatchObject([
      { reason: 'enough' },
      { value: 3 },
    ]);
    await pool.release(worker);
    await atRest(pool);
  });

  test('is a result that throws when it is looked at', async () => {
    const pool = await workerPool();
    expect(await failure(pool.run.revoked())).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(pool.stats()).toMatchObject({ destroyed: 0, created: 1 });
  });
});

test('a call that is made while an argument of another is cloned follows that one', async () => {
  const pool = await workerPool();
  await pool.use(async ({ run }) => {
    let inner: Promise<unknown> | undefined;
    const argument = {
      get value() {
        inner = run.echo('inner');
        return 'outer';
      },
    };
    expect(await run.echo(argument)).toEqual([{ value: 'outer' }]);
    expect(await inner).toEqual(['inner']);
  });
});

describe('a result that the thread can post, and this one cannot read', () => {
  // A structured clone takes the more of the stack the more deeply its value is nested.
  const resourceLimits = { stackSizeMb: 64 };
  const levels = 30_000;

  test.each(['reuse', 'restore'] as const)(
    "ends the thread, and with it its call; those behind it run elsewhere (reset: '%s')",
    async (reset) => {
      const pool = await workerPool({ resourceLimits, reset });
      const destroyed = reasons(pool);
      const gate = new Gate();
      const worker = await lentWarm(pool);
      const call = failure(pool.run.nested(levels));
      const held = pool.run.hold(gate.words).catch(() => {}); // has begun, or is run elsewhere too
      const sums = Promise.all([1, 2, 3].map((number) => pool.run.sum(number, 1)));
      await pool.release(worker);
      const error = await call;
      gate.open();
      expect(error).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT', cause: expect.any(RangeError) });
      expect(await sums).toEqual([2, 3, 4]);
      await held;
      expect(destroyed).toEqual(['exit']);
      await atRest(pool);
    },
  );

  test('is lost where the thread is ended for a call behind it', async () => {
    const pool = await workerPool({ resourceLimits });
    const [first, second] = [new Gate(), new Gate()];
    const controller = new AbortController();
    const worker = await pool.acquire();
    const held = worker.run.holdLater(first.words);
    const call = failure(worker.run.nested(levels));
    const last = failure(worker.call('hold', [second.words], { signal: controller.signal }));
    await first.until(1);
    first.open();
    Atomics.wait(second.words, 0, 0, 10_000); // so that nothing is received meanwhile
    controller.abort(new Error('enough'));
    expect(await last).toBe(controller.signal.reason);
    expect(await call).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
    expect(await held).toBeUndefined();
    await pool.release(worker);
    await atRest(pool);
  });
});

describe('an argument that cannot be read in the thread', () => {
  test.each([0, 50])('ends it, and with it its call, %d ms after the last one', async (millis) => {
    const pool = await workerPool({ resourceLimits: { stackSizeMb: 0.3 } });
    await pool.run.sum(1, 2);
    await new Promise((resolve) => setTimeout(resolve, millis));
    const error = await failure(pool.run.echo(nested(undefined as never, 3_000)));
    expect(error).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT', cause: expect.any(RangeError) });
    expect(await pool.run.sum(1, 2)).toBe(3);
    await atRest(pool);
  });
});

describe('a thread', () => {
  test('turns its event loop while calls keep coming', async () => {
    const pool = await workerPool();
    const before = await pool.run.ticksSoFar();
    let ticks = 0;
    while (ticks < 6) {
      await Promise.all(Array.from({ length: 20 }, () => pool.run.sum(1, 2)));
      ticks = (await pool.run.ticksSoFar()) - before;
    }
  });
});

test('stats tell how many calls were run, how long they took, and how busy the threads were', async () => {
  const pool = await workerPool();
  expect(pool.stats()).toMatchObject({ runs: { count: 0, totalMillis: 0 }, utilization: 0 });
  const gate = new Gate();
  const begun = performance.now();
  const held = pool.run.hold(gate.words);
  await gate.until(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  gate.open();
  await Promise.all([held, pool.run.sum(1, 2), failure(pool.run.exit(1))]);
  const { runs, utilization } = pool.stats();
  const millis = performance.now() - begun;
  expect(runs.count).toBe(3); // the one that its thread ended under, too
  expect(runs.longestMillis).toBeGreaterThan(10);
  expect(runs.totalMillis).toBeGreaterThanOrEqual(runs.longestMillis);
  expect(runs.totalMillis).toBeLessThanOrEqual(millis);
  expect(utilization).toBeGreaterThan(0);
  expect(utilization).toBeLessThanOrEqual(1);
});
