// All functions of WASI with whatever a guest may call them with: an error number is what it gets.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWasmPool, type WasiOptions, WasmError, WasmExit } from '@wasm-pool/wasm-adapter';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import {
  signatures,
  type WasiName,
} from '../../../packages/wasm-adapter/src/instance/wasi/signatures.js';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

const names = Object.keys(signatures) as WasiName[];
const type = (letter: string) => (letter === 'i' ? 'i32' : 'i64');
const params = (name: WasiName) => Array.from(signatures[name], type).join(' ');
const result = (name: WasiName) => (name === 'proc_exit' ? '' : '(result i32)');

const everything = wat(`(module
  ${names.map((name) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params(name)}) ${result(name)}))`).join('\n')}
  (memory (export "memory") 1 4)
  (data (i32.const 256) "file")
  (data (i32.const 272) "../up")
  (data (i32.const 288) "folder/../link")
  ${names
    .map(
      (name) => `(func (export "${name}") (param ${params(name)}) ${result(name)}
    (call $${name} ${Array.from(signatures[name], (_, index) => `(local.get ${index})`).join(' ')}))`,
    )
    .join('\n')})`);

type Guest = Record<WasiName, (...args: (number | bigint)[]) => number | undefined> & {
  memory: WebAssembly.Memory;
};

const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-hostile-'));
writeFileSync(join(folder, 'file'), 'content');
afterAll(() => rmSync(folder, { recursive: true }));

const numbers = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 256, 272, 288, 512, 65_530, 65_536, -1, -16),
  fc.constantFrom(2 ** 31 - 1, -(2 ** 31), 100, 1000),
  fc.integer(),
);
const bigs = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const call = fc
  .constantFrom(...names)
  .chain((name) =>
    fc.tuple(
      fc.constant(name),
      fc.tuple(...Array.from(signatures[name], (letter) => (letter === 'i' ? numbers : bigs))),
    ),
  );

const worlds: [string, WasiOptions][] = [
  ['files in memory', { files: { '/file': 'content', '/folder/': '' }, maxFilesBytes: 100_000 }],
  ['a folder of the host', { preopens: { '/': folder } }],
];

describe.each(worlds)('with %s', (_, world) => {
  test('any calls give error numbers, and throw nothing that is not ours', async () => {
    // A clock that no sleep waits for, and a random that costs nothing for gigabytes.
    const clock = { realtimeNanos: () => 5n, monotonicNanos: () => 7n, sleep() {} };
    const wasi = { ...world, clock, random: (bytes: Uint8Array) => bytes.fill(7) };
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
        await using pool = await createWasmPool<Guest>(everything, { wasi: () => wasi });
        const instance = await pool.acquire();
        const { exports } = instance;
        for (const [name, args] of calls) {
          try {
            const errno = exports[name](...args);
            expect(errno).toBeTypeOf('number');
          } catch (error) {
            expect(error).toBeInstanceOf(WasmError);
            if (name === 'proc_exit') expect(error).toBeInstanceOf(WasmExit);
          }
        }
        await pool.release(instance);
      }),
      { numRuns: Number(process.env.WASI_FUZZ_RUNS ?? 60) },
    );
  });
});

describe('a function that is imported with a wrong type', () => {
  test.each(names)('%s is refused when the module is linked', async (name) => {
    const wrong = wat(`(module
      (import "wasi_snapshot_preview1" "${name}" (func (param f32 ${params(name)}) ${result(name)})))`);
    for (const source of [wrong, new WebAssembly.Module(wrong)]) {
      const error = await failure(createWasmPool(source, { wasi: true }));
      expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    }
  });

  test('is not what the second instance of a module is checked for', async () => {
    await using pool = await createWasmPool<Guest>(everything, { wasi: true, min: 3 });
    const all = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    for (const instance of all) {
      expect(instance.exports.sched_yield()).toBe(0);
      await pool.release(instance);
    }
  });
});

test('pointers above 2 GiB are where they say', async () => {
  const big = wat(`(module
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 32800)
    (func (export "random") (param i32 i32) (result i32)
      (call $random (local.get 0) (local.get 1))))`);
  const random = (bytes: Uint8Array) => bytes.fill(9);
  await using pool = await createWasmPool<{
    memory: WebAssembly.Memory;
    random(at: number, length: number): number;
  }>(big, { wasi: { random } });
  await pool.use(({ exports }) => {
    expect(exports.random(2 ** 31 + 5 - 2 ** 32, 3)).toBe(0);
    expect([...new Uint8Array(exports.memory.buffer, 2 ** 31 + 4, 5)]).toEqual([0, 9, 9, 9, 0]);
    expect(exports.random(-4, 8)).toBe(21);
  });
});
