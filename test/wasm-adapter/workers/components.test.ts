import { pathToFileURL } from 'node:url';
import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { cache, type Guest, guest } from '../components/guests.js';
import { atRest, inline } from './pools.js';

type Instance = { readonly exports: Guest };
interface Tasks {
  greet(instance: Instance, name: string): string;
  count(instance: Instance, start: number): number;
  keep(instance: Instance): void;
  bump(instance: Instance): number;
  say(instance: Instance, message: string): void;
  trap(instance: Instance): void;
}

const module = inline(`
  let said = [];
  export const imports = {
    'test:guest/host@1.0.0': {
      log: (message) => void said.push(message),
      lookUp: (key) => key.length,
      measure: ({ x, y }) => Math.hypot(x, y),
    },
  };
  export const greet = ({ exports }, name) => exports.values.greet(name);
  export const count = ({ exports }, start) => {
    const counter = new exports.counters.Counter(start);
    counter.next();
    return exports.counters.finish(counter);
  };
  export const keep = ({ exports }) => void new exports.counters.Counter(1);
  export const bump = ({ exports }) => exports.faults.bump();
  export const say = ({ exports }, message) => {
    exports.faults.say(message);
    if (said.splice(0).join() !== message) throw new Error('it said something else');
  };
  export const trap = ({ exports }) => exports.faults.trap();
`);

async function componentPool(reset: 'reuse' | 'fresh' = 'reuse') {
  const pool = await createWasmWorkerPool<Tasks>(guest, {
    module,
    max: 2,
    reset,
    component: { cache },
  });
  onTestFinished(() => pool.close({ timeoutMillis: 1 }));
  return pool;
}

describe('a component on threads', () => {
  test('is called by tasks, through its interfaces, resources and imports', async () => {
    const pool = await componentPool();
    expect(await Promise.all(['a', 'b', 'c'].map((name) => pool.run.greet(name)))).toEqual([
      'hello a',
      'hello b',
      'hello c',
    ]);
    expect(await pool.run.count(41)).toBe(42);
    await pool.run.say('hello');
    expect(pool.module).toBeInstanceOf(WebAssembly.Module);
    await atRest(pool);
  });

  test('is replaced when it trapped, and when a borrower kept a resource', async () => {
    const pool = await componentPool();
    await expect(pool.run.trap()).rejects.toThrow(WebAssembly.RuntimeError);
    await pool.run.keep();
    expect(await pool.run.greet('you')).toBe('hello you');
    expect(pool.stats().destroyedBy).toEqual({ trap: 1, resources: 1 });
    await atRest(pool);
  });

  test('has a short name in the stacks of its errors', async () => {
    const pool = await componentPool();
    const { stack } = await failure(pool.run.trap());
    expect(stack).toContain('wasm-pool:component.js');
    expect(stack).not.toContain('base64');
  });

  test('is new for each call where that is asked for', async () => {
    const pool = await componentPool('fresh');
    expect([await pool.run.bump(), await pool.run.bump(), await pool.run.bump()]).toEqual([
      1, 1, 1,
    ]);
  });

  test('that nobody can import on a thread is refused', async () => {
    const transpiled = { instantiate: () => ({}), modules: pathToFileURL('/nowhere/') };
    const error = await failure(createWasmWorkerPool<Tasks>(transpiled, { module }));
    expect(error).toMatchObject({ name: 'WasmError', code: 'ERR_WASM_COMPONENT' });
  });
});
