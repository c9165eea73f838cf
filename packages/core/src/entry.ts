import type { DestroyReason } from './factory.js';

/**
 * Where an entry is. `idle` and only `idle`: in the idle list. `checking`: new, or the factory's
 * `validate` or `recycle` has it. `destroyed`: handed to the factory's `destroy`.
 *
 * ```
 *             borrow              return           fit
 *  new ──┐   ┌──────▶ borrowed ─────────▶ checking ────┐
 *        ▼   │                                │        │
 *       idle ┘◀───────────────────────────────│────────┘
 *        │  evicted, old, cleared             │ unfit, used up
 *        └──────────────▶ destroyed ◀─────────┘
 * ```
 */
export type EntryState = 'idle' | 'borrowed' | 'checking' | 'destroyed';

/** A resource and what the pool knows of it. Takes the place of generic-pool's PooledResource. */
export class Entry<T> {
  readonly resource: T;
  readonly createdMillis: number;
  /** How often the pool had been replaced when its creation began. */
  readonly generation: number;
  /** When it is too old; Infinity: never. */
  readonly oldAtMillis: number;
  state: EntryState = 'checking';

  /** What its borrower has: the resource, or what the factory's `view` gave in its place. */
  lent: unknown;

  /** How often it was lent: its number of uses, and what tells one loan from the next. */
  loans = 0;

  /** When its loan began, by the clock of durations; -1 where the loan is not timed. */
  lentMillis = -1;

  /**
   * The evictor's clock when it first saw the entry idle, -1 while it has not. Reading the clock is
   * left to the evictor so that a return costs no clock call; idle time so counts a little short.
   */
  idleSinceMillis = -1;

  /** Until when an answer of `validate` that took time holds. */
  validUntilMillis = 0;

  /** When it was asked about last while it was idle. */
  checkedMillis = 0;

  /** What the evictor found, between its verdict and the entry's destruction. */
  evictReason: DestroyReason = 'idle';

  /** Neighbours in the idle list: links in the entry mean that a return allocates nothing. */
  older: Entry<T> | undefined = undefined;
  newer: Entry<T> | undefined = undefined;

  constructor(resource: T, createdMillis: number, generation: number, oldAtMillis: number) {
    this.resource = resource;
    this.lent = resource;
    this.createdMillis = createdMillis;
    this.generation = generation;
    this.oldAtMillis = oldAtMillis;
  }
}
