import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { long } from '../helpers/long.js';
import { wat } from '../helpers/wat.js';

const PAGE = 65_536;
const PAGES = 1024;
/** How many instances a guest fills: 16 MiB each, so that 4 GiB are leaked, or 2 GiB in the short form. */
const INSTANCES = long ? 250 : 125;

/** What V8 believes to be held outside of its heap, but for garbage. */
async function externalBytes(): Promise<number> {
  for (let times = 0; times < 5; times++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10)); // buffers are swept on another thread
  }
  return process.memoryUsage().external;
}

test('V8 knows what an instance has grown by, and only once', async () => {
  const guest = wat(`(module (memory ${PAGES})
    (func (export "grow") (drop (memory.grow (i32.const ${PAGES})))))`);
  await using pool = await createWasmPool<{ grow(): void }>(guest, { max: 1 });
  const made = await externalBytes(); // what it is made with counts by itself
  await pool.use(({ exports }) => exports.grow());
  const grown = (await externalBytes()) - made;
  expect(grown).toBeGreaterThan(0.9 * PAGES * PAGE);
  expect(grown).toBeLessThan(1.5 * PAGES * PAGE);
});

test.each([
  ['that is dropped after each loan', 256, ''],
  [
    'that its start function made grow',
    1,
    '(func $grow (drop (memory.grow (i32.const 255)))) (start $grow)',
  ],
])('an instance %s does not pile up', async (_, pages, start) => {
  const guest = wat(`(module (memory ${pages}) ${start} (func (export "fill")
    (memory.fill (i32.const 0) (i32.const 1) (i32.const ${256 * PAGE}))))`);
  const options = { max: 4, reset: 'fresh' } as const;
  await using pool = await createWasmPool<{ fill(): void }>(guest, options);
  const residentBytes = process.memoryUsage.rss();
  let mostBytes = 0;
  for (let loan = 0; loan < INSTANCES; loan++) {
    await pool.use(({ exports }) => exports.fill());
    await new Promise((resolve) => setImmediate(resolve));
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
  }
  expect(mostBytes - residentBytes).toBeLessThan(2 ** 30);
});

test('a guest that leaks 64 KiB a call is replaced, and what it leaked is given back', async () => {
  const guest = wat(`(module (memory 1) (func (export "leak")
    (memory.fill (i32.shl (memory.grow (i32.const 1)) (i32.const 16)) (i32.const 1) (i32.const ${PAGE}))))`);
  await using pool = await createWasmPool<{ leak(): void }>(guest, {
    max: 4,
    maxMemoryBytes: 16 * 2 ** 20,
  });
  const residentBytes = process.memoryUsage.rss();
  let mostBytes = 0;
  for (let call = 1; call <= INSTANCES * 256; call++) {
    await pool.use(({ exports }) => exports.leak());
    if (call % 256 !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve)); // V8 frees what it has collected
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
  }
  expect(pool.stats().destroyedBy).toEqual({ memory: INSTANCES });
  expect(mostBytes - residentBytes).toBeLessThan(2 ** 30);
});
