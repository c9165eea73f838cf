import type { Reference } from './reference.js';

/** A call of `drain` or `close`. `quiet`: everything was idle at some time since. */
export interface Drain {
  quiet: boolean;
}

/** Draining, closing and clearing. */
export class Ending {
  draining = false;
  closed = false;

  readonly #pool: Reference;
  readonly #drains: Drain[] = [];
  #close: Drain | undefined;
  #forceAt = Number.POSITIVE_INFINITY;

  constructor(pool: Reference) {
    this.#pool = pool;
  }

  drain(): Drain {
    this.draining = true;
    const drain = { quiet: false };
    this.#drains.push(drain);
    this.#pool.creations.endReadies('PoolClosedError');
    this.look();
    return drain;
  }

  close(timeoutMillis: number): void {
    const { waiting, now } = this.#pool;
    this.closed = true;
    if (timeoutMillis > 0) this.#forceAt = Math.min(this.#forceAt, now() + timeoutMillis);
    for (const ask of waiting.splice(0)) ask.outcome = { error: 'PoolClosedError' };
    const drain = this.drain();
    this.#close ??= drain;
  }

  /** After all that may have been the last thing that a shutdown waits for. */
  look(): void {
    const { places, idle, creations, waiting } = this.#pool;
    const busy = places.size - idle.length + creations.underWay.size + waiting.length;
    if (busy === 0) for (const drain of this.#drains) drain.quiet = true;
  }

  /** Whether the time that close was given is over. */
  get forced(): boolean {
    return this.#pool.now() >= this.#forceAt;
  }

  /** Whether close destroys everything by now, whoever has it. */
  get sweeps(): boolean {
    return this.closed && (this.#close?.quiet === true || this.forced);
  }

  /** Whether `close` has nothing to wait for any more. */
  get swept(): boolean {
    const { places, destructions } = this.#pool;
    return this.sweeps && places.size === 0 && !destructions.open(true);
  }
}
