import type { DestroyReason } from '@wasm-pool/core';
import { inNextTurn } from '../platform/turns.js';

/** Destroy reasons after which no spare is created. */
const leaving: readonly DestroyReason[] = [
  'idle',
  'softIdle',
  'evicted',
  'clear',
  'close',
  'budget',
  'threads',
  'outOfMemory',
];

/** The pool whose spares they are. */
interface Pool {
  readonly borrowed: number;
  readonly size: number;
  grow(count: number): number;
  on(event: 'destroy', listener: (resource: unknown, reason: DestroyReason) => void): unknown;
}

/** Keeps `count` resources more than are on loan, within `max`: for resources that are lent only once. */
export class Spares {
  readonly #pool: Pool;
  readonly #count: number;
  #toppingUp = false;

  constructor(pool: Pool, count: number) {
    this.#pool = pool;
    this.#count = count;
    pool.on('destroy', (_, reason) => {
      if (!leaving.includes(reason)) this.topUp();
    });
  }

  /** Creates what is missing in a later turn of the event loop, off the borrower's path. */
  topUp(): void {
    if (this.#toppingUp) return;
    this.#toppingUp = true;
    inNextTurn(() => {
      this.#toppingUp = false;
      const { borrowed, size } = this.#pool;
      this.#pool.grow(Math.max(borrowed + this.#count - size, 0));
    });
  }
}
