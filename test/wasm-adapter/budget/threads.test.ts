// Pools on threads in one budget: they share the threads, and the limits of all pools.
import { createWasmPoolFactory, type WasmPoolFactory } from '@wasm-pool/wasm-adapter';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { atRest, Gate, inline, until } from '../workers/pools.js';

const counter = wat(`(module (memory (export "memory") 1) (global $n (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`);

interface Tasks {
  hold(instance: unknown, words: Int32Array): void;
  name(instance: unknown): string;
}
const module = inline(`
  export const hold = (_, words) => {
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    Atomics.wait(words, 1, 0);
  };
  export const name = (instance) => instance.name;
`);

function factoryOf(limits: Parameters<typeof createWasmPoolFactory>[0]): WasmPoolFactory {
  const factory = createWasmPoolFactory(limits);
  onTestFinished(() => factory.close({ timeoutMillis: 1 }));
  return factory;
}

const make = (factory: WasmPoolFactory, name: string, options: object = {}) =>
  factory.createWorkerPool<Tasks>(counter, { name, module, max: 2, ...options });

describe('pools on threads of one factory', () => {
  test('share one compiled module, and are counted with all others', async () => {
    const factory = factoryOf({ maxThreads: 4 });
    const [a, b] = [await make(factory, 'a'), await make(factory, 'b')];
    const here = await factory.create(counter, { name: 'here' });
    expect(a.module).toBe(b.module);
    expect(await Promise.all([a.run.name(), b.run.name()])).toEqual(['a#1', 'b#1']);
    expect(await here.use(() => factory.stats().instances)).toBe(3);
    const { threads, maxThreads, memoryBytes, modules } = factory.stats();
    expect({ threads, maxThreads, memoryBytes, modules }).toEqual({
      threads: 2,
      maxThreads: 4,
      memoryBytes: 3 * 65_536,
      modules: 2, // that on threads has calls before instructions that take long
    });
  });

  test('have no more threads than the budget, however many pools there are', async () => {
    const factory = factoryOf({ maxThreads: 2 });
    const pools: Awaited<ReturnType<typeof make>>[] = [];
    for (let number = 0; number < 6; number++) pools.push(await make(factory, `p${number}`));
    let most = 0;
    for (let round = 0; round < 3; round++) {
      const names = pools.map(async (pool) => {
        const name = await pool.run.name();
        most = Math.max(most, factory.stats().threads);
        return name.replace(/#\d+$/, '');
      });
      expect(await Promise.all(names)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4', 'p5']);
    }
    expect(most).toBe(2);
    expect(pools.some((pool) => (pool.stats().destroyedBy.threads ?? 0) > 0)).toBe(true);
  });

  test('may be made all at once', async () => {
    const factory = factoryOf({ maxThreads: 2 });
    const names = Array.from({ length: 7 }, (_, number) => `p${number}`);
    const pools = await Promise.all(names.map((name) => make(factory, name)));
    const answers = await Promise.all(pools.map((pool) => pool.run.name()));
    expect(answers.map((name) => name.replace(/#\d+$/, ''))).toEqual(names);
  });

  test('take the thread that was used least recently, and none that is on loan', async () => {
    const factory = factoryOf({ maxThreads: 2 });
    const [a, b] = [await make(factory, 'a'), await make(factory, 'b')];
    await b.run.name();
    await a.run.name();
    const c = await make(factory, 'c');
    expect([a.size, b.size, c.size]).toEqual([1, 0, 1]);
    const lent = await a.acquire();
    expect(await b.run.name()).toBe('b#2'); // c's was idle
    expect([a.size, c.size]).toEqual([1, 0]);
    await a.release(lent);
  });

  test('wait while all threads work, in the order in which they came', async () => {
    const factory = factoryOf({ maxThreads: 1 });
    const [a, b] = [await make(factory, 'a'), await make(factory, 'b')];
    const gate = new Gate();
    const held = a.run.hold(gate.words);
    await gate.until(1);
    const order: string[] = [];
    const second = b.run.name().then((name) => order.push(name));
    const c = make(factory, 'c').then((pool) => {
      order.push('c');
      return pool;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(order).toEqual([]);
    gate.open();
    await held;
    await second;
    expect(await (await c).run.name()).toBe('c#1');
    expect(order).toEqual(['b#2', 'c']);
    expect(factory.stats().threads).toBeLessThanOrEqual(1);
  });

  test('say who holds the threads, when one was waited for in vain', async () => {
    const factory = factoryOf({ maxThreads: 1 });
    const [a, b] = [await make(factory, 'a'), await make(factory, 'b')];
    const gate = new Gate();
    const held = a.run.hold(gate.words);
    await gate.until(1);
    const error = await failure(b.call('name', [], { timeoutMillis: 30 }));
    expect(error).toMatchObject({ code: 'ERR_WASM_BUDGET' });
    expect(error.message).toContain('all 1 threads are in use, by a (1, 1 on loan)');
    const refused = await failure(make(factory, 'late', { acquireTimeoutMillis: 30 }));
    expect(refused).toMatchObject({ code: 'ERR_WASM_BUDGET' });
    gate.open();
    await held;
    expect(await b.run.name()).toBe('b#2');
  });

  test('count with their instances and memory, too', async () => {
    const factory = factoryOf({ maxInstances: 2 });
    const [a, b] = [await make(factory, 'a'), await make(factory, 'b')];
    const lent = [await a.acquire(), await a.acquire()];
    expect([a.size, b.size]).toEqual([2, 0]);
    expect(await failure(b.acquire({ timeoutMillis: 30 }))).toMatchObject({
      code: 'ERR_WASM_BUDGET',
    });
    for (const worker of lent) await a.release(worker);
    expect(await b.run.name()).toBe('b#2');
    const small = factoryOf({ maxTotalMemoryBytes: 1000 });
    expect(await failure(make(small, 'large'))).toMatchObject({ code: 'ERR_WASM_BUDGET' });
  });

  test('with several instances on a thread give way as a whole', async () => {
    const factory = factoryOf({ maxThreads: 1 });
    const many = await make(factory, 'many', { max: 3, min: 3, threads: 1 });
    await until(() => many.available === 3);
    const b = await make(factory, 'b');
    expect(await b.run.name()).toBe('b#1');
    expect(many.size).toBe(0);
    expect(await many.run.name()).toBe('many#4');
  });

  test('end with the factory, and none is made after', async () => {
    const factory = factoryOf({ maxThreads: 2 });
    const pool = await make(factory, 'a');
    await factory.close();
    expect(await failure(pool.run.name())).toMatchObject({ code: 'ERR_POOL_CLOSED' });
    await until(() => factory.stats().threads === 0);
    expect(await failure(make(factory, 'b'))).toMatchObject({ code: 'ERR_WASM_CLOSED' });
  });

  test('a thread that crashes makes room for another pool', async () => {
    const factory = factoryOf({ maxThreads: 1 });
    const crashing = inline('export const crash = () => process.exit(1);');
    const a = await factory.createWorkerPool<{ crash(instance: unknown): void }>(counter, {
      name: 'a',
      module: crashing,
      max: 1,
    });
    const b = await make(factory, 'b');
    const crash = failure(a.run.crash());
    const name = b.run.name();
    expect(await crash).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
    expect(await name).toMatch(/^b#/);
    await atRest(b);
  });
});
