import { createWasmCommandPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { failure } from '../helpers/failure.js';
import { fixture } from '../helpers/fixture.js';
import { wat } from '../helpers/wat.js';

/** Exits with what `wizer.initialize` has left, and one more. */
const prepared = wat(`(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func $add (param i32) (global.set $count (i32.add (global.get $count) (local.get 0))))
  (func (export "wizer.initialize") (call $add (i32.const 7)))
  (func (export "_start") (call $add (i32.const 1)) (call $exit (global.get $count))))`);

describe('a program that is prepared', () => {
  test('is so once, and each run starts from what that left', async () => {
    await using pool = await createWasmCommandPool(prepared, {
      ...{ max: 2, preinitialize: 'wizer.initialize' },
    });
    const runs = await Promise.all([1, 2, 3, 4].map(() => pool.run()));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([8, 8, 8, 8]);
  });

  test('has to export a function of that name', async () => {
    const error = await failure(createWasmCommandPool(prepared, { preinitialize: 'prepare' }));
    expect(error).toMatchObject({ code: 'ERR_WASM_LINK' });
    expect(error.message).toContain('preinitialize names prepare, which is no function');
  });
});

describe.each([true, false])(
  'a stream that breaks, where a guest that waits is suspended: %s',
  (suspends) => {
    const pooled = () => createWasmCommandPool(fixture('tool.wasm'), { max: 1, suspends });

    test('as input ends the run, or fails its read, and the next run is served', async () => {
      await using pool = await pooled();
      const stdin = new ReadableStream<Uint8Array>({
        start: (controller) => controller.error(new Error('the client is gone')),
      });
      const run = await pool.run({ args: ['cat'], stdin }).catch((error: unknown) => error);
      if (run instanceof Error) expect(run.message).toContain('the client is gone');
      else expect(run).toMatchObject({ exitCode: expect.any(Number) });
      expect((await pool.run({ args: ['count'], encoding: 'utf8' })).stdout).toBe('1\n');
    });

    test('as output is told to the guest, and the next run is served', async () => {
      await using pool = await pooled();
      const stdout = new WritableStream<Uint8Array>({
        write: () => Promise.reject(new Error('the reader is gone')),
      });
      const input = 'x'.repeat(100_000);
      const run = await pool
        .run({ args: ['cat'], stdin: input, stdout })
        .catch((error: unknown) => error);
      if (run instanceof Error) expect(run.message).toContain('the reader is gone');
      expect((await pool.run({ args: ['count'], encoding: 'utf8' })).stdout).toBe('1\n');
    });
  },
);
