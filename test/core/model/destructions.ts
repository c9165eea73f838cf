import type { Reference } from './reference.js';
import type { Place, Resource } from './resource.js';
import { must } from './violation.js';

/** One call of the factory's `destroy` that hangs. */
export interface Destruction {
  readonly deadline: number;
  readonly awaited: boolean;
  over: boolean;
}

/** Which destructions are in order, and what comes of them. */
export class Destructions {
  readonly hanging = new Set<Destruction>();
  readonly by: Record<string, number> = {};
  errors = 0;

  readonly #pool: Reference;

  constructor(pool: Reference) {
    this.#pool = pool;
  }

  called(resource: Resource, reason: string): Place {
    const { idle, places, ending } = this.#pool;
    const place = this.#pool.place(resource);
    const inOrder = this.#mayBe(place, reason);
    must(inOrder, `destroy for '${reason}' of one that is ${this.#pool.describe(place)}`);
    if (place.at === 'idle') idle.splice(idle.indexOf(resource), 1);
    place.at = 'gone';
    places.delete(resource);
    this.by[reason] = (this.by[reason] ?? 0) + 1;
    ending.look();
    this.#pool.serveAsking();
    return place;
  }

  #mayBe({ at, due, reasons, since, loans }: Place, reason: string): boolean {
    const { ending, idle, setup } = this.#pool;
    const { createTimeoutMillis, evictWorn, idleTimeoutMillis, softIdleTimeoutMillis } = setup;
    const rested = this.#pool.now() - since;
    if (reason === 'close' && ending.sweeps) return true;
    switch (at) {
      case 'due':
        return due === 'destroy' && reasons.includes(reason);
      case 'validating':
      case 'recycling': {
        const timedOut = createTimeoutMillis > 0 && rested >= createTimeoutMillis;
        const no = at === 'validating' ? 'invalid' : 'unfit';
        return reasons.includes(reason) || (timedOut && reason === no);
      }
      case 'idle':
        if (reason === 'close') return ending.closed;
        if (reason === 'worn') return evictWorn && loans >= 2;
        if (reason === 'idle') return idleTimeoutMillis > 0 && rested > idleTimeoutMillis;
        return (
          reason === 'softIdle' &&
          softIdleTimeoutMillis > 0 &&
          rested > softIdleTimeoutMillis &&
          idle.length > this.#pool.min
        );
      default:
        return false;
    }
  }

  /** `evict`: those that are idle longest go, whatever `fifo` is; says how many. */
  evict(count: number): number {
    const gone = this.#pool.idle.splice(0, count);
    for (const resource of gone) this.#pool.due(resource, 'destroy', 'evicted');
    return gone.length;
  }

  /** Whether there are any that are not over yet. */
  open(awaited: boolean): boolean {
    const now = this.#pool.now();
    return [...this.hanging].some((it) => !it.over && it.awaited === awaited && it.deadline > now);
  }

  expire(): void {
    for (const destruction of this.hanging) {
      if (destruction.over || destruction.deadline > this.#pool.now()) continue;
      destruction.over = true;
      this.errors++;
    }
  }
}
