import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWasmPool, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { wat } from '../../helpers/wat.js';

interface Reactor {
  memory: WebAssembly.Memory;
  started(): number;
  buffer(): number;
  env(): number;
  read(): number;
  print(number: number): void;
  random_byte(): number;
  now(): number;
  quit(code: number): void;
}
interface Command {
  memory: WebAssembly.Memory;
  report(): number;
}

let directory: string;
const open: number[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wasm-pool-wasi-'));
});
afterEach(() => {
  for (const descriptor of open.splice(0)) closeSync(descriptor);
  rmSync(directory, { recursive: true });
});

/** An open file of this test. */
function file(name: string, flags: 'r' | 'w', content?: string): number {
  const path = join(directory, name);
  if (content !== undefined) writeFileSync(path, content);
  const descriptor = openSync(path, flags);
  open.push(descriptor);
  return descriptor;
}

/** A directory of this test, with an input. */
function data(name: string, input: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  writeFileSync(join(path, 'input.txt'), input);
  return path;
}

/** The C string at an address. */
function text({ memory }: { memory: WebAssembly.Memory }, at: number): string {
  const bytes = Buffer.from(memory.buffer, at);
  return bytes.toString('utf8', 0, bytes.indexOf(0));
}

/** Calls a function of the reactor that replaces what is in its buffer; undefined for -1. */
function ask({ exports }: WasmInstance<Reactor>, call: 'env' | 'read', given: string) {
  const at = exports.buffer();
  Buffer.from(exports.memory.buffer, at).write(`${given}\0`);
  return exports[call]() < 0 ? undefined : text(exports, at);
}

describe('a WASI command', () => {
  test('has arguments, environment, standard input and a directory that differ by instance', async () => {
    const who = ['', 'Ada', 'Bob'];
    await using pool = await createWasmPool<Command>(fixture('command.wasm'), {
      wasi: ({ id }) => ({
        args: ['command', `number ${id}`],
        env: { WHO: who[id] },
        stdin: file(`stdin-${id}`, 'r', `line of ${id}\nand another\n`),
        preopens: { '/data': data(`data-${id}`, `content of ${id}\n`) },
      }),
      min: 2,
    });
    const instances = [await pool.acquire(), await pool.acquire()];
    for (const { id, exports } of instances) {
      const report = text(exports, exports.report());
      expect(report.split('\n')).toEqual([
        'arg command',
        `arg number ${id}`,
        `env ${who[id]}`,
        `stdin line of ${id}`,
        'stdin and another',
        `file content of ${id}`,
        '',
      ]);
      expect(readFileSync(join(directory, `data-${id}`, 'report.txt'), 'utf8')).toBe(report);
    }
    for (const instance of instances) await pool.release(instance);
    expectAtRest(pool);
  });

  test('has no environment or files by default', async () => {
    await using pool = await createWasmPool<Command>(fixture('command.wasm'), {
      wasi: () => ({ args: ['command'], stdin: file('empty', 'r', '') }),
    });
    const report = await pool.use(({ exports }) => text(exports, exports.report()));
    expect(report).toBe('arg command\nenv none\nno file\n');
  });

  test('that exits with 0 is lent', async () => {
    const exits = wat(`(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const 0)))
      (func (export "one") (result i32) (i32.const 1)))`);
    await using pool = await createWasmPool<{ one(): number }>(exits, { wasi: true });
    for (let use = 0; use < 5; use++) {
      expect(await pool.use(({ exports }) => exports.one())).toBe(1);
    }
    expect(pool.stats()).toMatchObject({ created: 1, destroyed: 0 });
  });

  test('has a name to be called by, and an empty standard input, when told nothing', async () => {
    await using pool = await createWasmPool<Command>(fixture('command.wasm'), { wasi: true });
    const report = await pool.use(({ exports }) => text(exports, exports.report()));
    expect(report).toBe('arg wasm\nenv none\nno file\n');
  });

  test.each([
    [{ bogus: 7 }, /unknown option bogus; accepted: args, clock, cwd, env, files, max/],
    ['yes', /wasi is "yes"; accepted: true, false, an object/],
    [undefined, /wasi is null; accepted/],
  ])('of options %j is refused', async (options, message) => {
    const wasi = () => options as never;
    const error = await failure(createWasmPool(fixture('command.wasm'), { wasi }));
    expect(error).toMatchObject({ code: 'ERR_POOL_OPTION' });
    expect((error as Error).message).toMatch(message);
  });

  test('without a memory, or with wasi: false, is told what is missing', async () => {
    const error = await failure(createWasmPool(fixture('command.wasm'), { wasi: false }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toContain('wasi_snapshot_preview1.args_get, and it is missing');
  });
});

describe('a WASI reactor', () => {
  test('is initialized once, before it is lent', async () => {
    await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), {
      wasi: true,
      min: 2,
    });
    for (let round = 0; round < 3; round++) {
      expect(await pool.use(({ exports }) => exports.started())).toBe(1);
    }
  });

  test('has an environment and files that differ by instance', async () => {
    await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), {
      wasi: ({ id }) => ({
        env: { ID: String(id) },
        preopens: { '/data': data(`data-${id}`, `content of ${id}`) },
      }),
      min: 3,
    });
    const instances = await Promise.all([1, 2, 3].map(() => pool.acquire()));
    for (const instance of instances) {
      expect(ask(instance, 'env', 'ID')).toBe(String(instance.id));
      expect(ask(instance, 'env', 'HOME')).toBeUndefined();
      expect(ask(instance, 'read', '/data/input.txt')).toBe(`content of ${instance.id}`);
      expect(ask(instance, 'read', '/data/../data-1/input.txt')).toBeUndefined();
      expect(ask(instance, 'read', '/etc/hostname')).toBeUndefined();
    }
    for (const instance of instances) await pool.release(instance);
    expectAtRest(pool);
  });

  test('writes its output where its options say', async () => {
    await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), {
      wasi: ({ id }) => ({ stdout: file(`stdout-${id}`, 'w') }),
    });
    await pool.use(({ exports }) => exports.print(42));
    expect(readFileSync(join(directory, 'stdout-1'), 'utf8')).toBe('printed 42\n');
  });

  test('has clocks and random numbers', async () => {
    await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), { wasi: true });
    const [now, ...bytes] = await pool.use(({ exports }) => [
      exports.now(),
      ...Array.from({ length: 100 }, () => exports.random_byte()),
    ]);
    expect(Math.abs((now ?? 0) - Date.now() / 1000)).toBeLessThan(5);
    expect(new Set(bytes).size).toBeGreaterThan(10);
    for (const byte of bytes) expect(byte).toBeGreaterThanOrEqual(0);
  });

  test('that would send the process a signal is told that it cannot', async () => {
    const bytes = wat(`(module
      (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "raise") (param i32) (result i32) (call $raise (local.get 0))))`);
    await using pool = await createWasmPool<{ raise(signal: number): number }>(bytes, {
      wasi: true,
    });
    const [sigchld, notSupported] = [16, 58]; // the one signal that would end nothing here
    expect(await pool.use(({ exports }) => exports.raise(sigchld))).toBe(notSupported);
  });

  test('takes version and returnOnExit as the documentation of node:wasi has them, or says what to write', async () => {
    const wasi = { version: 'preview1', returnOnExit: true, args: ['guest'] } as const;
    await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), { wasi });
    const error = await failure(pool.use(({ exports }) => exports.quit(3)));
    expect(error).toMatchObject({ code: 'ERR_WASM_EXIT', exitCode: 3 });
    const refused = async (other: object) =>
      (await failure(createWasmPool(fixture('reactor.wasm'), { wasi: other }))).message;
    expect(await refused({ returnOnExit: false })).toMatch(
      /returnOnExit is false; accepted: true: a guest that exits throws a WasmExit/,
    );
    expect(await refused({ version: 'preview2' })).toMatch(
      /version is "preview2"; accepted: 'preview1' or 'unstable'/,
    );
  });

  test.each([0, 3])(
    'that exits with %d while it is lent throws, and is destroyed',
    async (code) => {
      await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), { wasi: true });
      const error = await failure(pool.use(({ exports }) => exports.quit(code)));
      expect(error).toMatchObject({ code: 'ERR_WASM_EXIT', exitCode: code });
      expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
      expectAtRest(pool);
    },
  );
});
