import type { DestroyReason, Pool } from '@wasm-pool/core';

/** Why idle instances go: those are not to be made anew at once. */
const leaving: readonly DestroyReason[] = [
  'idle',
  'softIdle',
  'evicted',
  'clear',
  'close',
  'budget',
  'outOfMemory',
];

/** Keeps so many more resources than are on loan, within `max`, for those that are lent only once. */
export class Spares<T> {
  readonly #pool: Pool<T>;
  readonly #count: number;
  #toppingUp = false;

  constructor(pool: Pool<T>, count: number) {
    this.#pool = pool;
    this.#count = count;
    pool.on('destroy', (_, reason) => {
      if (!leaving.includes(reason)) this.topUp();
    });
  }

  /** Has them made in a turn of the event loop of its own, off the borrower's path. */
  topUp(): void {
    if (this.#toppingUp) return;
    this.#toppingUp = true;
    setImmediate(() => {
      this.#toppingUp = false;
      const { borrowed, size } = this.#pool;
      this.#pool.grow(Math.max(borrowed + this.#count - size, 0));
    });
  }
}
