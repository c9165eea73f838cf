import { createWasmWorkerPool, type WasmWorkerPoolOptions } from '@wasm-pool/wasm-adapter';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';
import { guest } from './guest.js';
import { atRest, Gate, inline, tasks } from './pools.js';

type Tasks = typeof import('./tasks/helpers.js');

async function helperPool(options: Omit<WasmWorkerPoolOptions, 'module' | 'worker'> = {}) {
  const module = tasks('helpers.ts');
  const pool = await createWasmWorkerPool<Tasks>(guest, { module, max: 1, ...options });
  onTestFinished(() => pool.close({ timeoutMillis: 1 }));
  return pool;
}

describe('the signal of a call', () => {
  const reason = new Error('no longer');

  test.for(['computeUntilAborted', 'waitUntilAborted'] as const)(
    'stops a task that looks at it, and the thread stays: %s',
    async (name) => {
      const pool = await helperPool({ abortGraceMillis: 60_000 });
      const [gate, controller] = [new Gate(), new AbortController()];
      const call = pool.call(name, [gate.words], { signal: controller.signal });
      await gate.until();
      controller.abort(reason);
      expect(await failure(call)).toBe(reason);
      expect(await pool.run.add(1, 2)).toBe(3);
      expect(Atomics.load(gate.words, 1)).toBe(1);
      expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
      await atRest(pool);
    },
  );

  test('is aborted by a timeout too, and says so', async () => {
    const pool = await helperPool({ abortGraceMillis: 60_000 });
    const gate = new Gate();
    const call = pool.call('waitUntilAborted', [gate.words], { callTimeoutMillis: 20 });
    expect(await failure(call)).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    expect(await pool.run.add(1, 2)).toBe(3);
    expect(Atomics.load(gate.words, 1)).toBe(2);
    expect(pool.stats().destroyed).toBe(0);
  });

  test('is no way to stay: the thread ends when the grace is over', async () => {
    const pool = await helperPool({ abortGraceMillis: 20 });
    const [gate, controller] = [new Gate(), new AbortController()];
    const call = pool.call('ignoreSignal', [gate.words], { signal: controller.signal });
    const behind = pool.run.add(1, 2);
    await gate.until();
    controller.abort(reason);
    expect(await failure(call)).toBe(reason);
    expect(await behind).toBe(3);
    expect(pool.stats().destroyedBy).toEqual({ aborted: 1 });
    await atRest(pool);
  });

  test('is of one call, and not of the next', async () => {
    const pool = await helperPool({ abortGraceMillis: 60_000 });
    const [gate, controller] = [new Gate(), new AbortController()];
    const call = pool.call('computeUntilAborted', [gate.words], { signal: controller.signal });
    await gate.until();
    controller.abort(reason);
    await failure(call);
    expect(await pool.run.isAborted()).toBe(false);
  });
});

describe('a host function', () => {
  const hosts = {
    lookUp: async (key: string) => `value of ${key}`,
    square: (value: number) => value * value,
    fail: () => {
      throw new RangeError('not here');
    },
    unclonable: () => () => {},
    view: () => new Uint8Array(new ArrayBuffer(1000), 10, 2),
  };

  test('answers a task that waits for it, blocking or not', async () => {
    const pool = await helperPool({ hosts });
    expect(await pool.run.askHost('lookUp', 'a')).toBe('value of a');
    expect(await pool.run.askHostLater('lookUp', 'b')).toBe('value of b');
    expect(await pool.run.askHost('square', 12)).toBe(144);
    const view = (await pool.run.askHost('view')) as Uint8Array;
    expect([view.byteLength, view.buffer.byteLength]).toEqual([2, 2]);
  });

  test('that throws throws there, with its class and both stacks', async () => {
    const pool = await helperPool({ hosts });
    for (const name of ['askHost', 'askHostLater'] as const) {
      const error = await failure(pool.run[name]('fail'));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe('not here');
      expect(error.stack).toContain('tasks-and-host.test.ts');
    }
    expect(await failure(pool.run.askHost('unclonable'))).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(await failure(pool.run.askHost('square', () => {}))).toMatchObject({
      code: 'ERR_WASM_CLONE',
    });
    expect(await pool.run.askHost('square', 3)).toBe(9);
  });

  test('may be asked thousands of times at once', async () => {
    const pool = await helperPool({ hosts });
    const answers = await pool.run.askManyTimes('square', 3000);
    expect(answers).toEqual(Array.from({ length: 3000 }, (_, index) => index * index));
  });

  test('that never answers is ended with its thread', async () => {
    const gate = new Gate();
    const never = () => {
      Atomics.add(gate.words, 0, 1);
      Atomics.notify(gate.words, 0);
      return new Promise(() => {});
    };
    const pool = await helperPool({ hosts: { ...hosts, never } });
    for (const name of ['askHost', 'askHostLater'] as const) {
      const controller = new AbortController();
      const call = pool.call(name, ['never'], { signal: controller.signal });
      await gate.until(name === 'askHost' ? 1 : 2);
      controller.abort(new Error('enough'));
      expect(await failure(call)).toBe(controller.signal.reason);
    }
    expect(await pool.run.askHost('square', 3)).toBe(9);
  });

  test('is what a guest imports under its name, unless the tasks give another', async () => {
    const asks = wat(`(module
      (import "env" "square" (func $square (param f64) (result f64)))
      (func (export "ask") (param f64) (result f64) (call $square (local.get 0))))`);
    await using pool = await createWasmWorkerPool<{ ask(value: number): number }>(asks, {
      max: 1,
      hosts,
    });
    expect(await pool.run.ask(9)).toBe(81);
    const module = inline('export const imports = () => ({ env: { square: (value) => -value } });');
    await using other = await createWasmWorkerPool<object, { ask(value: number): number }>(asks, {
      module,
      max: 1,
      hosts,
    });
    expect(await other.run.ask(9)).toBe(-9);
  });

  test('suspends the guest where it is marked so, and the thread works meanwhile', async () => {
    const asks = wat(`(module
      (import "env" "ask" (func $ask (result i32)))
      (func (export "ask") (result i32) (call $ask)))`);
    const module = inline(`
      export const imports = ({ hostsLater }) => ({
        env: { ask: new WebAssembly.Suspending(hostsLater.answer) },
      });`);
    const gates = Array.from({ length: 3 }, () => Promise.withResolvers<number>());
    let asked = 0;
    const all = Promise.withResolvers<void>();
    const answer = () => {
      if (++asked === gates.length) all.resolve();
      return gates[asked - 1]?.promise;
    };
    await using pool = await createWasmWorkerPool<object, { ask(): Promise<number> }>(asks, {
      module,
      max: 3,
      threads: 1,
      promising: ['ask'],
      hosts: { answer },
    });
    const calls = gates.map(() => pool.run.ask());
    await all.promise; // three instances of one thread wait
    for (const [index, { resolve }] of gates.entries()) resolve(index);
    expect((await Promise.all(calls)).sort()).toEqual([0, 1, 2]);
  });
});

describe('what a task prints', () => {
  const collected = () => {
    let text = '';
    const decoder = new TextDecoder();
    return {
      write: (bytes: Uint8Array) => {
        text += decoder.decode(bytes, { stream: true });
      },
      get text() {
        return text;
      },
    };
  };

  test('is there before its call is answered', async () => {
    const [stdout, stderr] = [collected(), collected()];
    const pool = await helperPool({ stdout, stderr: stderr.write });
    for (let round = 1; round <= 20; round++) {
      await pool.run.say(`round ${round}`, 'and more');
      expect(stdout.text.endsWith(`round ${round}\nand more\n`)).toBe(true);
    }
    await pool.run.complain('ä');
    expect(stderr.text).toBe('ä\n');
  });

  test('is there though its thread is ended', async () => {
    const stdout = collected();
    const pool = await helperPool({ stdout });
    const call = pool.call('sayAndSpin', ['the last words'], { callTimeoutMillis: 200 });
    expect(await failure(call)).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    expect(stdout.text).toBe('the last words\n');
  });

  test('may be more than the main thread takes at once: the task waits', async () => {
    let bytes = 0;
    const pool = await helperPool({
      stdout: (chunk) => {
        bytes += chunk.byteLength;
      },
    });
    expect(await pool.run.sayMuch(5000)).toBe(5000);
    expect(bytes).toBe(5000 * 1024);
  });
});

describe('a thread', () => {
  test('has the environment, arguments and data that the pool gives it', async () => {
    const pool = await helperPool({
      env: { SOME_HOME: '/there' },
      argv: ['one', 'two'],
      execArgv: ['--no-warnings'],
      workerData: { limit: 5 },
    });
    expect(await pool.run.environment()).toEqual({
      home: '/there',
      argv: ['one', 'two'],
      execArgv: ['--no-warnings'],
      workerData: { limit: 5 },
    });
  });

  test('shows its tasks nothing of the pool but its name', async () => {
    const pool = await helperPool({ name: 'guests' });
    expect((await pool.run.environment()).workerData).toEqual({ wasmPool: { name: 'guests' } });
  });

  test('does what its tasks have to do before it ends', async () => {
    const pool = await helperPool();
    const gate = new Gate();
    await pool.run.endWith(gate.words);
    await pool.close();
    expect(gate.begun).toBe(1);
  });
});

describe('the module of the tasks', () => {
  const five = async (text: string, name = 'five') => {
    await using pool = await createWasmWorkerPool<object, object>(guest, {
      module: inline(text),
      max: 1,
    });
    return await (pool.call(name as never, [] as never) as Promise<unknown>);
  };

  test.for([
    ['as a default object', 'export default { five: () => 5 };'],
    [
      'as a default object that is frozen',
      'export default Object.freeze({ five() { return 5; } });',
    ],
    [
      'as methods that need their object',
      'export default { half: 2.5, five() { return 2 * this.half; } };',
    ],
    [
      'as methods of a class',
      'export default new (class { #five = 5; five() { return this.#five; } })();',
    ],
    ['as a default function with a name', 'export default function five() { return 5; }'],
    [
      'as properties of a default function',
      'export default Object.assign(function main() {}, { five: () => 5 });',
    ],
    [
      'both ways, where the named one stands',
      'export default { five: () => 6 }; export const five = () => 5;',
    ],
  ])('may export them %s', async ([, text]) => {
    expect(await five(text as string)).toBe(5);
  });

  test('has options in a default object, too', async () => {
    const text = 'export default { onCreate: ({ exports }) => exports.count(), five: () => 5 };';
    expect(await five(text, 'count')).toBe(2);
    expect(await failure(five(text, 'onCreate'))).toMatchObject({ code: 'ERR_WASM_TASK' });
  });

  test.for(['export default () => 5;', 'export default function () { return 5; }'])(
    'is refused for a function without a name: %s',
    async (text) => {
      const error = await failure(five(text));
      expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_POOL_OPTION' });
      expect(error.message).toMatch(/^module: its default export is a function without a name/);
    },
  );
});
