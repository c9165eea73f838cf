import { createWasmWorkerPool, WasmError, WasmException, WasmExit } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { fixturePath } from '../../helpers/fixture.js';
import { type Guest, guest } from './guest.js';
import { inline, threadCount, until, workerPool } from './pools.js';

interface Chained extends Error {
  cause: Chained;
  errors: unknown[];
  details: unknown;
  callback: unknown;
}

describe('what a task throws', () => {
  test('keeps its class name, message, code, cause and properties', async () => {
    const pool = await workerPool();
    const error = (await failure(pool.run.fail('unusual'))) as Chained;
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'Unusual',
      message: 'out of the ordinary',
      code: 'ERR_UNUSUAL',
      details: { at: 5 },
    });
    expect(error).toBeInstanceOf(RangeError);
    expect(error).not.toHaveProperty('callback');
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.cause.message).toBe('the cause');
    expect(error.cause.stack).toContain('tasks.ts');
    expect(Object.keys(error)).toEqual(['code', 'details']);
  });

  test('has the stack of both sides', async () => {
    const pool = await workerPool();
    const callers = async () => await pool.run.fail('somewhere');
    const { stack } = await failure(callers());
    expect(stack).toMatch(/^Error: somewhere\n +at .*tasks\.ts/);
    expect(stack).toMatch(/at .*callers .*errors\.test\.ts/);
    const inLoan = await failure(pool.use(({ run }) => run.fail('in a loan')));
    expect(inLoan.stack).toMatch(/^Error: in a loan\n +at .*tasks\.ts.*errors\.test\.ts/s);
  });

  test('may be many errors, with a class each', async () => {
    const pool = await workerPool();
    const error = (await failure(pool.run.fail('aggregate'))) as Chained;
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.message).toBe('both failed');
    expect(error.errors).toEqual([expect.any(RangeError), 'two']);
    expect(error.errors[0]).toMatchObject({ message: 'one', code: 'ERR_UNUSUAL' });
  });

  test('may be its own cause', async () => {
    const pool = await workerPool();
    const error = (await failure(pool.run.fail('circular'))) as Chained;
    expect([error.message, error.cause.message]).toEqual(['round', 'and round']);
    expect(error.cause.cause).toBe(error);
  });

  test('may be such that nothing can be read of it', async () => {
    const pool = await workerPool();
    const error = await failure(pool.run.fail('unreadable'));
    expect(error).toMatchObject({ code: 'ERR_WASM_CLONE' });
    expect(error.message).toBe('what fail threw cannot be posted: no detail');
    expect(pool.stats()).toMatchObject({ destroyed: 0, created: 1 });
  });

  test('may be thirty times itself', async () => {
    const pool = await workerPool();
    const error = (await failure(pool.run.fail('wide'))) as Chained;
    expect(new Set(error.errors)).toEqual(new Set([error]));
  });

  test('may be a DOMException, frozen, or have no stack to speak of', async () => {
    const pool = await workerPool();
    expect(await failure(pool.run.fail('dom'))).toMatchObject({
      name: 'AbortError',
      message: 'given up',
      code: DOMException.ABORT_ERR,
    });
    expect((await failure(pool.run.fail('frozen'))).message).toBe('frozen');
    const strange = await failure(pool.run.fail('strange'));
    expect(strange.message).toBe('strange');
    expect(strange.stack).toContain('no text');
  });

  test.for([[undefined], [null], [0], [''], [false], [5n], ['text'], [{ not: 'an error' }]])(
    'may be no error at all: %s',
    async ([value]) => {
      const pool = await workerPool();
      expect(await failure(pool.run.throwValue(value))).toEqual(value);
      expect(await failure(pool.run.throwLater(value))).toEqual(value);
      expect(pool.stats().destroyed).toBe(0);
    },
  );

  test('may be what cannot be cloned: then it is its text', async () => {
    const pool = await workerPool();
    expect(await failure(pool.run.throwFunction())).toMatch(/^\(\) ?=> ?{ ?}/);
  });

  test('leaves the instance in the pool, if it did not go through it', async () => {
    const pool = await workerPool();
    await pool.run.count();
    await failure(pool.run.fail('by itself'));
    expect(await pool.run.count()).toBe(2);
  });
});

describe('what WebAssembly throws', () => {
  test('is a trap here too', async () => {
    const pool = await workerPool();
    const error = await failure(pool.run.trap());
    expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
    expect(error.message).toBe('unreachable');
    expect(error.stack).toMatch(/wasm:\/\/.*errors\.test\.ts/s);
  });

  test('is a TypeError where an argument does not fit', async () => {
    await using pool = await createWasmWorkerPool<{ add(a: symbol): number }>(guest, { max: 1 });
    const { code } = await failure(pool.run.add(Symbol('s')));
    expect(code).toBe('ERR_WASM_CLONE');
    await using longs = await createWasmWorkerPool<{ poke(a: bigint): void }>(guest, { max: 1 });
    expect(await failure(longs.run.poke(5n))).toBeInstanceOf(TypeError);
  });

  test('is a WasmExit with its code', async () => {
    await using pool = await createWasmWorkerPool<{ quit(code: number): void }>(
      fixturePath('reactor.wasm'),
      { wasi: true, max: 1 },
    );
    const error = await failure(pool.run.quit(3));
    expect(error).toBeInstanceOf(WasmExit);
    expect(error).toMatchObject({
      name: 'WasmExit',
      code: 'ERR_WASM_EXIT',
      exitCode: 3,
      message: 'wasm#1 exited with code 3',
    });
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
  });

  test('at the start is what creating the pool rejects with', async () => {
    const options = { wasi: { args: ['command', 'fail'] }, max: 1 };
    const error = await failure(createWasmWorkerPool(fixturePath('command.wasm'), options));
    expect(error).toBeInstanceOf(WasmError);
    expect(error).toMatchObject({ code: 'ERR_WASM_START', message: /^wasm#1: _start exited/ });
    expect(error.cause).toBeInstanceOf(WasmExit);
  });
});

describe('creating the pool rejects', () => {
  const creation = (text: string, options = {}) =>
    failure(createWasmWorkerPool(guest, { module: inline(text), max: 1, ...options }));

  test('with what the module threw while it loaded', async () => {
    expect(await creation('throw new RangeError("not today")')).toMatchObject({
      name: 'RangeError',
      message: 'not today',
    });
    expect(await creation('await Promise.reject(5)')).toBe(5);
  });

  test('with a SyntaxError where it is none', async () => {
    expect(await creation('export const = 5')).toBeInstanceOf(SyntaxError);
  });

  test('where there is no such module', async () => {
    const module = new URL('./tasks/nowhere.ts', import.meta.url);
    const error = await failure(createWasmWorkerPool(guest, { module, max: 1 }));
    expect(error).toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' });
    expect(error.message).toContain('nowhere.ts');
    const http = await failure(
      createWasmWorkerPool(guest, { module: 'http://127.0.0.1/tasks.js' }),
    );
    expect(http).toMatchObject({ code: 'ERR_UNSUPPORTED_ESM_URL_SCHEME' });
  });

  test('where what it exports for the pool is not acceptable', async () => {
    const error = await creation('export const imports = 5');
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ name: 'OptionError', code: 'ERR_POOL_OPTION' });
    expect(error.message).toBe(
      'module: imports is 5; accepted: an import object, or a function that gives one for an instance',
    );
    expect((await creation('export const onCreate = 5')).message).toMatch(/^module: onCreate is 5/);
    expect((await creation('export const wasi = "yes"')).message).toMatch(/^module: wasi is "yes"/);
    expect((await creation('export const imports = () => 5')).message).toMatch(/^wasm#1: imports/);
  });

  test('with what onCreate or a loader threw', async () => {
    expect(
      (await creation('export const onCreate = () => { throw new Error("cold") }')).message,
    ).toBe('cold');
    const loader = 'export const instantiate = async () => { throw new Error("no loader") }';
    expect((await creation(loader)).message).toBe('no loader');
  });

  test('where an import is missing', async () => {
    const asks = createWasmWorkerPool(fixturePath('guest.wasm'), { max: 1 });
    expect(await failure(asks)).toMatchObject({ code: 'ERR_WASM_LINK' });
  });

  test('where there is nothing to compile', async () => {
    expect(await failure(createWasmWorkerPool(new Uint8Array([1, 2, 3])))).toMatchObject({
      code: 'ERR_WASM_COMPILE',
    });
    expect(await failure(createWasmWorkerPool('/nowhere.wasm'))).toMatchObject({
      code: 'ERR_WASM_SOURCE',
    });
  });

  test('and keeps no thread, nor anything else that keeps a process alive', async () => {
    const before = threadCount();
    for (let attempt = 0; attempt < 3; attempt++) {
      await creation('throw new Error("not today")', { min: 1, max: 3 });
    }
    await until(() => threadCount() <= before);
  });

  test('for one of several too', async () => {
    const gone = await failure(
      createWasmWorkerPool<object, Guest>(guest, {
        module: inline(
          'export const onCreate = ({ id }) => { if (id === 2) throw new Error("2") }',
        ),
        min: 3,
        max: 3,
      }),
    );
    expect(gone.message).toBe('2');
  });
});

describe('an error of a thread arrives whole', () => {
  const thrown = async (text: string) => {
    const module = inline(`export const fails = () => { ${text} };`);
    await using pool = await createWasmWorkerPool<{ fails(): void }, object>(guest, {
      module,
      max: 1,
    });
    return (await failure(pool.run.fails())) as Chained & Record<string, unknown>;
  };

  test.for([
    ['EvalError', 'throw new EvalError("m")'],
    ['RangeError', 'throw new RangeError("m")'],
    ['ReferenceError', 'throw new ReferenceError("m")'],
    ['SyntaxError', 'throw new SyntaxError("m")'],
    ['TypeError', 'throw new TypeError("m")'],
    ['URIError', 'throw new URIError("m")'],
    ['AggregateError', 'throw new AggregateError([], "m")'],
    ['SuppressedError', 'throw new SuppressedError(1, 2, "m")'],
    ['DOMException', 'throw new DOMException("m", "DataCloneError")'],
  ])('with its class: %s', async ([name, text]) => {
    const error = await thrown(text as string);
    expect(error).toBeInstanceOf(Reflect.get(globalThis, name as string));
    expect(error.message).toBe('m');
  });

  test('with errors in its properties, and what nobody sees in a loop', async () => {
    const error = await thrown(`
      const error = Object.assign(new Error('m'), {
        inner: Object.assign(new TypeError('in'), { code: 'E_IN' }),
        list: [new RangeError('one'), 2],
        bytes: new Uint8Array([1]),
      });
      Object.defineProperty(error, 'hidden', { value: 5 });
      throw error;`);
    expect(error.inner).toBeInstanceOf(TypeError);
    expect(error.inner).toMatchObject({ message: 'in', code: 'E_IN' });
    expect(error.list).toEqual([expect.any(RangeError), 2]);
    expect(error.bytes).toEqual(new Uint8Array([1]));
    expect(error.hidden).toBe(5);
    expect(Object.keys(error)).toEqual(['inner', 'list', 'bytes']);
  });

  test('with what a failed assertion and the system tell', async () => {
    const assertion = await thrown('process.getBuiltinModule("node:assert").strictEqual(1, 2);');
    expect(assertion).toMatchObject({
      code: 'ERR_ASSERTION',
      actual: 1,
      expected: 2,
      operator: 'strictEqual',
    });
    const system = await thrown('process.getBuiltinModule("node:fs").readFileSync("/nowhere");');
    expect(system).toMatchObject({ code: 'ENOENT', syscall: 'open', path: '/nowhere', errno: -2 });
  });

  test('though it is no error', async () => {
    expect(await thrown('throw Symbol.for("known")')).toBe(Symbol.for('known'));
    expect(String(await thrown('throw Symbol("own")'))).toBe('Symbol(own)');
    expect(await thrown('throw { code: "E_PLAIN", call() {} }')).toEqual({ code: 'E_PLAIN' });
  });
});

test('an exception of a guest tells its tag, what it carries, and where it was thrown', async () => {
  // (tag (export "problem") (param i32 i64)) and a function that throws it
  const module = new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 11, 2, 96, 2, 127, 126, 0, 96, 2, 127, 126, 0, 3, 2, 1, 1, 13,
    3, 1, 0, 0, 7, 19, 2, 7, 112, 114, 111, 98, 108, 101, 109, 4, 0, 5, 114, 97, 105, 115, 101, 0,
    0, 10, 10, 1, 8, 0, 32, 0, 32, 1, 8, 0, 11,
  ]);
  await using pool = await createWasmWorkerPool<{ raise(a: number, b: bigint): void }>(module, {
    max: 1,
  });
  const error = await failure(pool.run.raise(7, 8n));
  expect(error).toBeInstanceOf(WasmException);
  expect(error).toMatchObject({
    name: 'WasmException',
    code: 'ERR_WASM_EXCEPTION',
    message: 'the guest threw problem(7, 8)',
    tag: 'problem',
    values: [7, 8n],
  });
  expect(error.stack).toContain('errors.test.ts');
  expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
});
