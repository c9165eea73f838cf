import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco';
import { createWasmPool, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { cache } from './guests.js';

/** The exports of libc.wit. */
interface Libc {
  variables(): number;
  variable(name: string): string | undefined;
  folder(): string | undefined;
  read(path: string): string;
  write(path: string, text: string): void;
  input(): number;
  terminals(): number;
  say(text: string): void;
  now(): bigint;
  leave(code: number): void;
}

const libcPool = (options: WasmPoolOptions<Libc, string> = {}) =>
  createWasmPool<Libc, string>(fixture('components/libc.wasm'), {
    max: 1,
    component: { cache },
    ...options,
  });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wasm-pool-wasi-'));
  writeFileSync(join(folder, 'note'), 'milk, eggs');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('by default a component', () => {
  test('has no environment, no files, nothing to read and no terminal', async () => {
    await using pool = await libcPool();
    await pool.use(({ exports }) => {
      expect(exports.variables()).toBe(0);
      expect(exports.variable('PATH')).toBeUndefined();
      expect(exports.folder()).toBe('/');
      expect(exports.input()).toBe(0);
      expect(exports.terminals()).toBe(0);
      expect(() => exports.read('/etc/hostname')).toThrow(expect.objectContaining({ payload: 76 }));
      expect(() => exports.read(join(folder, 'note'))).toThrow();
    });
    expectAtRest(pool);
  });

  test('has clocks', async () => {
    await using pool = await libcPool();
    const seconds = await pool.use(({ exports }) => exports.now());
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(10);
  });
});

describe('with WASI options, a component', () => {
  test('has the environment that they say', async () => {
    await using pool = await libcPool({ wasi: { env: { COLOR: 'blue', SIZE: '3' } } });
    await pool.use(({ exports }) => {
      expect(exports.variables()).toBe(2);
      expect(exports.variable('COLOR')).toBe('blue');
    });
  });

  test('reads and writes in the folders that they preopen, and nowhere else', async () => {
    await using pool = await libcPool({ wasi: { preopens: { '/notes': folder } } });
    await pool.use(({ exports }) => {
      expect(exports.read('/notes/note')).toBe('milk, eggs');
      exports.write('/notes/other', 'bread');
      expect(() => exports.read('/notes/../../etc/hostname')).toThrow();
    });
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('bread');
  });

  test('has those of its own instance', async () => {
    await using pool = await libcPool({
      max: 2,
      wasi: ({ name }) => ({ env: { NAME: name } }),
    });
    const held = await Promise.all([pool.acquire(), pool.acquire()]);
    expect(held.map(({ exports }) => exports.variable('NAME'))).toEqual(['wasm#1', 'wasm#2']);
    await Promise.all(held.map((instance) => pool.release(instance)));
  });

  test('has what `imports` gives instead', async () => {
    await using pool = await libcPool({
      imports: { 'wasi:clocks/wall-clock': { now: () => ({ seconds: 42n, nanoseconds: 0 }) } },
    });
    expect(await pool.use(({ exports }) => exports.now())).toBe(42n);
  });

  test('is told which WASI it lacks, where they are false', async () => {
    const error = await failure(libcPool({ wasi: false }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toMatch(
      /wasm#1: the component imports wasi:[a-z/-]+#\w+, and it is missing/,
    );
  });
});

describe('a component of preview 3', async () => {
  const bytes = await parse(`(component
    (import "wasi:filesystem/types@0.3.0" (instance $types (export "descriptor" (type (sub resource)))))
    (alias export $types "descriptor" (type $descriptor))
    (import "wasi:filesystem/preopens@0.3.0" (instance $preopens
      (alias outer 1 $descriptor (type $outer))
      (export "descriptor" (type $own (eq $outer)))
      (export "get-directories" (func (result (list (tuple (own $own) string)))))))
    (core module $memory
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
    (core instance $m (instantiate $memory))
    (core func $get (canon lower (func $preopens "get-directories")
      (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
    (core module $main
      (import "m" "memory" (memory 1))
      (import "m" "get" (func $get (param i32)))
      (func (export "folders") (result i32) (call $get (i32.const 8)) (i32.load (i32.const 12))))
    (core instance $i (instantiate $main (with "m" (instance
      (export "memory" (memory $m "memory")) (export "get" (func $get))))))
    (func (export "folders") (result u32) (canon lift (core func $i "folders"))))`);
  const folders = async (options: WasmPoolOptions<{ folders(): number }>) => {
    await using pool = await createWasmPool<{ folders(): number }>(bytes, {
      component: { cache },
      ...options,
    });
    return pool.use(({ exports }) => exports.folders());
  };

  test('has no folders', async () => {
    expect(await folders({})).toBe(0);
  });

  test('has those that the options preopen, and before them what `imports` gives', async () => {
    const wasi = { preopens: { '/notes': folder } };
    expect(await folders({ wasi })).toBe(1);
    const getDirectories = vi.fn(() => []);
    await folders({ wasi, imports: { 'wasi:filesystem/preopens': { getDirectories } } });
    expect(getDirectories).toHaveBeenCalledOnce();
  });

  test('that has its files by preview 2 has them too', async () => {
    await using pool = await createWasmPool(fixture('components/jco-tests/p3-clocks-sleep.wasm'), {
      wasi: { preopens: { '/notes': folder } },
      component: { cache },
    });
    expect(pool.size).toBe(1);
  });
});

describe('a component that exits', () => {
  test.each([0, 1])('with %i ends its call and its instance, not the process', async (code) => {
    await using pool = await libcPool();
    const error = await failure(pool.use(({ exports }) => exports.leave(code)));
    expect(error).toMatchObject({ code: 'ERR_WASM_EXIT', exitCode: code });
    expect(pool.stats().destroyedBy).toEqual({ trap: 1 });
    expect(await pool.use(({ exports }) => exports.variables())).toBe(0);
    expectAtRest(pool);
  });
});
