import { FactoryTimeoutError } from '@wasm-pool/core';
import { type AdapterPool, createAdapterPool } from '@wasm-pool/core/internal';
import { Borrowers, picked } from './borrowers.js';
import { checkCalm, checkFair, checkTimely } from './checks.js';
import type { Clock } from './clock.js';
import type { Drain } from './ending.js';
import { FaultyFactory, type Hanging } from './faulty-factory.js';
import { Promises } from './promises.js';
import { Reference } from './reference.js';
import { Resource } from './resource.js';
import type { Operation, Scenario, Setup } from './scenario.js';
import { agree, Findings, must } from './violation.js';

const FOREIGN = new Resource(-1);

/** Runs a scenario on a pool and on the model, and throws a `Violation` where they differ. */
export class Run {
  readonly #clock: Clock;
  readonly #model: Reference;
  readonly #faults: FaultyFactory;
  readonly #pool: AdapterPool<Resource>;
  readonly #borrowers: Borrowers;
  readonly #promises = new Promises();
  readonly #findings = new Findings();
  #closes: { resolved: boolean }[] = [];
  readonly #drains: { call: { resolved: boolean }; drain: Drain }[] = [];
  readonly #clears: { resolved: boolean }[] = [];
  #destroyEvents = 0;
  #destroyErrorEvents = 0;

  constructor(setup: Setup, clock: Clock) {
    this.#clock = clock;
    this.#model = new Reference(setup, () => clock.now);
    this.#faults = new FaultyFactory(this.#model, this.#findings);
    const { recycles: _, evictWorn, ...options } = setup;
    this.#pool = createAdapterPool(this.#faults.factory, {
      ...options,
      autostart: false, // started below, once there is somebody to hear of it
      ...(evictWorn && {
        evict: function worn({ uses }) {
          return uses >= 2;
        },
      }),
    });
    this.#borrowers = new Borrowers(
      this.#pool,
      this.#model,
      this.#faults,
      this.#promises,
      this.#findings,
    );
    this.#listen();
    if (setup.autostart) this.#pool.start();
    this.#calm();
  }

  /** Gives how many of the steps did anything. */
  static async all({ setup, steps }: Scenario, clock: Clock): Promise<number> {
    const run = new Run(setup, clock);
    let commands = 0;
    for (const { together, ...step } of steps) {
      if (await run.#step(step)) commands++;
      if (!together) await run.#flush();
    }
    await run.#end();
    return commands;
  }

  #listen(): void {
    const { creations } = this.#model;
    this.#pool
      .on('create', (resource) =>
        this.#findings.note(() => {
          const creation = this.#faults.creationOf.get(resource);
          must(creation !== undefined, 'created what the factory did not');
          creations.succeeded(resource, creation);
        }),
      )
      .on('factoryCreateError', ({ cause }) =>
        this.#findings.note(() => creations.failed(cause, cause instanceof FactoryTimeoutError)),
      )
      .on('destroy', (resource) =>
        this.#findings.note(() => {
          this.#destroyEvents++;
          must(!this.#model.places.has(resource), 'a destroy event too many');
        }),
      )
      .on('factoryDestroyError', () => void this.#destroyErrorEvents++);
  }

  /** Does a step; false where there is nothing to do it to. */
  async #step(step: Operation): Promise<boolean> {
    switch (step.do) {
      case 'pass':
      case 'finish':
      case 'settle': {
        await this.#flush(); // before and after: only one thing is on its way through promises
        const did = await this.#later(step);
        await this.#flush();
        return did;
      }
      default: {
        const did = this.#now(step);
        this.#calm();
        return did;
      }
    }
  }

  /** The steps that the pool hears of through timers and promises. */
  async #later(step: Extract<Operation, { do: 'pass' | 'finish' | 'settle' }>): Promise<boolean> {
    switch (step.do) {
      case 'pass':
        await this.#pass(step.millis);
        return true;
      case 'finish':
        return this.#borrowers.finish(step.how, step.pick, () => this.#meanwhile(step.meanwhile));
      case 'settle': {
        const call = picked(this.#faults.hanging, step.pick);
        if (call === undefined) return false;
        this.#settle(call, step.how, step.meanwhile);
        return true;
      }
    }
  }

  /** The steps that take no time. */
  #now(step: Exclude<Operation, { do: 'pass' | 'finish' | 'settle' }>): boolean {
    const borrowers = this.#borrowers;
    switch (step.do) {
      case 'acquire':
        borrowers.acquire(step.ask);
        break;
      case 'tryAcquire':
        borrowers.tryAcquire();
        break;
      case 'use':
        borrowers.use(step.how, step.ask);
        break;
      case 'useSync':
        borrowers.useSync(step.how);
        break;
      case 'lease':
        borrowers.lease(step.ask);
        break;
      case 'release':
      case 'destroy':
        return borrowers.giveBackOne(step.do, step.pick);
      case 'misuse':
        borrowers.giveBack(this.#any(step.pick), step.how);
        break;
      case 'handOff':
        borrowers.handOff(this.#any(step.pick));
        break;
      case 'endLease':
        return borrowers.endLease(step.how, step.pick);
      case 'abort':
        return borrowers.abort(step.pick);
      case 'mode':
        (this.#faults.modes as Record<string, string>)[step.call] = step.mode;
        break;
      case 'gate':
        this.#model.creations.gate = step.does;
        if (step.does !== 'shut') this.#pool.fill();
        break;
      case 'start':
        if (!this.#model.ending.draining) this.#model.started = true;
        this.#pool.start();
        break;
      case 'ready':
        this.#ready(step.count);
        break;
      case 'grow': {
        const expected = this.#model.creations.grow(step.count);
        agree('grow', this.#pool.grow(step.count), expected);
        break;
      }
      case 'evict': {
        const expected = this.#model.destructions.evict(step.count);
        agree('evict', this.#pool.evict(step.count), expected);
        break;
      }
      case 'clear': {
        this.#model.replace('clear');
        this.#clears.push(watch(this.#pool.clear()));
        break;
      }
      case 'replace':
        this.#model.replace('replaced');
        this.#pool.replace();
        break;
      case 'resize': {
        const min = step.max === 0 ? step.min : Math.min(step.min, step.max);
        this.#model.resize(step.max, min);
        this.#pool.resize({ max: step.max, min });
        break;
      }
      case 'drain': {
        const { closed } = this.#model.ending;
        const drain = this.#model.ending.drain();
        const call = watch(this.#pool.drain());
        if (closed) this.#closes.push(call);
        else this.#drains.push({ call, drain });
        break;
      }
      case 'close':
        this.#model.ending.close(step.timeoutMillis);
        this.#closes.push(watch(this.#pool.close({ timeoutMillis: step.timeoutMillis })));
        break;
    }
    return true;
  }

  /** Any resource that there ever was, or none of the pool's. */
  #any(pick: number): Resource {
    const { made } = this.#faults;
    return made[pick % (made.length + 1)] ?? FOREIGN;
  }

  #ready(asked: number): void {
    const count = Math.min(asked, this.#model.limit);
    const ready = this.#model.creations.ready(count);
    this.#promises.follow(this.#pool.ready(count), (settled) => {
      return settled === (ready.outcome === 'ready' ? 'ok' : ready.outcome);
    });
  }

  #settle(call: Hanging, how: 'yes' | 'no' | 'reason' | 'reject', meanwhile: number): void {
    this.#faults.hanging.splice(this.#faults.hanging.indexOf(call), 1);
    call.settle(how);
    this.#meanwhile(meanwhile);
    call.judge(how);
  }

  /** Something in the same tick as a promise's settling, before anybody hears of that. */
  #meanwhile(which: number): void {
    if (which < 3) this.#borrowers.abort(which, true);
    else if (which === 3) this.#now({ do: 'close', timeoutMillis: 0 });
    else if (which === 4) this.#now({ do: 'drain' });
    else if (which === 5) this.#now({ do: 'acquire', ask: {} });
    if (which <= 5) this.#calm();
  }

  async #pass(millis: number): Promise<void> {
    const until = this.#clock.now + millis;
    while (this.#clock.fireNext(until)) await this.#flush();
    this.#model.destructions.expire();
    checkTimely(this.#model);
    await this.#flush();
    this.#checkTotals();
    this.#checkEnds();
  }

  /** Lets promises settle, and looks what they came to. */
  async #flush(): Promise<void> {
    await this.#clock.flush();
    const open = this.#borrowers.check();
    this.#calm();
    checkFair(this.#model);
    must(open >= this.#model.waiting.length, 'somebody waits whose promise has settled');
    this.#promises.check();
    const { ending } = this.#model;
    for (const { call, drain } of this.#drains) {
      const may = call.resolved === drain.quiet || ending.forced;
      must(may, `drain ${call.resolved ? 'resolved' : 'hangs'}`);
    }
    this.#closes = this.#closes.filter(({ resolved }) => {
      must(!resolved || ending.swept, 'close resolved too early');
      return !resolved;
    });
  }

  /** After each call: nothing is left undone, and the counters are right. */
  #calm(): void {
    this.#model.asking = undefined;
    this.#findings.raise();
    checkCalm(this.#model);
    const { size, idle, waiting } = this.#model;
    agree('size', this.#pool.size, size);
    agree('available', this.#pool.available, idle.length);
    agree('borrowed', this.#pool.borrowed, this.#model.count('lent'));
    agree('pending', this.#pool.pending, waiting.length);
  }

  #checkTotals(): void {
    const { creations, destructions, places, lent, timeouts } = this.#model;
    const stats = this.#pool.stats();
    const destroyed = creations.created - places.size;
    agree('creating', stats.creating, creations.underWay.size);
    agree('lent', stats.acquired, lent);
    agree('created', stats.created, creations.created);
    agree('destroyed', stats.destroyed, destroyed);
    agree('destroy events', this.#destroyEvents, destroyed);
    agree('createErrors', stats.createErrors, creations.errors);
    agree('destroyErrors', stats.destroyErrors, destructions.errors);
    agree('destroy error events', this.#destroyErrorEvents, destructions.errors);
    agree('timeouts', stats.timeouts, timeouts);
    agree('destroyedBy', sorted(stats.destroyedBy), sorted(destructions.by));
    for (const resource of this.#faults.made) {
      const lentNow = this.#model.isLent(resource);
      agree('isBorrowedResource', this.#pool.isBorrowedResource(resource), lentNow);
    }
  }

  #checkEnds(): void {
    const { ending, destructions } = this.#model;
    for (const { call } of this.#drains) must(call.resolved || !ending.forced, 'drain hangs');
    // What close need not wait for, it does when it comes in time.
    if (!ending.swept || destructions.open(false)) return;
    must(this.#closes.length === 0, 'close hangs');
    must(this.#clock.pending === 0, `${this.#clock.pending} timers left after close`);
  }

  /** Everybody comes to an end without being told to; then the pool is closed. */
  async #end(): Promise<void> {
    const { ending, places, creations } = this.#model;
    Object.assign(this.#faults.modes, {
      create: 'promise',
      validate: 'yes',
      recycle: 'yes',
      destroy: 'promise',
    });
    this.#now({ do: 'gate', does: 'open' });
    await this.#flush();
    for (let round = 0; round < 500 && !this.#isOver(); round++) await this.#endRound();
    must(this.#isOver(), `${this.#model.waiting.length} still wait`);
    await this.#pass(100);
    must(this.#isOver() || this.#model.size > 0, 'something began by itself');

    this.#now({ do: 'close', timeoutMillis: 0 });
    await this.#flush();
    await this.#endHanging(); // what `min` had made meanwhile
    this.#checkTotals();
    must(ending.swept, `close leaves ${places.size}`);
    this.#checkEnds();
    agree('open acquires', this.#borrowers.check(), 0);
    agree('open promises', this.#promises.check(), 0);
    for (const { resolved } of this.#clears) must(resolved, 'clear hangs');
    for (const { call } of this.#drains) must(call.resolved, 'drain hangs');
    agree('size', this.#pool.size, 0);
    agree('destroyed', this.#pool.stats().destroyed, creations.created);
    agree('destroyed, of those made', this.#faults.destroyed.size, this.#faults.made.length);
  }

  async #endRound(): Promise<void> {
    await this.#endHanging();
    while (this.#borrowers.finish('returns', 0, () => {})) await this.#flush();
    for (const resource of this.#faults.made) {
      if (!this.#model.isLent(resource)) continue;
      this.#borrowers.giveBack(resource, 'release');
      this.#calm();
      await this.#flush();
    }
    if (this.#model.waiting.length > 0) await this.#pass(30_000); // for the next try to create
  }

  async #endHanging(): Promise<void> {
    for (const { hanging } = this.#faults; hanging[0] !== undefined; ) {
      this.#settle(hanging[0], 'yes', 9);
      await this.#flush();
    }
  }

  #isOver(): boolean {
    const { waiting } = this.#model;
    const busy = waiting.length + this.#model.count('lent') + this.#faults.hanging.length;
    return busy === 0 && !this.#borrowers.working;
  }
}

function watch(promise: Promise<void>): { resolved: boolean } {
  const watched = { resolved: false };
  promise.then(() => {
    watched.resolved = true;
  });
  return watched;
}

function sorted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts).sort().join(' ');
}
