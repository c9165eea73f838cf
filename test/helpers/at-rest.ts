import { expect } from 'vitest';

/** What these functions look at of a pool, of either kind. */
interface Counted {
  readonly size: number;
  readonly available: number;
  readonly borrowed: number;
  readonly pending: number;
}

/** Expects that nothing is on loan, nobody waits, and all that exists is idle. */
export function expectAtRest(pool: Counted): void {
  const { size, available, borrowed, pending } = pool;
  expect({ size, available, borrowed, pending }).toEqual({
    size: available,
    available,
    borrowed: 0,
    pending: 0,
  });
}

/** Waits until nothing is on loan and nobody waits: a component's task may outlast its answer. */
export function untilAtRest(pool: Counted): Promise<void> {
  return expect
    .poll(() => [pool.borrowed, pool.pending, pool.size - pool.available])
    .toEqual([0, 0, 0]);
}
