import type { DestroyReason } from './factory.js';

/**
 * Where an entry is. `idle` and only `idle`: in the idle list. `busy`: the factory's `validate` or
 * `recycle` has it. `gone`: handed to the factory's `destroy`.
 */
export type EntryState = 'idle' | 'lent' | 'busy' | 'gone';

/** A resource and what the pool knows of it. Takes the place of generic-pool's PooledResource. */
export class Entry<T> {
  readonly resource: T;
  readonly createdMillis: number;
  state: EntryState = 'busy';

  /** What its borrower has: the resource, or what the factory's `view` gave in its place. */
  lent: unknown;

  /** How often it was lent: its number of uses, and what tells one loan from the next. */
  loans = 0;

  /**
   * The evictor's clock when it first saw the entry idle, -1 while it has not. Reading the clock is
   * left to the evictor so that a return costs no clock call; idle time so counts a little short.
   */
  idleSinceMillis = -1;

  /** What the evictor found, between its verdict and the entry's destruction. */
  evictReason: DestroyReason = 'idle';

  /** Neighbours in the idle list: links of its own mean that a return allocates nothing. */
  older: Entry<T> | undefined = undefined;
  newer: Entry<T> | undefined = undefined;

  constructor(resource: T, createdMillis: number) {
    this.resource = resource;
    this.lent = resource;
    this.createdMillis = createdMillis;
  }
}
