import { createWasmPool, suspending } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

// An engine that cannot suspend: WebAssembly with all it has, but for that.
beforeEach(() => {
  const {
    Suspending: _,
    promising: __,
    ...names
  } = Object.getOwnPropertyDescriptors(WebAssembly) as Record<string, PropertyDescriptor>;
  vi.stubGlobal('WebAssembly', Object.defineProperties({}, names));
});
afterEach(() => vi.unstubAllGlobals());

const bytes = wat('(module (memory (export "memory") 1) (func (export "f")))');
const advice = /Node\.js \d+.*WebAssembly\.Suspending.*use Node\.js 25 or later/;

test('a function cannot be marked, and the error says what to do', () => {
  expect(() => suspending(() => 1)).toThrow(
    expect.objectContaining({ code: 'ERR_WASM_JSPI', message: expect.stringMatching(advice) }),
  );
});

test.each([true, ['f']])('a pool with promising: %j cannot be made', async (promising) => {
  const error = await failure(createWasmPool(bytes, { promising }));
  expect(error).toMatchObject({ code: 'ERR_WASM_JSPI' });
  expect(error.message).toMatch(advice);
});

test('a pool with promising and wasi cannot be made', async () => {
  const error = await failure(createWasmPool(bytes, { promising: true, wasi: true }));
  expect(error).toMatchObject({ code: 'ERR_WASM_JSPI' });
});

test('any other pool works', async () => {
  await using pool = await createWasmPool(bytes, { promising: [], wasi: true });
  expect(pool.size).toBe(1);
});
