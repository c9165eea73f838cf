// A snapshot keeps what is not zero, and no more.
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { Snapshot } from '../../../packages/wasm-adapter/src/instance/snapshot.js';
import { wat } from '../../helpers/wat.js';

const MIB = 2 ** 20;
const PAGE = 65_536;
const big = wat('(module (memory (export "memory") 1024))');
interface Big {
  memory: WebAssembly.Memory;
}

/** What buffers and other things outside of the heap take, memories excepted. */
async function external(): Promise<number> {
  await globalThis.gc?.({ type: 'major', execution: 'async' });
  return process.memoryUsage().arrayBuffers;
}

test('of 64 MiB of zeros takes nothing', async () => {
  const memory = new WebAssembly.Memory({ initial: 1024 });
  const before = await external();
  const snapshot = new Snapshot([memory], [], []);
  expect((await external()) - before).toBeLessThan(MIB / 4);
  new Uint8Array(memory.buffer).fill(1, 20 * MIB, 21 * MIB);
  expect(snapshot.restore()).toBe(true);
  expect(Buffer.from(memory.buffer).every((byte) => byte === 0)).toBe(true);
});

test('takes as much as was written, to the next 16 KiB', async () => {
  const memory = new WebAssembly.Memory({ initial: 1024 });
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(1, 10 * MIB, 11 * MIB);
  bytes[40 * MIB] = 1;
  bytes[bytes.length - 1] = 1;
  const before = await external();
  const snapshot = new Snapshot([memory], [], []);
  const taken = (await external()) - before;
  expect(taken).toBeGreaterThan(MIB - MIB / 8); // small buffers of others may go meanwhile
  expect(taken).toBeLessThan(MIB + MIB / 4);
  expect(snapshot.exact).toBe(true);
});

test('of many instances of a large memory leaves room for many more', async () => {
  const before = await external();
  await using pool = await createWasmPool<Big>(big, { reset: 'restore', min: 20 });
  expect((await external()) - before).toBeLessThan(MIB);
  expect(await pool.use((instance) => instance.memoryBytes)).toBe(64 * MIB);
});

test('restores wherever the written stretches begin and end', () => {
  const memory = new WebAssembly.Memory({ initial: 4 });
  const bytes = new Uint8Array(memory.buffer);
  const ends = [0, 1, 16_383, 16_384, 16_385, 3 * 16_384, PAGE, 2 * PAGE - 1, 4 * PAGE - 1];
  for (const at of ends) bytes[at] = 1;
  const wanted = bytes.slice();
  const snapshot = new Snapshot([memory], [], []);
  const scribbles = [
    () => bytes.fill(9),
    () => bytes.fill(0),
    () => bytes.fill(9, 16_384, 16_385),
    () => bytes.fill(9, 5 * 16_384 - 1, 5 * 16_384 + 1),
    () => bytes.fill(9, 4 * PAGE - 1),
    () => {},
  ];
  for (const scribble of scribbles) {
    scribble();
    expect(snapshot.restore()).toBe(true);
    expect(Buffer.from(bytes).equals(wanted)).toBe(true);
  }
});

test('of a memory without pages is restored', () => {
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 1 });
  const snapshot = new Snapshot([memory], [], []);
  expect(snapshot.restore()).toBe(true);
  memory.grow(1);
  expect(snapshot.restore()).toBe(false);
});
