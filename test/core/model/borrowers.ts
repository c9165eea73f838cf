import { type Lease, NotBorrowedError, PoolClosedError, PoolEmptyError } from '@wasm-pool/core';
import type { AdapterPool } from '@wasm-pool/core/internal';
import type { FaultyFactory } from './faulty-factory.js';
import type { Promises } from './promises.js';
import type { Reference } from './reference.js';
import type { Ask, Outcome, Resource } from './resource.js';
import type { Asking, Borrower } from './scenario.js';
import { type Findings, must } from './violation.js';

/** How a call or a promise ended. */
type End = { value: unknown } | { error: unknown };

/** An acquire, of whatever kind, and what it came to. */
interface Request {
  readonly kind: 'acquire' | 'use' | 'lease' | 'now';
  readonly ask: Ask;
  readonly abort: AbortController | undefined;
  settled?: End;

  /** The function given to `use` was called. */
  ran: boolean;
  /** By then its loan had been ended, by somebody who released the resource twice. */
  robbed: boolean;
  /** How that function ended. */
  end?: End;
  /** Ends it, where it is to go on until then. */
  finish?: PromiseWithResolvers<unknown> | undefined;
}

/** Whether an acquire is one of the adapter's: a `take`. */
function takes({ requeue = false, acceptsHandOff = false }: Asking): boolean {
  return requeue || acceptsHandOff;
}

/** Those who borrow from the pool: tells the model of each call, makes it, and follows its promise. */
export class Borrowers {
  readonly #pool: AdapterPool<Resource>;
  readonly #model: Reference;
  readonly #faults: FaultyFactory;
  readonly #promises: Promises;
  readonly #findings: Findings;

  readonly #requests: Request[] = [];
  #open: Request[] = [];
  readonly #leases: { lease: Lease<Resource>; request: Request }[] = [];

  constructor(
    pool: AdapterPool<Resource>,
    model: Reference,
    faults: FaultyFactory,
    promises: Promises,
    findings: Findings,
  ) {
    this.#pool = pool;
    this.#model = model;
    this.#faults = faults;
    this.#promises = promises;
    this.#findings = findings;
  }

  #request(kind: Request['kind'], asking: Asking = {}): Request {
    const { priority, timeoutMillis, signal } = asking;
    const acceptsHandOff = kind === 'acquire' && takes(asking);
    const requeue = acceptsHandOff && asking.requeue === true;
    const { priorityRange, acquireTimeoutMillis } = this.#model.setup;
    const timeout = timeoutMillis ?? acquireTimeoutMillis;
    const request: Request = {
      kind,
      ask: {
        id: this.#requests.length,
        priority: Math.min(priority ?? priorityRange, priorityRange - 1),
        deadline: timeout > 0 ? this.#model.now() + timeout : Number.POSITIVE_INFINITY,
        requeue,
        acceptsHandOff,
      },
      abort: signal === undefined ? undefined : new AbortController(),
      ran: false,
      robbed: false,
    };
    this.#requests.push(request);
    return request;
  }

  #ask<R>(request: Request, asking: Asking, call: (options?: object) => Promise<R>): void {
    const { ask, abort } = request;
    const { signal: when, requeue, acceptsHandOff, ...rest } = asking;
    let decided = 'decided';
    if (when === 'before') {
      const reason = new Error('aborted before');
      abort?.abort(reason);
      ask.outcome = { reason };
    } else decided = this.#model.ask(ask);

    this.#open.push(request);
    const signal = abort?.signal;
    const options = ask.requeue ? { ...rest, signal, requeue } : { ...rest, signal };
    call(Object.keys(asking).length === 0 ? undefined : options).then(
      (value) => {
        request.settled = { value };
      },
      (error: unknown) => {
        request.settled = { error };
      },
    );
    if (decided !== 'open' || ask.outcome !== undefined) return;
    if (this.#pool.pending === this.#model.waiting.length) return;
    must(this.#model.refuses(ask), 'refused with room in the queue');
    this.#model.giveUp(ask, { error: 'QueueFullError' });
  }

  acquire(asking: Asking): void {
    this.#ask(this.#request('acquire', asking), asking, (it) =>
      takes(asking) ? this.#pool.take(it) : this.#pool.acquire(it),
    );
  }

  lease(asking: Asking): void {
    const request = this.#request('lease', asking);
    this.#ask(request, asking, async (it) => {
      const lease = await this.#pool.lease(it);
      this.#leases.push({ lease, request });
      return lease;
    });
  }

  use(how: Borrower, asking: Asking): void {
    const request = this.#request('use', asking);
    const work = (resource: Resource) => this.#work(request, resource, how);
    this.#ask(request, asking, (it) => this.#pool.use(work, it));
  }

  tryAcquire(): void {
    const request = this.#request('now');
    const { ask } = request;
    this.#model.askNow(ask);
    const got = this.#pool.tryAcquire();
    this.#model.giveUp(ask);
    const due = ask.outcome !== undefined && 'lent' in ask.outcome ? ask.outcome.lent : undefined;
    must(got === due, `tryAcquire gave ${got?.id} for ${due?.id}`);
    request.settled = { value: got };
  }

  useSync(how: Borrower): void {
    const request = this.#request('now');
    this.#model.askNow(request.ask);
    const end = endOf(() =>
      this.#pool.useSync((resource) => this.#work(request, resource, how) as object),
    );
    this.#model.giveUp(request.ask);
    request.finish = undefined;
    const error = 'error' in end ? end.error : undefined;
    if (request.ask.outcome === undefined) {
      const { draining } = this.#model.ending;
      must(!request.ran, 'useSync ran without a resource');
      must(error instanceof (draining ? PoolClosedError : PoolEmptyError), `gave ${show(end)}`);
    } else {
      must(request.ran, 'useSync did not run');
      if (how === 'keeps') must(error instanceof TypeError, 'useSync of a promise');
      else must(sameEnd(end, request.end), 'useSync gave something else');
    }
  }

  /** A borrower's function: tells the model before the pool learns of its end. */
  #work(request: Request, resource: Resource, how: Borrower): unknown {
    const { outcome } = request.ask;
    this.#findings.note(() => {
      must(!request.ran, 'ran twice');
      must(outcome !== undefined && 'lent' in outcome, 'ran without a loan');
      must(outcome.lent === resource, `ran with ${resource.id} for ${outcome.lent.id}`);
    });
    request.ran = true;
    request.robbed = !this.#model.isOnLoan(outcome);
    if (how === 'keeps') {
      request.finish = Promise.withResolvers();
      if (request.kind === 'use') return request.finish.promise;
      if (!request.robbed) this.#model.due(resource, 'destroy', 'threw');
      return Promise.reject(new Error('of a promise that is ignored'));
    }
    if (!request.robbed && how === 'releases') this.giveBack(resource, 'release');
    if (!request.robbed && how === 'destroys') this.giveBack(resource, 'destroy');
    request.end = how === 'throws' ? { error: new Error('borrower') } : { value: {} };
    this.#ended(request, request.end);
    if ('error' in request.end) throw request.end.error;
    return request.end.value;
  }

  /** The loan of a function that has come to its end is over, if it was not before. */
  #ended({ ask }: Request, end: End): void {
    if (this.#model.isOnLoan(ask.outcome)) this.#returned(ask.outcome.lent, end);
  }

  #returned(resource: Resource, end: End): void {
    this.#faults.thrown = 'error' in end ? end : undefined;
    this.#findings.note(() => this.#model.giveBack(resource, 'error' in end));
  }

  /** Releases or destroys a resource, by right or not. */
  giveBack(resource: Resource, how: 'release' | 'destroy'): void {
    const lent = this.#model.isLent(resource);
    if (lent && how === 'release') this.#returned(resource, { value: undefined });
    else if (lent) this.#model.due(resource, 'destroy', 'borrower');
    const unused = !lent && how === 'destroy' && this.#model.destroyUnused(resource);
    const expected = lent || unused ? 'ok' : 'NotBorrowedError';
    this.#promises.follow(this.#pool[how](resource), (settled) => settled === expected);
  }

  handOff(resource: Resource): void {
    const lent = this.#model.isLent(resource);
    const expected = lent && this.#model.handOff(resource);
    const end = endOf(() => this.#pool.handOff(resource));
    if (lent) must('value' in end && end.value === expected, `handOff gave ${show(end)}`);
    else
      must('error' in end && end.error instanceof NotBorrowedError, 'handOff of one not on loan');
  }

  giveBackOne(how: 'release' | 'destroy', pick: number): boolean {
    const holders = this.#requests.filter(
      ({ kind, ask, settled }) =>
        (kind === 'acquire' || kind === 'now') &&
        settled !== undefined &&
        this.#model.isOnLoan(ask.outcome),
    );
    const outcome = picked(holders, pick)?.ask.outcome;
    if (outcome === undefined || !('lent' in outcome)) return false;
    this.giveBack(outcome.lent, how);
    return true;
  }

  endLease(how: 'release' | 'destroy' | 'dispose', pick: number): boolean {
    const one = picked(this.#leases, pick);
    if (one === undefined) return false;
    const { lease, request } = one;
    const { outcome } = request.ask;
    const lent = this.#model.isOnLoan(outcome);
    const seen = endOf(() => lease.value);
    if (lent) {
      must('value' in seen && seen.value === outcome.lent, 'a lease of another resource');
      if (how === 'destroy') this.#model.due(outcome.lent, 'destroy', 'borrower');
      else this.#returned(outcome.lent, { value: undefined });
    } else {
      must('error' in seen && seen.error instanceof NotBorrowedError, 'a lease that has ended');
    }
    const expected = lent || how === 'dispose' ? 'ok' : 'NotBorrowedError';
    const promise = how === 'dispose' ? lease[Symbol.asyncDispose]() : lease[how]();
    this.#promises.follow(promise, (settled) => settled === expected);
    return true;
  }

  /** Aborts one of those that have a signal, `waiting`: and that have not settled. */
  abort(pick: number, waiting = false): boolean {
    const candidates = this.#requests.filter(
      ({ abort, settled }) => abort !== undefined && !(waiting && settled !== undefined),
    );
    const request = picked(candidates, pick);
    if (request?.abort === undefined) return false;
    if (request.abort.signal.aborted) return true;
    const reason = new Error('aborted');
    this.#model.giveUp(request.ask, { reason });
    request.abort.abort(reason);
    return true;
  }

  /** Has one of the functions that go on end, and then `meanwhile`, before the pool hears of it. */
  finish(how: 'returns' | 'throws', pick: number, meanwhile: () => void): boolean {
    const request = picked(
      this.#requests.filter((it) => it.finish !== undefined),
      pick,
    );
    if (request === undefined) return false;
    const { finish } = request;
    request.finish = undefined;
    const end: End = how === 'throws' ? { error: new Error('borrower') } : { value: {} };
    request.end = end;
    if ('error' in end) finish?.reject(end.error);
    else finish?.resolve(end.value);
    meanwhile();
    this.#ended(request, end);
    return true;
  }

  /** Once promises have settled: those are off the list that came to what the model says. */
  check(): number {
    this.#expire();
    this.#open = this.#open.filter((request) => !this.#isOver(request));
    return this.#open.length;
  }

  /** Timeouts show by what their acquires come to. */
  #expire(): void {
    for (const { ask, settled } of this.#open) {
      if (settled === undefined || !this.#model.waiting.includes(ask)) continue;
      if (!('error' in settled) || !(settled.error instanceof Error)) continue;
      if (settled.error.name !== 'AcquireTimeoutError') continue;
      must(ask.deadline <= this.#model.now(), 'timed out too early');
      this.#model.timeouts++;
      this.#model.giveUp(ask, { error: 'AcquireTimeoutError' });
    }
  }

  #isOver({ ask, kind, settled, end, ran, robbed }: Request): boolean {
    const { outcome } = ask;
    const says = `request ${ask.id} (${kind}) came to ${show(settled)} for ${show(outcome)}`;
    if (outcome === undefined) {
      must(settled === undefined, says);
      return false;
    }
    if (!('lent' in outcome)) {
      must(settled !== undefined && 'error' in settled && matches(settled.error, outcome), says);
      return true;
    }
    const onLoan = this.#model.isOnLoan(outcome);
    if (kind !== 'use') {
      must(settled !== undefined, says);
      const value = 'value' in settled ? settled.value : undefined;
      if (kind === 'acquire') must(value === outcome.lent, says);
      else must(value !== undefined || !onLoan, says); // the loan may be over before the lease is made
      return true;
    }
    if (!ran) {
      must(!onLoan && settled !== undefined && 'error' in settled, says);
      return true;
    }
    if (end === undefined) {
      must(settled === undefined || robbed, says);
      return settled !== undefined;
    }
    must(sameEnd(settled, end), says);
    return true;
  }

  /** Whether a function of a borrower goes on. */
  get working(): boolean {
    return this.#requests.some(({ finish }) => finish !== undefined);
  }
}

/** One of the candidates of the moment. */
export function picked<V>(candidates: readonly V[], pick: number): V | undefined {
  return candidates[pick % Math.max(candidates.length, 1)];
}

function endOf(call: () => unknown): End {
  try {
    return { value: call() };
  } catch (error) {
    return { error };
  }
}

function sameEnd(one: End | undefined, other: End | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  if ('value' in one) return 'value' in other && one.value === other.value;
  return 'error' in other && one.error === other.error;
}

function matches(error: unknown, outcome: Exclude<Outcome, { lent: Resource }>): boolean {
  if ('reason' in outcome) return error === outcome.reason;
  if (!(error instanceof Error)) return false;
  return error.name === outcome.error && (error.cause === outcome.cause || !('cause' in outcome));
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  return JSON.stringify(value, (_key, inner) => (inner instanceof Error ? String(inner) : inner));
}
