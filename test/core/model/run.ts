import {
  createPool,
  FactoryTimeoutError,
  type Lease,
  NotBorrowedError,
  type Pool,
  PoolClosedError,
  PoolEmptyError,
} from '@wasm-pool/core';
import type { Clock } from './clock.js';
import { FaultyFactory, type Hanging } from './factory.js';
import type { Asking, borrowers, Operation, Scenario, Setup } from './operations.js';
import { type Ask, must, type Outcome, Reference, Resource } from './reference.js';

type Borrower = (typeof borrowers)[number];

/** An acquire, of whatever kind, and what it came to. */
interface Request {
  readonly kind: 'acquire' | 'use' | 'lease' | 'now';
  readonly ask: Ask;
  readonly abort?: AbortController | undefined;
  settled?: { value: unknown } | { error: unknown };
  checked: boolean;

  // of `use`
  ran: boolean;
  /** Its loan was ended before its function ran, by somebody who released it twice. */
  robbed: boolean;
  result?: { value: unknown } | { error: unknown };
  finish?: PromiseWithResolvers<unknown> | undefined;
}

/** A promise that has to settle in one way, once the model says when. */
interface Promised {
  readonly check: (settled: string | undefined) => boolean;
  settled?: string;
}

/** What `aborted` before is expected to come to. */
const FOREIGN = new Resource(-1);

/** Runs a scenario on a pool and on the model, and throws a `Violation` where they differ. */
export class Run {
  /** How many of the steps did anything. */
  commands = 0;

  readonly #clock: Clock;
  readonly #setup: Setup;
  readonly #reference: Reference;
  readonly #faults: FaultyFactory;
  readonly #pool: Pool<Resource>;

  #asks = 0;
  readonly #held: Request[] = []; // requests that may hold a resource, or wait for one
  readonly #leases: { lease: Lease<Resource>; request: Request }[] = [];
  #open: Request[] = [];
  #promised: Promised[] = [];
  #closes: { resolved: boolean }[] = [];
  readonly #drains: { resolved: boolean }[] = [];
  readonly #clears: { resolved: boolean }[] = [];
  #violation: unknown;
  #destroyEvents = 0;
  #destroyErrorEvents = 0;

  constructor(setup: Setup, clock: Clock) {
    this.#clock = clock;
    this.#setup = setup;
    this.#reference = new Reference(setup, () => clock.now);
    this.#faults = new FaultyFactory(setup, this.#reference, clock, (check) => this.#guard(check));
    const { recycles: _, evictWorn, maxWaitingClients, ...options } = setup;
    this.#pool = createPool(this.#faults.factory, {
      ...options,
      autostart: false, // started below, once there is somebody to hear of it
      maxWaitingClients,
      ...(evictWorn && {
        evict: function worn({ uses }) {
          return uses >= 2;
        },
      }),
    });
    this.#listen();
    if (setup.autostart) this.#pool.start();
    this.#calm();
  }

  static async all({ setup, steps }: Scenario, clock: Clock): Promise<number> {
    const run = new Run(setup, clock);
    for (const step of steps) {
      if (await run.#step(step)) run.commands++;
      if (!step.together) await run.#flush();
    }
    await run.#end();
    return run.commands;
  }

  #listen(): void {
    const reference = this.#reference;
    this.#pool
      .on('create', (resource) =>
        this.#guard(() => {
          const creation = this.#faults.creationOf.get(resource);
          must(creation !== undefined, 'created what the factory did not');
          reference.createdEvent(resource, creation);
        }),
      )
      .on('factoryCreateError', ({ cause }) =>
        this.#guard(() => reference.createFailed(cause, cause instanceof FactoryTimeoutError)),
      )
      .on('destroy', (resource) =>
        this.#guard(() => {
          this.#destroyEvents++;
          must(reference.places.get(resource)?.at === 'gone', 'a destroy event too many');
        }),
      )
      .on('factoryDestroyError', () => void this.#destroyErrorEvents++)
      .on('leak', (resource) => this.#guard(() => reference.leakEvent(resource)));
  }

  /** A violation inside a callback would be taken for the factory's or the borrower's fault. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#violation ??= error;
    }
  }

  // ── steps ─────────────────────────────────────────────────────────────────────────────────────

  /** Does a step; false where there is nothing to do it to. */
  async #step(step: Operation): Promise<boolean> {
    switch (step.do) {
      case 'finish':
      case 'settle':
      case 'pass':
        await this.#flush(); // so that only one thing is on its way through promises
    }
    const did = this.#now(step);
    if (did !== undefined) {
      this.#calm();
      return did;
    }
    switch (step.do) {
      case 'pass':
        await this.#pass(step.millis);
        return true;
      case 'finish': {
        const keepers = this.#held.filter(({ finish }) => finish !== undefined);
        const keeper = picked(keepers, step.pick);
        if (keeper === undefined) return false;
        await this.#finish(keeper, step.how, step.meanwhile);
        return true;
      }
      case 'settle': {
        const calls = this.#faults.hanging[step.call];
        const call = picked(calls, step.pick);
        if (call === undefined) return false;
        calls.splice(calls.indexOf(call), 1);
        await this.#settle(call, step.how, step.meanwhile);
        return true;
      }
      default:
        return false;
    }
  }

  /** The steps that take no time; undefined for the others. */
  #now(step: Operation): boolean | undefined {
    const reference = this.#reference;
    switch (step.do) {
      case 'acquire':
        this.#acquire(step.ask);
        return true;
      case 'tryAcquire':
        this.#tryAcquire();
        return true;
      case 'use':
        this.#use(step.how, step.ask);
        return true;
      case 'useSync':
        this.#useSync(step.how);
        return true;
      case 'lease':
        this.#lease(step.ask);
        return true;
      case 'release':
      case 'destroy': {
        const holders = this.#held.filter(
          ({ kind, ask, settled }) =>
            (kind === 'acquire' || kind === 'now') &&
            settled !== undefined &&
            reference.isOnLoan(ask.outcome),
        );
        const holder = picked(holders, step.pick);
        if (holder === undefined) return false;
        this.#giveBack((holder.ask.outcome as { lent: Resource }).lent, step.do);
        return true;
      }
      case 'misuse': {
        const { made } = this.#faults;
        const resource = made[step.pick % (made.length + 1)] ?? FOREIGN;
        this.#giveBack(resource, step.how);
        return true;
      }
      case 'endLease': {
        const lease = picked(this.#leases, step.pick);
        if (lease === undefined) return false;
        this.#endLease(lease, step.how);
        return true;
      }
      case 'abort': {
        const request = picked(
          this.#held.filter(({ abort }) => abort !== undefined),
          step.pick,
        );
        if (request === undefined) return false;
        this.#abort(request);
        return true;
      }
      case 'mode':
        (this.#faults.modes as Record<string, string>)[step.call] = step.mode;
        return true;
      case 'start':
        reference.start();
        this.#pool.start();
        return true;
      case 'gate':
        reference.canCreate = step.open;
        if (step.open) this.#pool.wake();
        return true;
      case 'evict': {
        const expected = reference.evict(step.count);
        agree('evict', this.#pool.evict(step.count), expected);
        return true;
      }
      case 'ready': {
        const count = Math.min(step.count, this.#setup.max || step.count);
        const ready = reference.ready(count);
        this.#promise(this.#pool.ready(count), (settled) => {
          const expected = ready.outcome === 'ready' ? 'ok' : ready.outcome;
          return settled === expected;
        });
        return true;
      }
      case 'drain': {
        const { closed } = reference;
        reference.drain();
        const drained = watch(this.#pool.drain());
        if (closed) this.#closes.push(drained);
        else this.#drains.push(drained);
        return true;
      }
      case 'clear': {
        const idleThen = reference.clear();
        const done = this.#pool.clear().then(() => this.#guard(() => reference.cleared(idleThen)));
        this.#clears.push(watch(done));
        return true;
      }
      case 'close': {
        reference.close(step.timeoutMillis);
        this.#closes.push(watch(this.#pool.close({ timeoutMillis: step.timeoutMillis })));
        return true;
      }
      default:
        return undefined;
    }
  }

  #request(kind: Request['kind'], asking: Asking = {}): Request {
    const { priorityRange, acquireTimeoutMillis } = this.#setup;
    const timeout = asking.timeoutMillis ?? acquireTimeoutMillis;
    const request: Request = {
      kind,
      ask: {
        id: ++this.#asks,
        priority: Math.min(asking.priority ?? priorityRange, priorityRange - 1),
        deadline: timeout > 0 ? this.#clock.now + timeout : Number.POSITIVE_INFINITY,
      },
      abort: asking.signal === undefined ? undefined : new AbortController(),
      checked: false,
      ran: false,
      robbed: false,
    };
    this.#held.push(request);
    return request;
  }

  /** Tells the model of an acquire, makes it, and follows its promise. */
  #asked<R>(
    request: Request,
    asking: Asking,
    call: (options: object | undefined) => Promise<R>,
  ): void {
    const { signal: when, ...rest } = asking;
    const { ask, abort } = request;
    if (when === 'before') abort?.abort(new Error('aborted before'));
    const signal = abort?.signal;
    const aborted = signal?.aborted ? { reason: signal.reason } : undefined;
    const decided = this.#reference.ask(ask, aborted);
    const options = Object.keys(asking).length === 0 ? undefined : { ...rest, signal };
    this.#open.push(request);
    call(options).then(
      (value) => {
        request.settled = { value };
      },
      (error: unknown) => {
        request.settled = { error };
      },
    );
    if (decided === 'open' && ask.outcome === undefined) {
      // What `validate` said may have filled the queue, or made room in it.
      if (this.#pool.pending === this.#reference.waiting.length) return;
      must(this.#reference.refuses(ask), 'refused with room in the queue');
      this.#reference.giveUp(ask, { error: 'QueueFullError' });
    }
  }

  #acquire(asking: Asking): void {
    this.#asked(this.#request('acquire', asking), asking, (it) => this.#pool.acquire(it));
  }

  #lease(asking: Asking): void {
    const request = this.#request('lease', asking);
    this.#asked(request, asking, async (it) => {
      const lease = await this.#pool.lease(it);
      this.#leases.push({ lease, request });
      return lease;
    });
  }

  #use(how: Borrower, asking: Asking): void {
    const request = this.#request('use', asking);
    this.#asked(request, asking, (it) =>
      this.#pool.use((resource) => this.#borrow(request, resource, how), it),
    );
  }

  #tryAcquire(): void {
    const request = this.#request('now');
    this.#reference.askNow(request.ask);
    const got = this.#pool.tryAcquire();
    this.#reference.giveUp(request.ask);
    const { outcome } = request.ask;
    const due = outcome !== undefined && 'lent' in outcome ? outcome.lent : undefined;
    must(got === due, `tryAcquire gave ${got?.id} for ${due?.id}`);
    request.settled = { value: got };
  }

  #useSync(how: Borrower): void {
    const request = this.#request('now');
    this.#reference.askNow(request.ask);
    let result: { value: unknown } | { error: unknown };
    try {
      const value = this.#pool.useSync(
        (resource) => this.#borrow(request, resource, how) as object,
      );
      result = { value };
    } catch (error) {
      result = { error };
    }
    this.#reference.giveUp(request.ask);
    request.finish = undefined;
    if (request.ask.outcome !== undefined) {
      must(request.ran, 'useSync did not run');
      if (how === 'keeps')
        must('error' in result && result.error instanceof TypeError, 'a promise');
      else must(sameEnd(result, request.result), 'useSync gave something else');
    } else {
      must(!request.ran, 'useSync ran without a resource');
      const expected = this.#reference.draining ? PoolClosedError : PoolEmptyError;
      must('error' in result && result.error instanceof expected, `useSync gave ${show(result)}`);
    }
  }

  /** A borrower's function: tells the model before the pool learns of its end. */
  #borrow(request: Request, resource: Resource, how: Borrower): unknown {
    const reference = this.#reference;
    this.#guard(() => reference.decideAged());
    const { outcome } = request.ask;
    this.#guard(() => {
      must(!request.ran, 'ran twice');
      must(outcome !== undefined && 'lent' in outcome, 'ran without a loan');
      must(outcome.lent === resource, `ran with ${resource.id} for ${outcome.lent.id}`);
    });
    request.ran = true;
    request.robbed = !reference.isOnLoan(outcome);
    if (how === 'keeps') {
      request.finish = Promise.withResolvers();
      if (request.kind === 'now') {
        if (!request.robbed) this.#guard(() => reference.giveUpOn(resource, 'threw'));
        return Promise.resolve();
      }
      return request.finish.promise;
    }
    if (!request.robbed && (how === 'releases' || how === 'destroys')) {
      this.#giveBack(resource, how === 'releases' ? 'release' : 'destroy');
    }
    const error = how === 'throws' ? new Error('borrower') : undefined;
    request.result = error === undefined ? { value: {} } : { error };
    if (reference.isOnLoan(outcome)) this.#ends(resource, error);
    if (error !== undefined) throw error;
    return 'value' in request.result ? request.result.value : undefined;
  }

  #ends(resource: Resource, error: unknown): void {
    this.#faults.thrown = error === undefined ? undefined : { error };
    this.#guard(() => this.#reference.giveBack(resource, error !== undefined));
  }

  #giveBack(resource: Resource, how: 'release' | 'destroy'): void {
    const lent = this.#reference.isLent(resource);
    if (lent && how === 'release') this.#ends(resource, undefined);
    else if (lent) this.#reference.giveUpOn(resource, 'borrower');
    this.#promise(this.#pool[how](resource), (settled) =>
      lent ? settled === 'ok' : settled === 'NotBorrowedError',
    );
  }

  #endLease(
    { lease, request }: { lease: Lease<Resource>; request: Request },
    how: 'release' | 'destroy' | 'dispose',
  ): void {
    const { outcome } = request.ask;
    const lent = this.#reference.isOnLoan(outcome);
    if (lent) {
      must(lease.value === outcome.lent, 'another value');
      if (how === 'destroy') this.#reference.giveUpOn(outcome.lent, 'borrower');
      else this.#ends(outcome.lent, undefined);
    } else {
      must(attempt(() => lease.value) instanceof NotBorrowedError, 'the value of an ended lease');
    }
    const promise = how === 'dispose' ? lease[Symbol.asyncDispose]() : lease[how]();
    this.#promise(promise, (settled) =>
      lent || how === 'dispose' ? settled === 'ok' : settled === 'NotBorrowedError',
    );
  }

  #abort({ ask, abort }: Request): void {
    if (abort === undefined || abort.signal.aborted) return;
    const reason = new Error('aborted');
    this.#reference.giveUp(ask, { reason });
    abort.abort(reason);
  }

  async #finish(request: Request, how: 'returns' | 'throws', meanwhile: number): Promise<void> {
    const { finish, ask } = request;
    const error = how === 'throws' ? new Error('borrower') : undefined;
    request.finish = undefined;
    request.result = error === undefined ? { value: {} } : { error };
    if ('value' in request.result) finish?.resolve(request.result.value);
    else finish?.reject(error);
    this.#meanwhile(meanwhile);
    if (this.#reference.isOnLoan(ask.outcome)) this.#ends(ask.outcome.lent, error);
    await this.#flush();
  }

  async #settle(
    call: Hanging,
    how: 'yes' | 'no' | 'reason' | 'reject',
    meanwhile: number,
  ): Promise<void> {
    call.settle(how);
    this.#meanwhile(meanwhile);
    call.judge(how);
    await this.#flush();
  }

  /** Something in the same tick as a promise's settling, before anybody hears of that. */
  #meanwhile(which: number): void {
    const aborts = this.#held.filter(({ abort, settled }) => abort && settled === undefined);
    if (which < 3) {
      const request = picked(aborts, which);
      if (request !== undefined) this.#abort(request);
    } else if (which === 3) this.#now({ do: 'close', timeoutMillis: 0 });
    else if (which === 4) this.#now({ do: 'drain' });
    else if (which === 5) this.#now({ do: 'acquire', ask: {} });
    if (which <= 5) this.#calm();
  }

  async #pass(millis: number): Promise<void> {
    const until = this.#clock.now + millis;
    while (this.#clock.fireNext(until)) await this.#flush();
    for (const destruction of this.#reference.destructions) {
      if (destruction.over || destruction.deadline > this.#clock.now) continue;
      destruction.over = true;
      this.#reference.destroyErrors++;
    }
    this.#reference.checkTimely();
    await this.#flush();
    this.#checkTotals();
    this.#checkCloses();
  }

  // ── checks ────────────────────────────────────────────────────────────────────────────────────

  #promise(promise: Promise<unknown>, check: Promised['check']): void {
    const promised: Promised = { check };
    promise.then(
      () => {
        promised.settled = 'ok';
      },
      (error: Error) => {
        promised.settled = error.name;
      },
    );
    this.#promised.push(promised);
  }

  async #flush(): Promise<void> {
    await this.#clock.flush();
    this.#expire();
    this.#calm();
    this.#reference.checkFair();
    this.#open = this.#open.filter((request) => !this.#checkRequest(request));
    this.#promised = this.#promised.filter(({ check, settled }) => {
      must(check(settled), `a promise came to ${settled}`);
      return settled === undefined;
    });
    for (const { resolved } of this.#drains) {
      const { wasQuiet, forced } = this.#reference;
      must(resolved === wasQuiet || forced, `drain ${resolved ? 'resolved' : 'hangs'}`);
    }
    this.#closes = this.#closes.filter(({ resolved }) => {
      must(!resolved || this.#reference.swept, 'close resolved too early');
      return !resolved;
    });
  }

  /** Timeouts show by what their acquires come to. */
  #expire(): void {
    for (const { ask, settled } of this.#open) {
      if (settled === undefined || !this.#reference.waiting.includes(ask)) continue;
      if (!('error' in settled) || !(settled.error instanceof Error)) continue;
      if (settled.error.name !== 'AcquireTimeoutError') continue;
      must(ask.deadline <= this.#clock.now, 'timed out too early');
      this.#reference.giveUp(ask, { error: 'AcquireTimeoutError' });
      this.#reference.timeouts++;
    }
  }

  /** Whether what an acquire came to is what the model says; true once it is over. */
  #checkRequest(request: Request): boolean {
    const { ask, kind, settled, result, ran, robbed } = request;
    const { outcome } = ask;
    const says = `request ${ask.id} (${kind}) came to ${show(settled)} for ${show(outcome)}`;
    if (outcome === undefined) {
      must(settled === undefined, says);
      return false;
    }
    if ('lent' in outcome && kind === 'use') {
      if (!ran) {
        // Whose loan somebody else ended before it could run may be refused.
        must(!this.#reference.isOnLoan(outcome) && settled !== undefined, says);
        must('error' in settled, says);
        return true;
      }
      if (result === undefined) {
        must(settled === undefined || robbed, says);
        return settled !== undefined;
      }
      must(sameEnd(settled, result), says);
      return true;
    }
    must(settled !== undefined, says);
    if ('lent' in outcome) {
      const stolen = !this.#reference.isOnLoan(outcome);
      if (kind === 'acquire') must('value' in settled && settled.value === outcome.lent, says);
      else if (!stolen) must('value' in settled, says);
      return true;
    }
    must('error' in settled && matches(settled.error, outcome), says);
    return true;
  }

  /** After each call: nothing is left undone, and the counters are right. */
  #calm(): void {
    if (this.#violation !== undefined) throw this.#violation;
    const reference = this.#reference;
    const pool = this.#pool;
    reference.checkCalm();
    agree('size', pool.size, reference.size);
    agree('available', pool.available, reference.idle.length);
    agree('borrowed', pool.borrowed, reference.borrowed);
    agree('pending', pool.pending, reference.waiting.length);
  }

  #checkTotals(): void {
    const reference = this.#reference;
    const stats = this.#pool.stats();
    agree('stats().creating', stats.creating, reference.creations.size);
    agree('lent', stats.lent, reference.lent);
    agree('created', stats.created, reference.created);
    agree('destroyed', stats.destroyed, reference.created - reference.alive);
    agree('destroy events', this.#destroyEvents, reference.created - reference.alive);
    agree('createErrors', stats.createErrors, reference.createErrors);
    agree('destroyErrors', stats.destroyErrors, reference.destroyErrors);
    agree('destroy error events', this.#destroyErrorEvents, reference.destroyErrors);
    agree('timeouts', stats.timeouts, reference.timeouts);
    agree('leaks', stats.leaks, reference.leaks);
    agree('destroyedBy', sorted(stats.destroyedBy), sorted(reference.destroyedBy));
    for (const [resource, { at }] of reference.places) {
      agree('isBorrowedResource', this.#pool.isBorrowedResource(resource), at === 'lent');
    }
  }

  #checkCloses(): void {
    const { forced, swept, lateOnes } = this.#reference;
    for (const { resolved } of this.#drains) must(resolved || !forced, 'drain hangs');
    if (!swept || lateOnes) return; // close waits for late ones, if they come before it is done
    must(this.#closes.length === 0, 'close hangs');
    must(this.#clock.pending === 0, `${this.#clock.pending} timers left after close`);
  }

  /** Everybody comes to an end without being told to; then the pool is closed. */
  async #end(): Promise<void> {
    const reference = this.#reference;
    Object.assign(this.#faults.modes, {
      create: 'promise',
      validate: 'yes',
      recycle: 'yes',
      destroy: 'promise',
    });
    this.#now({ do: 'gate', open: true });
    await this.#flush();
    for (let round = 0; round < 500 && !this.#isOver(); round++) await this.#endRound();
    must(this.#isOver(), `${reference.waiting.length} still wait`);
    await this.#pass(100);
    must(this.#isOver() || reference.size > 0, 'something began by itself');

    this.#now({ do: 'close', timeoutMillis: 0 });
    await this.#flush();
    await this.#endHanging(); // what `min` had made meanwhile
    await this.#flush();
    this.#checkTotals();
    must(reference.swept, `close leaves ${reference.size}`);
    this.#checkCloses();
    agree('open acquires', this.#open.length, 0);
    agree('open promises', this.#promised.filter(({ settled }) => settled === undefined).length, 0);
    for (const { resolved } of this.#clears) must(resolved, 'clear hangs');
    for (const { resolved } of this.#drains) must(resolved, 'drain hangs');
    agree('size', this.#pool.size, 0);
    agree('created', reference.created, this.#pool.stats().destroyed);
  }

  async #endHanging(): Promise<void> {
    for (const calls of Object.values(this.#faults.hanging)) {
      for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
        await this.#settle(call, 'yes', 9);
      }
    }
  }

  async #endRound(): Promise<void> {
    await this.#endHanging();
    for (const request of this.#held.filter(({ finish }) => finish !== undefined)) {
      await this.#finish(request, 'returns', 9);
    }
    for (const resource of this.#faults.made) {
      if (!this.#reference.isLent(resource)) continue;
      this.#giveBack(resource, 'release');
      this.#calm();
      await this.#flush();
    }
  }

  #isOver(): boolean {
    const { hanging } = this.#faults;
    const calls = Object.values(hanging).reduce((sum, { length }) => sum + length, 0);
    const finishing = this.#held.some(({ finish }) => finish !== undefined);
    const { waiting, borrowed } = this.#reference;
    return waiting.length + borrowed + calls === 0 && !finishing;
  }
}

function picked<V>(candidates: readonly V[], pick: number): V | undefined {
  return candidates[pick % Math.max(candidates.length, 1)];
}

function watch(promise: Promise<void>): { resolved: boolean } {
  const watched = { resolved: false };
  promise.then(() => {
    watched.resolved = true;
  });
  return watched;
}

function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

function agree(what: string, pool: unknown, model: unknown): void {
  must(pool === model, `${what} is ${String(pool)}, not ${String(model)}`);
}

function sorted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts).sort().join(' ');
}

function matches(error: unknown, outcome: Outcome): boolean {
  if ('reason' in outcome) return error === outcome.reason;
  if (!(error instanceof Error) || !('error' in outcome)) return false;
  return error.name === outcome.error && (error.cause === outcome.cause || !('cause' in outcome));
}

function sameEnd(
  one: { value: unknown } | { error: unknown } | undefined,
  other: { value: unknown } | { error: unknown } | undefined,
): boolean {
  if (one === undefined || other === undefined) return one === other;
  if ('value' in one) return 'value' in other && one.value === other.value;
  return 'error' in other && one.error === other.error;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(value, (_key, inner) => (inner instanceof Error ? String(inner) : inner));
}
