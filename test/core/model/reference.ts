import { Creations } from './creations.js';
import { Destructions } from './destructions.js';
import { Ending } from './ending.js';
import type { Ask, Outcome, Place, Resource } from './resource.js';
import type { Setup } from './scenario.js';
import { must } from './violation.js';

/**
 * What design.md says a pool is, without promises, timers or speed. It is told of each call of the
 * pool before it is made, and of each call of the factory and each event when it comes; it says what
 * every acquire comes to and where every resource is, and throws a `Violation` for a call of the
 * factory that is not in order. This file: who is lent what.
 */
export class Reference {
  readonly setup: Setup;
  readonly now: () => number;
  limit: number;
  min: number;
  /** The largest `limit` that there was. */
  mostLimit: number;
  /** Why resources were replaced last. */
  replaceReason = 'replaced';
  /** The acquire that is being made, while it tries what is idle. */
  asking: Ask | undefined;
  readonly burst: number;

  /** Those that exist. */
  readonly places = new Map<Resource, Place>();
  /** The one that is idle longest first. */
  readonly idle: Resource[] = [];
  /** The one that is next first. */
  readonly waiting: Ask[] = [];
  readonly creations: Creations;
  readonly destructions: Destructions;
  readonly ending: Ending;

  started: boolean;
  lent = 0;
  timeouts = 0;

  constructor(setup: Setup, now: () => number) {
    this.setup = setup;
    this.now = now;
    this.limit = setup.max === 0 ? Number.POSITIVE_INFINITY : setup.max;
    this.min = setup.min;
    this.mostLimit = this.limit;
    this.burst = setup.max === 0 ? 0 : setup.burst;
    this.started = setup.autostart;
    this.creations = new Creations(this);
    this.destructions = new Destructions(this);
    this.ending = new Ending(this);
  }

  count(...at: Place['at'][]): number {
    return [...this.places.values()].filter((place) => at.includes(place.at)).length;
  }

  get size(): number {
    return this.places.size + this.creations.underWay.size;
  }

  get urgent(): number {
    return this.waiting.filter(({ priority }) => priority === 0).length;
  }

  /** Resources that may come to who waits without a further creation. */
  get coming(): number {
    return this.count('idle', 'validating', 'recycling') + this.creations.underWay.size;
  }

  /**
   * An acquire, whatever the method. `open`: it waits for a `validate` that may answer at once, and
   * may fill the queue or make room in it before the acquire gets there.
   */
  ask(ask: Ask): 'decided' | 'waits' | 'open' {
    const { draining, closed } = this.ending;
    if (closed || (draining && !ask.requeue)) {
      ask.outcome = { error: 'PoolClosedError' };
      return 'decided';
    }
    if (this.#takeFor(ask)) return 'decided';
    if (!draining) this.started = true;
    const idle = this.setup.testOnBorrow && this.waiting.length === 0 && this.idle.length > 0;
    const open = idle && !draining;
    if (!open && this.refuses(ask)) {
      ask.outcome = { error: 'QueueFullError' };
      return 'decided';
    }
    this.#enqueue(ask);
    if (open) this.asking = ask;
    return open ? 'open' : 'waits';
  }

  /** Whether the queue is too full for an acquire, itself left out. */
  refuses(ask: Ask): boolean {
    if (ask.requeue) return false;
    const { maxWaitingClients = Number.POSITIVE_INFINITY } = this.setup;
    const spare = this.limit + (ask.priority === 0 ? this.burst : 0) - this.size;
    const others = this.waiting.filter((other) => other !== ask);
    const full = this.size >= this.limit;
    const inFront = full ? others.filter(({ priority }) => priority === 0) : others;
    const room = spare >= 1 && inFront.length <= this.coming;
    return !room && others.length - this.coming >= maxWaitingClients;
  }

  /** An acquire that cannot wait. Without an outcome after the call, it came to nothing. */
  askNow(ask: Ask): void {
    if (this.waiting.length > 0 || this.ending.draining || this.#takeFor(ask)) return;
    if (!this.setup.testOnBorrow || this.idle.length === 0) return;
    this.#enqueue(ask);
    this.asking = ask;
  }

  /** The next idle one may have passed a `validate` a moment ago. */
  serveAsking(): void {
    const { asking } = this;
    const resource = this.nextIdle;
    if (asking === undefined || resource === undefined || this.waiting[0] !== asking) return;
    if (this.place(resource).validUntil <= this.now()) return;
    this.waiting.shift();
    this.idle.splice(this.idle.indexOf(resource), 1);
    this.#lend(resource, asking);
    this.asking = undefined;
  }

  #takeFor(ask: Ask): boolean {
    const { idle, setup, waiting } = this;
    if (waiting.length > 0) return false;
    const resource = this.nextIdle;
    if (resource === undefined) return false;
    const passed = this.place(resource).validUntil > this.now() && !this.ending.draining;
    if (setup.testOnBorrow && !passed) return false;
    idle.splice(idle.indexOf(resource), 1);
    this.#lend(resource, ask);
    return true;
  }

  get nextIdle(): Resource | undefined {
    return this.setup.fifo ? this.idle[0] : this.idle.at(-1);
  }

  /** In order of priority, then of arrival. */
  #enqueue(ask: Ask): void {
    const after = this.waiting.findIndex(
      ({ priority }) => priority > ask.priority || (ask.requeue && priority === ask.priority),
    );
    this.waiting.splice(after === -1 ? this.waiting.length : after, 0, ask);
  }

  #lend(resource: Resource, ask: Ask): void {
    const place = this.place(resource);
    this.move(place, 'lent');
    place.loans++;
    place.validUntil = 0;
    place.loan = ++this.lent;
    ask.outcome = { lent: resource, loan: place.loan };
  }

  /** The asker leaves the queue, if it is still there. */
  giveUp(ask: Ask, outcome?: Outcome): void {
    const index = this.waiting.indexOf(ask);
    if (index === -1) return;
    this.waiting.splice(index, 1);
    if (outcome !== undefined) ask.outcome = outcome;
    this.ending.look();
  }

  isLent(resource: Resource): boolean {
    return this.places.get(resource)?.at === 'lent';
  }

  isOnLoan(outcome: Outcome | undefined): outcome is { lent: Resource; loan: number } {
    if (outcome === undefined || !('lent' in outcome)) return false;
    const place = this.places.get(outcome.lent);
    return place?.at === 'lent' && place.loan === outcome.loan;
  }

  /** A resource on loan is returned. */
  giveBack(resource: Resource, threw: boolean): void {
    if (this.setup.recycles) this.due(resource, 'recycle');
    else if (threw) this.due(resource, 'destroy', 'threw');
    else this.#settle(resource);
  }

  /** A resource on loan is passed on to who is next, if that is possible. */
  handOff(resource: Resource): boolean {
    const [next] = this.waiting;
    if (next?.acceptsHandOff !== true || this.#isUsed(resource) || this.#isSurplus()) return false;
    if (this.place(resource).stale) return false;
    this.waiting.shift();
    this.#lend(resource, next);
    return true;
  }

  #isUsed(resource: Resource): boolean {
    const { maxUses } = this.setup;
    return maxUses > 0 && this.place(resource).loans >= maxUses;
  }

  #isSurplus(): boolean {
    const { size } = this.places;
    return size > this.limit && (this.urgent === 0 || size > this.limit + this.burst);
  }

  /** The factory's answer to `validate` or `recycle`; `reason`: it is to be destroyed. */
  verdict(resource: Resource, reason: string | undefined, tookTime = false): void {
    const place = this.place(resource);
    const { at } = place;
    if (at === 'validating' && tookTime) place.validUntil = this.now() + 500;
    if (at !== 'validating' && at !== 'recycling') return; // taken away meanwhile
    if (reason !== undefined) this.due(resource, 'destroy', reason);
    else if (at === 'validating' && this.place(resource).stale) {
      this.due(resource, 'destroy', this.replaceReason);
    } else if (at === 'validating') this.offer(resource);
    else this.#settle(resource);
  }

  /** The same for a no that the pool hears of later. */
  doom(resource: Resource, reason: string): void {
    const place = this.place(resource);
    if (place.at === 'validating' || place.at === 'recycling') place.reasons = [reason];
  }

  #settle(resource: Resource): void {
    if (this.#isUsed(resource)) this.due(resource, 'destroy', 'uses');
    else if (this.place(resource).stale) this.due(resource, 'destroy', this.replaceReason);
    else if (this.setup.testOnBorrow && this.waiting.length > 0) this.due(resource, 'validate');
    else this.offer(resource);
  }

  /** To who is next, or else to the idle ones. */
  offer(resource: Resource): void {
    if (this.ending.closed) this.due(resource, 'destroy', 'close');
    else if (this.#isSurplus()) {
      this.due(resource, 'destroy', this.burst > 0 ? 'burst' : 'resized');
    } else {
      const ask = this.waiting.shift();
      if (ask !== undefined) this.#lend(resource, ask);
      else {
        this.move(this.place(resource), 'idle');
        this.idle.push(resource);
      }
    }
    this.ending.look();
  }

  /** Every resource that there is goes: idle ones now. */
  replace(reason: string): void {
    this.replaceReason = reason;
    for (const resource of this.idle.splice(0)) this.due(resource, 'destroy', reason);
    for (const place of this.places.values()) place.stale = true;
    for (const creation of this.creations.underWay) creation.stale = true;
  }

  resize(max: number, min: number): void {
    this.limit = max === 0 ? Number.POSITIVE_INFINITY : max;
    this.mostLimit = Math.max(this.mostLimit, this.limit);
    this.min = min;
    const surplus = Math.max(this.size - this.limit, 0);
    for (const resource of this.idle.splice(0, surplus)) this.due(resource, 'destroy', 'resized');
    const left = [...this.places.values()].filter(({ at }) => at !== 'due');
    this.creations.lookReady(left.length);
  }

  /** `destroy` of one that is not on loan; false: it is none of the pool's, or gone. */
  destroyUnused(resource: Resource): boolean {
    const place = this.places.get(resource);
    if (place === undefined) return false;
    if (!['idle', 'validating', 'recycling'].includes(place.at)) return false;
    if (place.at === 'idle') this.idle.splice(this.idle.indexOf(resource), 1);
    this.due(resource, 'destroy', 'borrower');
    return true;
  }

  due(resource: Resource, due: NonNullable<Place['due']>, ...reasons: string[]): void {
    Object.assign(this.move(this.place(resource), 'due'), { due, reasons });
  }

  move(place: Place, at: Place['at']): Place {
    place.at = at;
    place.since = this.now();
    place.reasons = [];
    delete place.due;
    return place;
  }

  place(resource: Resource): Place {
    const place = this.places.get(resource);
    must(place !== undefined, 'a resource that does not exist');
    return place;
  }

  validateCalled(resource: Resource): void {
    const place = this.place(resource);
    must(this.setup.testOnBorrow, 'validate without testOnBorrow');
    if (place.at === 'idle') {
      must(resource === this.nextIdle, 'validate of one that is not next');
      must(this.waiting.length > 0, 'validate for nobody');
      this.idle.splice(this.idle.indexOf(resource), 1);
    } else must(place.due === 'validate', `validate of one that is ${this.describe(place)}`);
    this.move(place, 'validating');
  }

  recycleCalled(resource: Resource): void {
    const place = this.place(resource);
    must(place.due === 'recycle', `recycle of one that is ${this.describe(place)}`);
    this.move(place, 'recycling');
  }

  describe(place: Place): string {
    const due = place.at === 'due' ? ` for ${place.due} (${place.reasons})` : '';
    return `${place.at}${due} since ${place.since} (now ${this.now()})`;
  }
}
