import type { Setup } from './operations.js';

/** A pooled resource: nothing but an identity. */
export class Resource {
  readonly id: number;
  constructor(id: number) {
    this.id = id;
  }
}

/** The pool did what it must not, or left undone what it must. */
export class Violation extends Error {}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Violation(what);
}

/** What comes of an acquire. `error`: its name, or the signal's reason itself. */
export type Outcome =
  | { lent: Resource; loan: number }
  | { error: string; cause?: unknown }
  | { reason: unknown };

/** One acquire. */
export interface Ask {
  readonly id: number;
  readonly priority: number;
  readonly deadline: number;
  outcome?: Outcome;
}

/** One call of the factory's `create`. */
export interface Creation {
  readonly deadline: number;
  /** What it failed with, where the factory decided that. */
  failure?: unknown;
  /** It gives what no pool can take. */
  bad?: boolean;
  /** It gave a resource, of which the pool may know before its `create` event. */
  given?: boolean;
  over?: boolean;
}

/** One call of the factory's `destroy` that returned a promise. */
export interface Destruction {
  readonly deadline: number;
  /** Of a resource whose creation had been given up: close cannot know that it is still to come. */
  readonly late: boolean;
  over: boolean;
}

/**
 * Where a resource is. `due`: the pool has to make that call of the factory for it before it
 * returns to its caller. `aged`: it may be too old to be lent again, which shows at once.
 */
export interface Place {
  at: 'idle' | 'lent' | 'validating' | 'recycling' | 'due' | 'aged' | 'gone';
  since: number;
  due?: 'recycle' | 'validate' | 'destroy';
  /** Why it is destroyed, where it is due for that or its verdict will be a no. */
  reasons?: string[];
  readonly createdAt: number;
  loans: number;
  loan: number;
  leakTold: boolean;
}

export interface Readiness {
  readonly count: number;
  outcome?: 'ready' | 'CreateError' | 'PoolClosedError';
}

/**
 * What design.md says a pool is, without promises, timers or speed. It is told of each call of the
 * pool before it is made, and of each call of the factory and each event when it comes; it says what
 * every acquire comes to and where every resource is, and throws a `Violation` for a call of the
 * factory that is not in order.
 */
export class Reference {
  readonly places = new Map<Resource, Place>();
  readonly idle: Resource[] = []; // the one that is idle longest first
  readonly waiting: Ask[] = []; // the one that is next first
  readonly creations = new Set<Creation>();
  readonly destructions = new Set<Destruction>();
  readonly readies: Readiness[] = [];
  readonly clears = new Set<Map<Resource, number>>();

  started: boolean;
  draining = false;
  closed = false;
  /** Everything was idle at some time since `draining`: what drain and close wait for. */
  wasQuiet = false;
  forceAt = Number.POSITIVE_INFINITY;
  /** What the factory's `canCreate` says. */
  canCreate = true;

  lent = 0;
  created = 0;
  createErrors = 0;
  destroyErrors = 0;
  timeouts = 0;
  leaks = 0;
  readonly destroyedBy: Record<string, number> = {};

  readonly #setup: Setup;
  readonly #now: () => number;
  readonly #burst: number;
  readonly #limit: number;
  #loans = 0;
  #failingSince: number | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #refillRounds = 0;
  #refilledAt = Number.NEGATIVE_INFINITY;
  #aged: Resource | undefined;

  constructor(setup: Setup, now: () => number) {
    this.#setup = setup;
    this.#now = now;
    this.#limit = setup.max === 0 ? Number.POSITIVE_INFINITY : setup.max;
    this.#burst = setup.max === 0 ? 0 : setup.burst;
    this.started = setup.autostart;
  }

  // ── counters ──────────────────────────────────────────────────────────────────────────────────

  count(...at: Place['at'][]): number {
    let count = 0;
    for (const place of this.places.values()) if (at.includes(place.at)) count++;
    return count;
  }

  get alive(): number {
    return this.places.size - this.#gone;
  }

  get size(): number {
    return this.alive + this.creations.size;
  }

  get borrowed(): number {
    return this.count('lent');
  }

  get urgent(): number {
    return this.waiting.filter(({ priority }) => priority === 0).length;
  }

  /** Resources that may come to who waits without a further creation. */
  get #coming(): number {
    return this.count('idle', 'validating', 'recycling') + this.creations.size;
  }

  #gone = 0;

  get quiet(): boolean {
    const busy = this.count('lent', 'validating', 'recycling', 'due', 'aged');
    return busy + this.creations.size + this.waiting.length === 0;
  }

  // ── what borrowers do ─────────────────────────────────────────────────────────────────────────

  /** The next loan's asker, whatever the method; `ask.outcome` is there if it is decided at once. */
  ask(ask: Ask, aborted?: { reason: unknown }): 'decided' | 'waits' | 'open' {
    this.decideAged();
    if (aborted !== undefined) {
      ask.outcome = aborted;
      return 'decided';
    }
    if (this.#takeFor(ask)) return 'decided';
    if (!this.draining) this.started = true;
    if (this.draining) {
      ask.outcome = { error: 'PoolClosedError' };
      return 'decided';
    }
    const open = this.#setup.testOnBorrow && this.waiting.length === 0 && this.idle.length > 0;
    if (!open && this.refuses(ask)) {
      ask.outcome = { error: 'QueueFullError' };
      return 'decided';
    }
    this.#enqueue(ask);
    return open ? 'open' : 'waits'; // open: what `validate` says may change what it is refused for
  }

  /** Whether the queue is too full for an acquire that is not in it. */
  refuses(ask: Ask): boolean {
    const { maxWaitingClients = Number.POSITIVE_INFINITY } = this.#setup;
    const spare = this.#limit + (ask.priority === 0 ? this.#burst : 0) - this.size;
    const coming = this.#coming;
    const waiting = this.waiting.filter((other) => other !== ask).length;
    return spare < 1 && waiting - coming >= maxWaitingClients;
  }

  /** An acquire that does not wait. Without an outcome after the call, it came to nothing. */
  askNow(ask: Ask): void {
    this.decideAged();
    if (this.waiting.length > 0 || this.draining || this.#takeFor(ask)) return;
    if (this.#setup.testOnBorrow && this.idle.length > 0) this.#enqueue(ask);
  }

  #takeFor(ask: Ask): boolean {
    if (this.#setup.testOnBorrow || this.draining || this.waiting.length > 0) return false;
    const resource = this.#nextIdle;
    if (resource === undefined) return false;
    this.idle.splice(this.idle.indexOf(resource), 1);
    this.#lend(resource, ask);
    return true;
  }

  get #nextIdle(): Resource | undefined {
    return this.#setup.fifo ? this.idle[0] : this.idle.at(-1);
  }

  #enqueue(ask: Ask): void {
    const after = this.waiting.findIndex(({ priority }) => priority > ask.priority);
    this.waiting.splice(after === -1 ? this.waiting.length : after, 0, ask);
  }

  #lend(resource: Resource, ask: Ask): void {
    const place = this.#place(resource);
    place.at = 'lent';
    place.since = this.#now();
    place.loans++;
    place.loan = ++this.#loans;
    place.leakTold = false;
    this.lent++;
    ask.outcome = { lent: resource, loan: place.loan };
  }

  /** The asker leaves the queue, if it is still there. */
  giveUp(ask: Ask, outcome?: Outcome): boolean {
    this.decideAged();
    const index = this.waiting.indexOf(ask);
    if (index === -1) return false;
    this.waiting.splice(index, 1);
    if (outcome !== undefined) ask.outcome = outcome;
    this.#look();
    return true;
  }

  isLent(resource: Resource): boolean {
    return this.places.get(resource)?.at === 'lent';
  }

  isOnLoan(outcome: Outcome | undefined): outcome is { lent: Resource; loan: number } {
    if (outcome === undefined || !('lent' in outcome)) return false;
    const place = this.#place(outcome.lent);
    return place.at === 'lent' && place.loan === outcome.loan;
  }

  giveBack(resource: Resource, threw: boolean): void {
    this.decideAged();
    if (this.#setup.recycles) this.#due(resource, 'recycle');
    else if (threw) this.#due(resource, 'destroy', 'threw');
    else this.#settle(resource);
    this.#look();
  }

  giveUpOn(resource: Resource, reason: string): void {
    this.decideAged();
    this.#due(resource, 'destroy', reason);
  }

  // ── what becomes of a resource ────────────────────────────────────────────────────────────────

  #settle(resource: Resource): void {
    const { maxUses, maxAgeMillis, testOnBorrow } = this.#setup;
    const place = this.#place(resource);
    const age = this.#now() - place.createdAt;
    if (maxUses > 0 && place.loans >= maxUses) this.#due(resource, 'destroy', 'uses');
    else if (maxAgeMillis > 0 && age >= maxAgeMillis && place.at !== 'aged') {
      place.at = 'aged'; // the pool's clock is coarse: what it does next shows what it found
      this.#aged = resource;
    } else if (testOnBorrow && this.waiting.length > 0) this.#due(resource, 'validate');
    else this.#offer(resource);
  }

  /** Anything but its destruction means that it was found young enough. */
  decideAged(): void {
    const resource = this.#aged;
    if (resource === undefined) return;
    this.#aged = undefined;
    const { createdAt } = this.#place(resource);
    const slack = this.#now() - createdAt - this.#setup.maxAgeMillis;
    must(
      slack <= this.interval || this.draining,
      `resource ${resource.id} was kept ${slack} ms past maxAgeMillis`,
    );
    this.#settle(resource);
    this.#look();
  }

  /** How often the evictor runs. */
  get interval(): number {
    const { evictionRunIntervalMillis, idleTimeoutMillis, softIdleTimeoutMillis, maxAgeMillis } =
      this.#setup;
    if (evictionRunIntervalMillis > 0) return evictionRunIntervalMillis;
    const times = [idleTimeoutMillis, softIdleTimeoutMillis, maxAgeMillis].filter((it) => it > 0);
    return Math.max(10, Math.ceil(Math.min(2000, ...times) / 2));
  }

  #offer(resource: Resource): void {
    const place = this.#place(resource);
    if (this.closed) this.#due(resource, 'destroy', 'close');
    else if (this.#burst > 0 && this.alive > this.#limit && this.urgent === 0) {
      this.#due(resource, 'destroy', 'burst');
    } else {
      const ask = this.waiting.shift();
      if (ask !== undefined) this.#lend(resource, ask);
      else {
        place.at = 'idle';
        place.since = this.#now();
        this.idle.push(resource);
      }
    }
  }

  #due(resource: Resource, due: NonNullable<Place['due']>, ...reasons: string[]): void {
    const place = this.#place(resource);
    place.at = 'due';
    place.due = due;
    place.reasons = reasons;
  }

  #place(resource: Resource): Place {
    const place = this.places.get(resource);
    must(place !== undefined, 'a resource that was never created');
    return place;
  }

  /** What a factory's verdict comes to, once the pool has it. */
  verdict(resource: Resource, reason: string | undefined): void {
    this.decideAged();
    const place = this.#place(resource);
    if (place.at !== 'validating' && place.at !== 'recycling') return; // taken away meanwhile
    const wasValidating = place.at === 'validating';
    if (reason !== undefined) this.#due(resource, 'destroy', reason);
    else if (wasValidating) this.#offer(resource);
    else this.#settle(resource);
    this.#look();
  }

  /** The same for a no that the pool hears of later. */
  doom(resource: Resource, reason: string): void {
    const place = this.#place(resource);
    if (place.at === 'validating' || place.at === 'recycling') place.reasons = [reason];
  }

  // ── what the factory is asked ─────────────────────────────────────────────────────────────────

  createCalled(creation: Creation): void {
    this.decideAged();
    must(!this.closed, 'create after close');
    must(this.canCreate, 'create against canCreate');
    const short = this.waiting.length - this.#coming;
    const urgentShort = this.urgent - this.#coming;
    const room = this.size < this.#limit;
    if (room && short > 0) {
      // for who waits
    } else if (urgentShort > 0 && this.size < this.#limit + this.#burst) {
      // beyond max, for the urgent
    } else if (room && this.size < this.#ready) {
      // for ready()
    } else {
      must(room, `create with ${this.size} there or on their way`);
      must(this.size < this.#setup.min && !this.draining, 'create that nobody asked for');
      this.#refill();
    }
    this.creations.add(creation);
  }

  /** After a failure, min is made anew in rounds that are ever further apart. */
  #refill(): void {
    const now = this.#now();
    const worked = [...this.creations].some(({ given }) => given);
    if (this.#failingSince !== undefined && this.#refilledAt !== now && !worked) {
      const least = Math.min(100 * 2 ** this.#refillRounds, 30_000);
      const passed = now - this.#failingSince;
      must(passed >= least, `min refilled ${passed} ms after a failure`);
      this.#refillRounds++;
      this.#failingSince = undefined;
    }
    this.#refilledAt = now;
  }

  get #ready(): number {
    const open = this.readies.filter(({ outcome }) => outcome === undefined);
    return Math.max(0, ...open.map(({ count }) => count));
  }

  /** The pool's `create` event. */
  createdEvent(resource: Resource, creation: Creation): void {
    this.decideAged();
    const before = this.places.get(resource);
    must(before === undefined || before.at === 'gone', 'created twice');
    if (before !== undefined) {
      this.#gone--; // the factory gave one that had been destroyed by then
      for (const idleThen of this.clears) idleThen.delete(resource); // it is another one now
    }
    const now = this.#now();
    const fresh = { since: now, createdAt: now, loans: 0, loan: 0, leakTold: false };
    this.places.set(resource, { at: 'due', ...fresh });
    this.created++;
    if (creation.over === true) {
      this.#due(resource, 'destroy', 'late');
      return;
    }
    creation.over = true;
    this.creations.delete(creation);
    this.#failingSince = undefined;
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#refillRounds = 0;
    this.#offer(resource);
    for (const ready of this.readies) {
      if (this.alive >= ready.count) ready.outcome ??= 'ready';
    }
    this.#look();
  }

  /** The pool's `factoryCreateError` event. */
  createFailed(cause: unknown, timedOut: boolean): void {
    this.decideAged();
    const creation = [...this.creations].find((it) =>
      timedOut
        ? it.deadline <= this.#now() && it.failure === undefined && it.bad !== true
        : it.failure === cause || (it.bad === true && cause instanceof TypeError),
    );
    must(creation !== undefined, 'factoryCreateError without a failed creation');
    this.creations.delete(creation);
    creation.over = true;
    this.createErrors++;
    // Where max is in use without it, it was a burst: only the urgent waited for it.
    const waiting = this.size >= this.#limit ? this.urgent : this.waiting.length;
    if (waiting > this.#coming) {
      const first = this.waiting.shift();
      if (first !== undefined) first.outcome = { error: 'CreateError', cause };
    }
    if (!this.draining && this.size < this.#setup.min) {
      this.#failingSince ??= this.#now();
      this.#failedAt = this.#now();
    }
    for (const ready of this.readies) ready.outcome ??= 'CreateError';
    this.#look();
  }

  validateCalled(resource: Resource): void {
    this.decideAged();
    const place = this.#place(resource);
    must(this.#setup.testOnBorrow, 'validate without testOnBorrow');
    if (place.at === 'idle') {
      must(resource === this.#nextIdle, 'validate of one that is not next');
      must(this.waiting.length > 0, 'validate for nobody');
      this.idle.splice(this.idle.indexOf(resource), 1);
    } else must(place.due === 'validate', `validate of one that is ${this.#describe(place)}`);
    this.#asked(place, 'validating');
  }

  recycleCalled(resource: Resource): void {
    this.decideAged();
    const place = this.#place(resource);
    must(place.due === 'recycle', `recycle of one that is ${this.#describe(place)}`);
    this.#asked(place, 'recycling');
  }

  #asked(place: Place, at: 'validating' | 'recycling'): void {
    place.at = at;
    place.since = this.#now();
    delete place.due;
    place.reasons = [];
  }

  destroyCalled(resource: Resource, reason: string): void {
    if (this.#aged === resource && reason === 'age') this.#aged = undefined;
    this.decideAged();
    const place = this.#place(resource);
    must(
      this.#mayDestroy(place, reason),
      `destroy for '${reason}' of one that is ${this.#describe(place)}`,
    );
    if (place.at === 'idle') this.idle.splice(this.idle.indexOf(resource), 1);
    place.at = 'gone';
    this.#gone++;
    this.destroyedBy[reason] = (this.destroyedBy[reason] ?? 0) + 1;
    this.#look();
  }

  #mayDestroy(place: Place, reason: string): boolean {
    const { idleTimeoutMillis, softIdleTimeoutMillis, maxAgeMillis, evictWorn, min } = this.#setup;
    const { createTimeoutMillis } = this.#setup;
    const now = this.#now();
    const rested = now - place.since;
    const swept = this.closed && (this.wasQuiet || now >= this.forceAt);
    if (reason === 'close' && swept && place.at !== 'gone') return true;
    switch (place.at) {
      case 'due':
        return place.due === 'destroy' && place.reasons?.includes(reason) === true;
      case 'aged':
        return reason === 'age';
      case 'validating':
      case 'recycling':
        if (place.reasons?.includes(reason)) return true;
        return (
          reason === (place.at === 'validating' ? 'invalid' : 'unfit') &&
          createTimeoutMillis > 0 &&
          rested >= createTimeoutMillis
        );
      case 'idle':
        if (reason === 'close') return this.closed;
        if (reason === 'clear') return this.clears.size > 0;
        if (reason === 'worn') return evictWorn && place.loans >= 2;
        if (reason === 'age') return maxAgeMillis > 0 && now - place.createdAt >= maxAgeMillis;
        if (reason === 'softIdle') {
          const enough = this.idle.length > min;
          return softIdleTimeoutMillis > 0 && rested > softIdleTimeoutMillis && enough;
        }
        return reason === 'idle' && idleTimeoutMillis > 0 && rested > idleTimeoutMillis;
      default:
        return false;
    }
  }

  #describe(place: Place): string {
    const due = place.at === 'due' ? ` for ${place.due} (${place.reasons})` : '';
    return `${place.at}${due} since ${place.since} (now ${this.#now()})`;
  }

  /** The pool's `leak` event for a loan that lasts too long. */
  leakEvent(resource: Resource): void {
    this.decideAged();
    const place = this.#place(resource);
    const { leakDetectionMillis } = this.#setup;
    must(
      leakDetectionMillis > 0 &&
        place.at === 'lent' &&
        !place.leakTold &&
        this.#now() - place.since >= leakDetectionMillis,
      'a leak that is none',
    );
    place.leakTold = true;
    this.leaks++;
  }

  // ── the pool as a whole ───────────────────────────────────────────────────────────────────────

  start(): void {
    if (!this.draining) this.started = true;
  }

  ready(count: number): Readiness {
    this.decideAged();
    const ready: Readiness = { count };
    if (this.alive >= count) ready.outcome = 'ready';
    else if (this.draining) ready.outcome = 'PoolClosedError';
    this.readies.push(ready);
    return ready;
  }

  clear(): Map<Resource, number> {
    this.decideAged();
    const idleNow = new Map(this.idle.map((it) => [it, this.#place(it).loans]));
    this.clears.add(idleNow);
    return idleNow;
  }

  /** `evict`: those that are idle longest go, whatever `fifo` is. */
  evict(count: number): number {
    this.decideAged();
    const gone = this.idle.splice(0, count);
    for (const resource of gone) this.#due(resource, 'destroy', 'evicted');
    return gone.length;
  }

  /** `clear` resolved: what was idle when it was called is gone, unless it was lent. */
  cleared(idleThen: Map<Resource, number>): void {
    this.clears.delete(idleThen);
    for (const [resource, loans] of idleThen) {
      const place = this.#place(resource);
      must(place.at !== 'idle' || place.loans > loans, `resource ${resource.id} was not cleared`);
    }
  }

  drain(): void {
    this.decideAged();
    this.draining = true;
    for (const ready of this.readies) ready.outcome ??= 'PoolClosedError';
    this.#look();
  }

  close(timeoutMillis: number): void {
    this.decideAged();
    this.draining = true;
    this.closed = true;
    if (timeoutMillis > 0) this.forceAt = Math.min(this.forceAt, this.#now() + timeoutMillis);
    for (const ask of this.waiting.splice(0)) ask.outcome = { error: 'PoolClosedError' };
    for (const ready of this.readies) ready.outcome ??= 'PoolClosedError';
    this.#look();
  }

  /** Whether `close` has nothing to wait for any more. */
  get swept(): boolean {
    const now = this.#now();
    const open = [...this.destructions].some(
      ({ over, deadline, late }) => !over && !late && deadline > now,
    );
    return this.closed && this.alive === 0 && (this.wasQuiet || this.forced) && !open;
  }

  /** Whether resources are being destroyed that came when their creation had been given up. */
  get lateOnes(): boolean {
    const now = this.#now();
    return [...this.destructions].some(({ over, deadline, late }) => {
      return late && !over && deadline > now;
    });
  }

  get forced(): boolean {
    return this.#now() >= this.forceAt;
  }

  #look(): void {
    if (this.draining && this.quiet) this.wasQuiet = true;
  }

  // ── what has to be so ─────────────────────────────────────────────────────────────────────────

  /** After each call of the pool: everything that it had to do at once is done. */
  checkCalm(): void {
    this.decideAged();
    this.#look();
    for (const [resource, place] of this.places) {
      must(place.at !== 'due', `resource ${resource.id} is still ${this.#describe(place)}`);
    }
    must(this.size <= this.#limit + this.#burst, `${this.size} resources`);
    must(this.borrowed <= this.#limit + this.#burst, `${this.borrowed} borrowed`);
    must(!this.closed || this.idle.length === 0, 'idle after close');
  }

  /** Once promises have settled: nobody waits for what could be had. */
  checkFair(): void {
    const { testOnBorrow, min } = this.#setup;
    for (const [resource, place] of this.places) {
      const doomed = place.at === 'validating' || place.at === 'recycling';
      must(!doomed || place.reasons?.length === 0, `resource ${resource.id} was to be destroyed`);
    }
    for (const creation of this.creations) {
      must(creation.failure === undefined && creation.bad !== true, 'a failure was not told');
    }
    if (this.waiting.length > 0) {
      const tested = testOnBorrow ? this.count('validating') : 0;
      must(this.idle.length === 0 || this.waiting.length <= tested, 'waits beside an idle one');
      const room = this.size < this.#limit && this.waiting.length > this.#coming;
      const urgentRoom = this.size < this.#limit + this.#burst && this.urgent > this.#coming;
      must((!room && !urgentRoom) || !this.canCreate, 'waits though another could be created');
    }
    if (!this.started || this.draining || !this.canCreate) return;
    const backing = this.#now() - this.#failedAt <= 30_000;
    must(this.size >= min || backing, `size ${this.size} below min ${min}`);
    must(
      this.size >= Math.min(this.#ready, this.#limit),
      `ready(${this.#ready}) waits for nothing`,
    );
  }

  /** Once all timers of this millisecond have fired. */
  checkTimely(): void {
    const now = this.#now();
    const { createTimeoutMillis, idleTimeoutMillis, maxAgeMillis, leakDetectionMillis } =
      this.#setup;
    const { evictionRunIntervalMillis } = this.#setup;
    for (const ask of this.waiting) must(ask.deadline > now, 'waits past its timeout');
    for (const { deadline } of this.creations) {
      // Nobody waits for those that a close was forced past: no timer is left for them.
      must(deadline > now || (this.closed && this.forced), 'creates past its timeout');
    }
    for (const [resource, place] of this.places) {
      const rested = now - place.since;
      const which = `resource ${resource.id}`;
      if (place.at === 'validating' || place.at === 'recycling') {
        must(createTimeoutMillis === 0 || rested < createTimeoutMillis, `${which} is asked on`);
      }
      if (place.at === 'lent' && leakDetectionMillis > 0) {
        must(place.leakTold || rested < leakDetectionMillis, `${which} leaks untold`);
      }
      if (place.at !== 'idle' || this.draining) continue;
      const slow = evictionRunIntervalMillis > 0 ? 4 : 1; // then a run looks at three only
      const late = 3 * this.interval * slow;
      if (idleTimeoutMillis > 0) must(rested <= idleTimeoutMillis + late, `${which} idles on`);
      if (maxAgeMillis > 0) {
        must(now - place.createdAt <= maxAgeMillis + late, `${which} was not aged out`);
      }
    }
    if (this.closed && now >= this.forceAt) must(this.alive === 0, 'close was not enforced');
  }
}
