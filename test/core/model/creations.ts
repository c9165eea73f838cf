import type { Reference } from './reference.js';
import type { Resource } from './resource.js';
import { must } from './violation.js';

/** One call of the factory's `create`, or of a `canCreate` that threw in its place. */
export interface Creation {
  readonly deadline: number;
  /** What it failed with, where the factory decided that. */
  failure?: unknown;
  /** It gives what no pool can take. */
  bad?: boolean;
  /** It gave a resource, of which the pool may know before its `create` event. */
  given?: boolean;
  over?: boolean;
  /** The pool was replaced meanwhile. */
  stale?: boolean;
}

/** A `ready` call. */
export interface Readiness {
  readonly count: number;
  outcome?: 'ready' | 'CreateError' | 'PoolClosedError';
}

/** Which creations are in order, and what comes of them. */
export class Creations {
  readonly underWay = new Set<Creation>();
  /** What the factory's `canCreate` does. */
  gate: 'open' | 'shut' | 'throws' = 'open';
  created = 0;
  errors = 0;

  readonly #pool: Reference;
  readonly #readies: Readiness[] = [];
  #grow = 0;
  #failingSince: number | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #refills = 0;
  #refilledAt = Number.NEGATIVE_INFINITY;

  constructor(pool: Reference) {
    this.#pool = pool;
  }

  /** The factory is asked for one: for who waits, for `ready`, `grow` or `min`. */
  called(creation: Creation): void {
    const { size, limit, burst, waiting, urgent, coming, ending } = this.#pool;
    must(!ending.closed, 'create after close');
    must(this.gate !== 'shut', 'create against canCreate');
    const room = size < limit;
    const forUrgent = urgent > coming && size < limit + burst;
    must(room || forUrgent, `create with ${size} there or on their way`);
    if (this.#grow > 0) this.#grow--;
    else if (!forUrgent && waiting.length <= coming && size >= this.#ready) {
      must(size < this.#pool.min && !ending.draining, 'create that nobody asked for');
      this.#refill();
    }
    this.underWay.add(creation);
  }

  /** After a failure, min is made anew in rounds that are ever further apart. */
  #refill(): void {
    const now = this.#pool.now();
    const worked = [...this.underWay].some(({ given }) => given);
    if (this.#failingSince !== undefined && this.#refilledAt !== now && !worked) {
      const least = Math.min(100 * 2 ** this.#refills, 30_000);
      const passed = now - this.#failingSince;
      must(passed >= least, `min refilled ${passed} ms after a failure`);
      this.#refills++;
      this.#failingSince = undefined;
    }
    this.#refilledAt = now;
  }

  /** The pool's `create` event. */
  succeeded(resource: Resource, creation: Creation): void {
    const { places, ending } = this.#pool;
    must(!places.has(resource), 'created twice');
    const unawaited = creation.over === true || ending.forced;
    places.set(resource, {
      at: 'due',
      since: 0,
      reasons: [],
      stale: false,
      validUntil: 0,
      loans: 0,
      loan: 0,
      unawaited,
    });
    this.created++;
    if (creation.over === true) {
      this.#pool.due(resource, 'destroy', 'late');
      return;
    }
    creation.over = true;
    this.underWay.delete(creation);
    this.#failingSince = undefined;
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#refills = 0;
    if (creation.stale === true) this.#pool.due(resource, 'destroy', this.#pool.replaceReason);
    else this.#pool.offer(resource);
    // One that was replaced while it was made is destroyed, and counts for nobody.
    this.lookReady(creation.stale === true ? places.size - 1 : places.size);
  }

  /** More than the limit is waited for in vain, if that was lowered since. */
  lookReady(there: number): void {
    for (const ready of this.#readies) {
      if (there >= Math.min(ready.count, this.#pool.limit)) ready.outcome ??= 'ready';
    }
  }

  /** The pool's `factoryCreateError` event. */
  failed(cause: unknown, timedOut: boolean): void {
    const pool = this.#pool;
    const creation = [...this.underWay].find((it) =>
      timedOut
        ? it.deadline <= pool.now() && it.failure === undefined && it.bad !== true
        : it.failure === cause || (it.bad === true && cause instanceof TypeError),
    );
    must(creation !== undefined, 'factoryCreateError without a failed creation');
    this.underWay.delete(creation);
    creation.over = true;
    this.errors++;
    // Where max is in use without it, it was a burst: only the urgent waited for it.
    const waiting = pool.size >= pool.limit ? pool.urgent : pool.waiting.length;
    const waitOn = waiting > pool.coming && this.#waitersMayWait;
    if (waiting > pool.coming && !waitOn) {
      const first = pool.waiting.shift();
      if (first !== undefined) first.outcome = { error: 'CreateError', cause };
    }
    const wanted = Math.max(pool.min, pool.setup.propagateCreateError ? 0 : this.#ready);
    if (waitOn || (!pool.ending.draining && pool.size < wanted)) {
      this.#failingSince ??= pool.now();
      this.#failedAt = pool.now();
    }
    if (pool.setup.propagateCreateError) this.endReadies('CreateError');
    pool.ending.look();
  }

  /** Whether a failure is not the end of an acquire: a resource is there that may serve, or all are patient. */
  get #waitersMayWait(): boolean {
    return this.#pool.places.size > 0 || !this.#pool.setup.propagateCreateError;
  }

  /** Whether a failure may be what keeps creation from being tried just now. */
  get #backing(): boolean {
    return this.#pool.now() - this.#failedAt <= 30_000;
  }

  ready(count: number): Readiness {
    const ready: Readiness = { count };
    if (this.#pool.places.size >= count) ready.outcome = 'ready';
    else if (this.#pool.ending.draining) ready.outcome = 'PoolClosedError';
    this.#readies.push(ready);
    return ready;
  }

  endReadies(outcome: 'CreateError' | 'PoolClosedError'): void {
    for (const ready of this.#readies) ready.outcome ??= outcome;
  }

  get #ready(): number {
    const open = this.#readies.filter(({ outcome }) => outcome === undefined);
    return Math.max(0, ...open.map(({ count }) => count));
  }

  /** `grow`: how many it has to begin. */
  grow(count: number): number {
    const { size, limit, started, ending } = this.#pool;
    const may = started && !ending.draining && this.gate !== 'shut';
    this.#grow = may ? Math.max(0, Math.min(count, limit - size)) : 0;
    return this.#grow;
  }

  /** After each call of the pool. */
  checkCalm(): void {
    must(this.#grow === 0, `${this.#grow} were to be created`);
  }

  /** Once promises have settled. */
  checkFair(): void {
    for (const { failure, bad } of this.underWay) {
      must(failure === undefined && bad !== true, 'a failure was not told');
    }
    if (this.gate === 'shut') return;
    const { size, limit, burst, waiting, urgent, coming, started, ending, setup, min } = this.#pool;
    const holdsOff = this.#waitersMayWait && this.#backing;
    const inVain = waiting.length > coming && size < limit;
    must(!inVain || holdsOff, 'waits though another could be created');
    must(urgent <= coming || size >= limit + burst || holdsOff, 'an urgent one waits in vain');
    if (!started || ending.draining) return;
    must(size >= min || this.#backing, `size ${size} below min ${min}`);
    const ready = size >= Math.min(this.#ready, limit);
    const patient = !setup.propagateCreateError && this.#backing;
    must(ready || patient, `ready(${this.#ready}) waits for nothing`);
  }

  /** Once all timers of this millisecond have fired. */
  checkTimely(): void {
    for (const { deadline } of this.underWay) {
      // Nobody waits for those that a close was forced past: no timer is left for them.
      must(deadline > this.#pool.now() || this.#pool.ending.forced, 'creates past its timeout');
    }
  }
}
