// The file that createWasmSnapshot writes: what is in it, and which are refused.
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createWasmPool, createWasmSnapshot, type SnapshotSource } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

const PAGE = 65_536;
const HASH_BYTES = 32;

interface Guest {
  readonly memory: WebAssembly.Memory;
}

const bytes = wat(`(module (memory (export "memory") 4) (global (mut f64) (f64.const -0))
  (table 3 funcref) (elem (i32.const 0) func $f) (func $f))`);

const snapshotOf = (value?: unknown, module = bytes) =>
  createWasmSnapshot<Guest>(module, {
    preinitialize({ exports }) {
      const memory = new Uint8Array(exports.memory.buffer);
      memory.set([1, 2, 3], 100);
      for (let at = 0; at < 2 * PAGE; at++) memory[PAGE + at] = (at * 2_654_435_761) >>> 7;
      memory[4 * PAGE - 1] = 9;
      return value;
    },
  });

const poolOf = (snapshot: SnapshotSource) => createWasmPool<Guest>(bytes, { snapshot });

async function refusal(snapshot: Uint8Array): Promise<string> {
  const error = await failure(poolOf(snapshot));
  expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
  return error.message;
}

describe('a snapshot', () => {
  test('is had from bytes, a promise of them, a path and a file: URL', async () => {
    const snapshot = await snapshotOf();
    const path = join(tmpdir(), `wasm-pool-${process.pid}.snapshot`);
    await writeFile(path, snapshot);
    const sources = [
      snapshot,
      snapshot.buffer,
      Promise.resolve(snapshot),
      path,
      pathToFileURL(path),
      pathToFileURL(path).href,
    ];
    for (const source of sources) {
      await using pool = await poolOf(source);
      await pool.use(({ exports }) => {
        const memory = new Uint8Array(exports.memory.buffer);
        expect([...memory.subarray(99, 104)]).toEqual([0, 1, 2, 3, 0]);
        expect(memory[4 * PAGE - 1]).toBe(9);
        expect(memory[PAGE + 1000]).toBe(((1000 * 2_654_435_761) >>> 7) & 255);
      });
    }
  });

  test('gives onCreate what preinitialize returned', async () => {
    for (const value of [undefined, null, 5, 'text', { a: [1, { b: true }] }]) {
      const seen: unknown[] = [];
      const snapshot = await snapshotOf(value);
      await using pool = await createWasmPool<Guest>(bytes, {
        snapshot,
        onCreate: (_, prepared) => void seen.push(prepared),
      });
      expect(pool.size).toBe(1);
      expect(seen).toEqual([value]);
    }
  });

  test.each([
    [Number.NaN],
    [-0],
    [1n],
    [Symbol('s')],
    [() => 1],
    [new Date(0)],
    [[undefined]],
    [new Map()],
  ])('is refused where preinitialize returned %s, which a file cannot hold', async (value) => {
    const error = await failure(snapshotOf(value));
    expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(error.message).toContain('preinitialize returned what a file cannot hold');
  });

  test('has of a large memory that is mostly zero only what is not', async () => {
    const large = wat('(module (memory (export "memory") 1024))'); // 64 MiB
    const snapshot = await createWasmSnapshot<Guest>(large, {
      preinitialize: ({ exports }) =>
        void new Uint8Array(exports.memory.buffer).fill(1, 5e7, 5e7 + 10),
    });
    expect(snapshot.length).toBeLessThan(1000);
  });

  test('is the same for the same state', async () => {
    expect(await snapshotOf(1)).toEqual(await snapshotOf(1));
  });

  test('needs preinitialize', async () => {
    const error = await failure(createWasmSnapshot(bytes, {} as never));
    expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(error.message).toContain('preinitialize');
  });
});

describe('a file is refused that', () => {
  test('is damaged in any byte, or cut anywhere', async () => {
    const whole = await snapshotOf('value');
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const damaged = whole.slice();
          damaged[at] = (damaged[at] as number) ^ change;
          expect(await refusal(damaged)).toMatch(
            /snapshot (is damaged|is no snapshot|is of version)/,
          );
          expect(await refusal(whole.slice(0, at))).toMatch(/snapshot (is damaged|is no snapshot)/);
        },
      ),
      { numRuns: 25 },
    );
    expect(await refusal(new Uint8Array([...whole, 0]))).toMatch(/is damaged/);
  });

  test('is of another version', async () => {
    const other = (await snapshotOf()).slice();
    other[8] = 2;
    const content = other.subarray(0, -HASH_BYTES);
    other.set(new Uint8Array(await crypto.subtle.digest('SHA-256', content)), content.length);
    expect(await refusal(other)).toBe(
      'wasm: snapshot is of version 2; accepted: version 1. Make it anew',
    );
  });

  test('belongs to a module that differs by a byte', async () => {
    const other = wat(`(module (memory (export "memory") 4) (global (mut f64) (f64.const -1))
      (table 3 funcref) (elem (i32.const 0) func $f) (func $f))`);
    expect(other.length).toBe(bytes.length);
    expect(await refusal(await snapshotOf(undefined, other))).toMatch(
      /snapshot belongs to the module with SHA-256 \w+, and the one given has \w+: make it anew/,
    );
  });

  test('is no snapshot, or is not there', async () => {
    expect(await refusal(bytes)).toContain('is no snapshot');
    expect(await refusal(new Uint8Array())).toContain('is no snapshot');
    const missing = await failure(poolOf('/there/is/no/such.snapshot'));
    expect(missing).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(missing.message).toMatch(/snapshot could not be loaded.*no such file/);
  });
});
