// On threads: one of them prepares, the others copy what it left from shared memory.
import { createWasmSnapshot, createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { expect, onTestFinished, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

const bytes = wat(`(module (memory (export "memory") 1) (global $private (mut i32) (i32.const 0))
  (func (export "count") (result i32)
    (global.set $private (i32.add (global.get $private) (i32.const 1)))
    (i32.store (i32.const 40000) (global.get $private))
    (i32.load (i32.const 40000))))`);

const tasks = (name: string) => new URL(`./tasks/${name}.ts`, import.meta.url);

/** Closed though a loan may be out, where an expectation was not met. */
function closedAtLast<P extends { close(options: object): Promise<void> }>(pool: P): P {
  onTestFinished(() => pool.close({ timeoutMillis: 1 }));
  return pool;
}

test('one thread prepares, and all instances have what it left', async () => {
  const pool = closedAtLast(
    await createWasmWorkerPool<typeof import('./tasks/prepare.js')>(bytes, {
      module: tasks('prepare'),
      min: 3,
      max: 3,
    }),
  );
  // Three at once: each has a worker of its own.
  const seen = await Promise.all(
    [1, 2, 3].map(() =>
      pool.use(async ({ run }) => ({ ...(await run.look()), count: await run.count() })),
    ),
  );
  expect(new Set(seen.map(({ thread }) => thread)).size).toBe(3);
  const prepared = seen[0]?.prepared;
  expect(seen.map((it) => it.prepared)).toEqual([prepared, prepared, prepared]);
  expect(seen.map(({ thread }) => thread)).toContain(
    (prepared as { preparedBy: number }).preparedBy,
  );
  expect(seen.map(({ count }) => count)).toEqual([11, 11, 11]);
});

test('with restore, and with fresh, a thread goes back to what was prepared', async () => {
  for (const reset of ['restore', 'fresh'] as const) {
    await using pool = await createWasmWorkerPool<typeof import('./tasks/prepare.js')>(bytes, {
      module: tasks('prepare'),
      max: 1,
      reset,
    });
    for (let loan = 0; loan < 3; loan++) expect(await pool.run.count()).toBe(11);
  }
});

test('what preinitialize throws is what the creation of the pool rejects with', async () => {
  const error = await failure(
    createWasmWorkerPool(bytes, { module: tasks('fail'), min: 2, max: 2 }),
  );
  expect(error).toBeInstanceOf(RangeError);
  expect(error.message).toBe('there is no library');
});

test('a value that other threads cannot have is refused', async () => {
  const error = await failure(createWasmWorkerPool(bytes, { module: tasks('unclonable'), max: 1 }));
  expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
  expect(error.message).toContain('accepted: undefined, or null, booleans');
});

test('a snapshot is what the instances of all threads are copies of', async () => {
  const snapshot = await createWasmSnapshot<{ count(): number }>(bytes, {
    preinitialize({ exports }) {
      exports.count();
      return ['value'];
    },
  });
  const pool = closedAtLast(
    await createWasmWorkerPool<typeof import('./tasks/plain.js')>(bytes, {
      module: tasks('plain'),
      snapshot,
      min: 2,
      max: 2,
    }),
  );
  const seen = await Promise.all(
    [1, 2].map(() => pool.use(async ({ run }) => [await run.count(), await run.prepared()])),
  );
  expect(seen).toEqual([
    [2, ['value']],
    [2, ['value']],
  ]);

  const both = await failure(
    createWasmWorkerPool(bytes, { module: tasks('prepare'), snapshot, max: 1 }),
  );
  expect(both).toMatchObject({ code: 'ERR_POOL_OPTION' });
  const other = wat('(module (memory 1))');
  const foreign = await failure(createWasmWorkerPool(other, { module: tasks('plain'), snapshot }));
  expect(foreign).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
});
