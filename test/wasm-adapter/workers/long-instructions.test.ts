// V8 by itself ends none of these threads: a loop of instructions that take long looks too rarely
// whether it is to end.
import { createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, onTestFinished, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { wat } from '../../helpers/wat.js';
import { until } from './pools.js';

const MANY_BYTES = 0x1000_0000;
const MANY_ELEMENTS = 4_000_000;

/** A pool of one thread with a guest that exports `work`. */
async function poolOf(src: Uint8Array<ArrayBuffer>, options: object = {}) {
  const pool = await createWasmWorkerPool<{ work(): void; hoard(): void }>(src, {
    max: 1,
    ...options,
  });
  onTestFinished(() => pool.close({ timeoutMillis: 1 }));
  return pool;
}

const repeated = (instruction: string) =>
  wat(`(module (memory 4097) (table 4000000 funcref) (table $other 4000000 funcref)
    (data $bytes "text") (elem $none func)
    (func (export "work") (loop $again ${instruction} (br $again)))
    (func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))`);

const constant = (value: number) => `(i32.const ${value})`;

describe('a call past callTimeoutMillis ends with its thread while the guest repeats', () => {
  test.each([
    ['memory.fill', `(memory.fill ${constant(0)} ${constant(1)} ${constant(MANY_BYTES)})`],
    ['memory.copy', `(memory.copy ${constant(0)} ${constant(5)} ${constant(MANY_BYTES)})`],
    ['table.fill', `(table.fill 0 ${constant(0)} (ref.null func) ${constant(MANY_ELEMENTS)})`],
    [
      'table.copy',
      `(table.copy 0 $other ${constant(0)} ${constant(0)} ${constant(MANY_ELEMENTS)})`,
    ],
    [
      'an instruction with a length that is computed',
      `(memory.fill ${constant(0)} ${constant(1)} (i32.mul ${constant(0x1000)} ${constant(0x1_0000)}))`,
    ],
  ])('%s', async (_, instruction) => {
    const pool = await poolOf(repeated(instruction));
    const error = await failure(pool.call('work', [], { callTimeoutMillis: 100 }));
    expect(error).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    await until(() => pool.stats().threadsEnding === 0);
  });

  test('and where it stands thousands of times, without a loop', async () => {
    const instruction = `(memory.fill ${constant(0)} ${constant(1)} ${constant(MANY_BYTES)})`;
    const none = '(memory.fill (i32.const 0) (i32.const 1) (local.get $none))';
    const src =
      wat(`(module (memory 4097) (func (export "work") (local $none i32) (local $round i32)
      (loop $again ${none}
        (br_if $again
          (i32.lt_u
            (local.tee $round (i32.add (local.get $round) (i32.const 1)))
            (i32.const 20000000))))
      ${instruction.repeat(2000)}))`);
    const pool = await poolOf(src);
    const error = await failure(pool.call('work', [], { callTimeoutMillis: 1000 }));
    expect(error).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    await until(() => pool.stats().threadsEnding === 0);
  });

  test('and in a copy of a prepared instance', async () => {
    const pool = await poolOf(
      repeated(`(memory.fill ${constant(0)} ${constant(1)} ${constant(MANY_BYTES)})`),
      {
        module:
          'data:text/javascript,export const preinitialize = () => {}; export const go = ({ exports }) => exports.work();',
      },
    );
    const error = await failure(pool.call('work', [], { callTimeoutMillis: 100 }));
    expect(error).toMatchObject({ code: 'ERR_WASM_CALL_TIMEOUT' });
    await until(() => pool.stats().threadsEnding === 0);
  });
});

test('a guest that fills its heap with arrays ends with its thread, and nobody else does', async () => {
  const resourceLimits = { maxOldGenerationSizeMb: 64 };
  const pool = await poolOf(fixture('structs.wasm'), { resourceLimits, callTimeoutMillis: 60_000 });
  const error = await failure(pool.run.hoard());
  expect(error).toMatchObject({ code: 'ERR_WASM_WORKER_EXIT' });
  await until(() => pool.stats().threadsEnding === 0);
});
