import { createWasmPool, createWasmWorkerPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { fixture } from '../../helpers/fixture.js';
import { cache, guestPool } from './guests.js';

/** A component with streams and futures. */
const src = fixture('components/tasks.wasm');
const imports = { 'test:tasks/host': { async fetch() {}, take() {} } };
const component = { cache };

/** How many loans until the first instance was destroyed for its uses; none, when it outlived 250. */
async function loansOf(pool: {
  use(borrow: () => void): Promise<void>;
  stats(): { destroyedBy: { uses?: number } };
  close(): Promise<unknown>;
}): Promise<number | undefined> {
  for (let loans = 1; loans <= 250; loans++) {
    await pool.use(() => {});
    if (pool.stats().destroyedBy.uses !== undefined) {
      await pool.close();
      return loans;
    }
  }
  await pool.close();
  return undefined;
}

describe('an instance of a component that deals in streams', () => {
  test('is replaced after 100 loans: jco keeps what it had', async () => {
    expect(await loansOf(await createWasmPool(src, { imports, component }))).toBe(100);
  });

  test('is on threads, too', async () => {
    const text = 'export const imports = { "test:tasks/host": { async fetch() {}, take() {} } }';
    const module = `data:text/javascript,${encodeURIComponent(text)}`;
    const pool = await createWasmWorkerPool(src, { module, component, max: 1 });
    expect(await loansOf(pool)).toBe(100);
  });

  test.each([
    [undefined, 100],
    [7, 7],
    [0, undefined],
  ])('is with a maxUses of %s after %s', async (maxUses, loans) => {
    expect(await loansOf(await createWasmPool(src, { imports, component, maxUses }))).toBe(loans);
  });

  test('is not where there are none', async () => {
    expect(await loansOf(await guestPool())).toBeUndefined();
  });
});
