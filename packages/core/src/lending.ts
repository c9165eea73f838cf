import type { TakeOptions } from './acquire-options.js';
import type { Entry } from './entry.js';
import { AcquireTimeoutError, QueueFullError } from './errors.js';
import type { Verdict } from './factory.js';
import { isThenable } from './factory-call.js';
import { LeakWatch } from './leak-watch.js';
import { Lifecycle } from './lifecycle.js';
import { withTimeoutAndSignal } from './limits.js';
import type { Settings } from './options.js';
import { Unfit } from './unfit.js';
import type { Waiter } from './waiter.js';

/** How a resource gets to a borrower and back, in the fast lane and through the queue. */
export abstract class Lending<T, Lent, Context> extends Lifecycle<T, Lent, Context> {
  protected acquired = 0;
  protected timeouts = 0;
  protected leaks = 0;
  #borrowed = 0;

  // The hot path reads these: fields of its own are cheaper than settings.
  readonly #testOnBorrow: boolean;
  readonly #maxUses: number;
  readonly #maxAgeMillis: number;
  readonly #burst: number;
  readonly #leakWatch: LeakWatch<T> | undefined;

  /** Waiters that accept a hand-off. */
  readonly #acceptingHandOff = new WeakSet<Waiter<T>>();

  constructor(settings: Settings<T>) {
    super(settings);
    this.#testOnBorrow = settings.testOnBorrow;
    this.#maxUses = settings.maxUses;
    this.#maxAgeMillis = settings.maxAgeMillis;
    this.#burst = settings.burst;
    this.#leakWatch =
      settings.leakDetectionMillis === 0
        ? undefined
        : new LeakWatch(settings.leakDetectionMillis, (entry, acquiredAt) => {
            this.leaks++;
            this.emitSafely('leak', entry.resource, { kind: 'held', acquiredAt });
          });
  }

  get borrowed(): number {
    return this.#borrowed;
  }

  /** The fast lane: lends an idle entry where nobody waits and no promise has to be awaited. */
  protected borrowIdle(): Entry<T> | undefined {
    if (this.waiting.length > 0 || this.draining) return undefined;
    const entry = this.#testOnBorrow ? this.#shiftTested() : this.idle.shift();
    if (entry === undefined) return undefined;
    this.#lend(entry);
    if (this.#leakWatch !== undefined) this.#leakWatch.watch(entry, new Error('acquired'));
    return entry;
  }

  /** An idle entry that `validate` passes at once. One that it needs time for is left to it. */
  #shiftTested(): Entry<T> | undefined {
    for (let entry = this.idle.shift(); entry !== undefined; entry = this.idle.shift()) {
      const verdict = this.#validate(entry);
      if (isFit(verdict) && !this.closed) return entry; // validate itself may have closed the pool
      this.#applyVerdict(entry, verdict, 'validate');
      if (isThenable(verdict)) return undefined;
    }
    return undefined;
  }

  #lend(entry: Entry<T>): void {
    entry.state = 'lent';
    entry.lent = entry.resource;
    entry.loans++;
    this.#borrowed++;
    this.acquired++;
  }

  /** The queue: the waiter gets a resource that is lent by then, or a rejection. Throws for an abort. */
  protected wait(options: TakeOptions, acceptsHandOff: boolean, waiter: Waiter<T>): void {
    this.start();
    const lowest = this.settings.priorityRange - 1;
    const { signal, requeue = false } = options;
    throwIfAborted(signal); // by now: a factory call may have aborted it
    const priority = Math.min(options.priority ?? lowest, lowest);
    const { timeoutMillis = this.settings.acquireTimeoutMillis } = options;
    const refusal = requeue ? this.#refusalAgain() : this.#refusal(priority);
    if (refusal !== undefined) {
      waiter(Promise.reject(refusal));
      return;
    }
    const watched = this.#watched(waiter);
    const enqueue = (inQueue: Waiter<T>) => {
      if (acceptsHandOff) this.#acceptingHandOff.add(inQueue);
      return this.waiting.enqueue(inQueue, priority, requeue);
    };
    if (timeoutMillis === 0 && signal === undefined) enqueue(watched);
    else this.#enqueueLimited(watched, priority, timeoutMillis, signal, enqueue);
    this.dispense();
  }

  #enqueueLimited(
    waiter: Waiter<T>,
    priority: number,
    timeoutMillis: number,
    signal: AbortSignal | undefined,
    enqueue: (inQueue: Waiter<T>) => number,
  ): void {
    const giveUp = (reason: unknown) => {
      this.waiting.remove(ticket, priority);
      inQueue(Promise.reject(reason));
      this.checkDrained();
    };
    const onTimeout = () => {
      this.timeouts++;
      const error = new AcquireTimeoutError(timeoutMillis, this.state(), this.lastFailure);
      giveUp(this.factory.timedOut?.(error) ?? error);
    };
    const onAbort = () => giveUp(signal?.reason);
    const inQueue = withTimeoutAndSignal(waiter, timeoutMillis, signal, onTimeout, onAbort);
    const ticket = enqueue(inQueue);
  }

  /** Who was served before is let in also while the pool drains. */
  #refusalAgain(): Error | undefined {
    return this.closed ? this.closedError() : undefined;
  }

  #refusal(priority: number): Error | undefined {
    if (this.draining) return this.closedError();
    const { maxWaitingClients, burst } = this.settings;
    if (this.waiting.length - this.incoming < maxWaitingClients) return undefined;
    const spare = this.spareResourceCapacity + (priority === 0 ? burst : 0);
    if (spare >= 1 && !this.hasShortfall) return undefined; // one may be made for it
    return new QueueFullError(maxWaitingClients, this.state());
  }

  /** The stack of an acquire that waits is the one of its call, not of the return that serves it. */
  #watched(waiter: Waiter<T>): Waiter<T> {
    if (this.#leakWatch === undefined) return waiter;
    const acquired = new Error('acquired');
    return (outcome) => {
      const entry = outcome instanceof Promise ? undefined : this.entries.get(outcome);
      if (entry !== undefined) this.#leakWatch?.watch(entry, acquired);
      waiter(outcome);
    };
  }

  protected rejectAllWaiting(error: Error): void {
    while (this.waiting.length > 0) this.waiting.dequeue()?.(Promise.reject(error));
  }

  /** Takes a lent entry back; `error` is what its borrower threw, where it threw. */
  protected returnEntry(entry: Entry<T>, threw: boolean, error: unknown): void {
    this.#endLoan(entry);
    if (this.factory.recycle !== undefined) this.#recycle(entry, threw, error);
    else if (threw) this.discard(entry, 'threw', error);
    else this.#retireOrOffer(entry);
  }

  /** Lends a lent entry to who is next, if that one is pipelined, without asking the factory. */
  protected handOffEntry(entry: Entry<T>): boolean {
    const waiter = this.waiting.first;
    if (waiter === undefined || !this.#acceptingHandOff.has(waiter)) return false;
    if (this.#isUsed(entry) || this.#isOld(entry) || this.#isBurst()) return false;
    this.#endLoan(entry);
    this.waiting.dequeue();
    this.#lend(entry);
    waiter(entry.resource);
    return true;
  }

  /** Takes a lent entry back, or away from its borrower, to destroy it. */
  protected revoke(entry: Entry<T>, reason: string, cause?: unknown): void {
    this.#endLoan(entry);
    this.discard(entry, reason, cause);
  }

  #endLoan(entry: Entry<T>): void {
    entry.state = 'busy';
    this.#borrowed--;
    if (this.#leakWatch !== undefined) this.#leakWatch.forget(entry);
  }

  /** Where a loan that is watched was acquired. */
  protected acquiredAt(entry: Entry<T>): string | undefined {
    return this.#leakWatch?.acquiredAt(entry);
  }

  #recycle(entry: Entry<T>, threw: boolean, error: unknown): void {
    const { factory } = this;
    let verdict: Verdict;
    try {
      verdict = threw
        ? factory.recycle?.(entry.resource, error)
        : factory.recycle?.(entry.resource);
    } catch (cause) {
      this.discard(entry, 'unfit', cause);
      return;
    }
    if (isFit(verdict)) this.#retireOrOffer(entry);
    else this.#applyVerdict(entry, verdict, 'recycle');
  }

  /** A returned entry that `recycle` passed: destroyed if it is used up, or else lent again. */
  #retireOrOffer(entry: Entry<T>): void {
    if (this.#isUsed(entry)) this.discard(entry, 'uses');
    else if (this.#isOld(entry)) this.discard(entry, 'age');
    else if (this.#testOnBorrow && this.waiting.length > 0) this.validateAndOffer(entry);
    else this.offer(entry);
  }

  #isUsed(entry: Entry<T>): boolean {
    return entry.loans >= this.#maxUses;
  }

  #isOld(entry: Entry<T>): boolean {
    return this.evictor.nowMillis - entry.createdMillis >= this.#maxAgeMillis;
  }

  /** There is one more than `max`, and nobody urgent waits for it. */
  #isBurst(): boolean {
    return this.#burst > 0 && this.entries.size > this.max && this.waiting.topPriorityLength === 0;
  }

  protected override offer(entry: Entry<T>): void {
    if (this.closed) {
      this.discard(entry, 'close');
      return;
    }
    if (this.#isBurst()) {
      this.discard(entry, 'burst');
      return;
    }
    const waiter = this.waiting.dequeue();
    if (waiter === undefined) {
      this.idle.add(entry);
      if (this.draining) this.checkDrained();
    } else {
      this.#lend(entry);
      waiter(entry.resource);
    }
  }

  protected override validateAndOffer(entry: Entry<T>): void {
    this.#applyVerdict(entry, this.#validate(entry), 'validate');
  }

  #validate(entry: Entry<T>): Verdict {
    try {
      return this.factory.validate?.(entry.resource);
    } catch (cause) {
      return Promise.reject(cause);
    }
  }

  /** Does what a verdict says, once it is there. */
  #applyVerdict(entry: Entry<T>, verdict: Verdict, call: 'validate' | 'recycle'): void {
    const reason = call === 'validate' ? 'invalid' : 'unfit';
    if (!isThenable(verdict)) {
      if (verdict === false) this.discard(entry, reason);
      else if (verdict instanceof Unfit) this.discard(entry, verdict.reason, verdict.cause);
      else if (call === 'validate') this.offer(entry);
      else this.#retireOrOffer(entry);
      return;
    }
    const asked = call === 'validate' ? this.validating : this.recycling;
    asked.add(entry);
    this.withinCreateTimeout(verdict, call).then(
      (answer) => {
        asked.delete(entry);
        if (entry.state !== 'gone') this.#applyVerdict(entry, answer, call);
      },
      (cause: unknown) => {
        asked.delete(entry);
        if (entry.state !== 'gone') this.discard(entry, reason, cause);
      },
    );
  }
}

/** As its method does, which a polyfill may lack. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/** As in generic-pool, whatever is not a clear no is a yes; a promise is neither yet. */
function isFit(verdict: Verdict): boolean {
  if (verdict === true) return true;
  return verdict !== false && !(verdict instanceof Unfit) && !isThenable(verdict);
}
