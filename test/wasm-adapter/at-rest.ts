import { expect } from 'vitest';

/** Nothing is lent, nobody waits, and what exists is idle. */
export function expectAtRest(pool: {
  readonly size: number;
  readonly available: number;
  readonly borrowed: number;
  readonly pending: number;
}): void {
  const { size, available, borrowed, pending } = pool;
  expect({ size, available, borrowed, pending }).toEqual({
    size: available,
    available,
    borrowed: 0,
    pending: 0,
  });
}
