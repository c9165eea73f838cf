import { createWasmWorkerPool, WasmError, WasmExit } from '@wasm-pool/wasm-adapter';
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
