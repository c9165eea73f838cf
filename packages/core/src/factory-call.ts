import { FactoryTimeoutError } from './errors.js';
import { clockMillis, keepAlive, soon, timeout } from './runtime.js';
import type { PoolState } from './state.js';

/** Whether `value` is a promise or acts as one. One that throws when it is looked at does not. */
export function isThenable<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  try {
    return typeof (value as Partial<PromiseLike<R>>).then === 'function';
  } catch {
    return false;
  }
}

/** A call's result as a promise, its throw as a rejection. */
export async function settled<R>(call: () => R | PromiseLike<R>): Promise<R> {
  return call();
}

/** A TypeError that says that a function has to be synchronous. The promise is ignored. */
export function refusePromise(name: string, promise: PromiseLike<unknown>): TypeError {
  Promise.resolve(promise).catch(() => {}); // the error says it, whatever becomes of the promise
  return new TypeError(`${name} returned a promise; it has to be synchronous`);
}

/** A call under way. */
interface TimedCall {
  /** When its time is over, by `clockMillis`. */
  readonly dueMillis: number;
  readonly fail: () => void;
}

/**
 * The limits of the factory's calls that are under way. All have the same one, so the call that began
 * first is due first, and one timer is enough for all. It is stopped a turn of the event loop after the
 * last call has ended: to make and stop one for each would take longer than many a call.
 */
export class CallTimers {
  readonly #millis: number;
  readonly #option: string;
  readonly #state: () => PoolState;
  /** In the order in which they began. */
  readonly #calls = new Set<TimedCall>();
  #timer: NodeJS.Timeout | undefined = undefined;
  /** The call that is due first may have ended since the timer was set. */
  #timerDueMillis = 0;
  #awaited = false;
  #isStopping = false;

  /**
   * @param millis how long a call may take; 0: no limit
   * @param option the name of the option that says so, for errors
   * @param state the pool's counters, for errors
   */
  constructor(millis: number, option: string, state: () => PoolState) {
    this.#millis = millis;
    this.#option = option;
    this.#state = state;
  }

  /** Whether somebody waits for these calls: the process then stays alive until they time out. */
  set awaited(awaited: boolean) {
    if (awaited === this.#awaited) return;
    this.#awaited = awaited;
    this.#keepAlive();
  }

  #keepAlive(): void {
    keepAlive(this.#timer, this.#awaited && this.#calls.size > 0);
  }

  /**
   * Calls `onValue` or `onError` with what comes of `work`; or `onError` with a `FactoryTimeoutError`
   * that names the factory's `call`, once it is late. An answer that is there by then comes first; one that
   * comes later is ignored.
   */
  within<R>(
    work: PromiseLike<R>,
    call: string,
    onValue: (value: R) => void,
    onError: (error: unknown, isLate: boolean) => void,
  ): void {
    const millis = this.#millis;
    if (millis === 0) {
      Promise.resolve(work).then(onValue, (error: unknown) => onError(error, false));
      return;
    }
    const fail = () =>
      onError(new FactoryTimeoutError(call, this.#option, millis, this.#state()), true);
    const timed: TimedCall = { dueMillis: clockMillis() + millis, fail };
    this.#add(timed);
    Promise.resolve(work).then(
      (value) => {
        if (this.#remove(timed)) onValue(value);
      },
      (error: unknown) => {
        if (this.#remove(timed)) onError(error, false);
      },
    );
  }

  #add(timed: TimedCall): void {
    this.#calls.add(timed);
    if (this.#timer === undefined) this.#setTimer(timed.dueMillis, this.#millis);
    else if (this.#calls.size === 1) this.#keepAlive();
  }

  /** Returns whether it was under way. */
  #remove(timed: TimedCall): boolean {
    if (!this.#calls.delete(timed)) return false;
    if (this.#calls.size === 0) this.#stopSoon();
    return true;
  }

  #stopSoon(): void {
    this.#keepAlive();
    if (this.#isStopping) return;
    this.#isStopping = true;
    soon(() => {
      this.#isStopping = false;
      this.rest();
    });
  }

  /** Stops the timer where no call is under way. */
  rest(): void {
    if (this.#calls.size === 0) this.#clearTimer();
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #setTimer(dueMillis: number, millis: number): void {
    this.#timerDueMillis = dueMillis;
    const isOver = () => {
      if (this.#calls.size > 0) return false;
      this.#timer = undefined;
      return true;
    };
    this.#timer = timeout(() => this.#onTimer(), millis, isOver);
    this.#keepAlive();
  }

  #onTimer(): void {
    const dueMillis = Math.max(this.#timerDueMillis, clockMillis());
    const late: TimedCall[] = [];
    this.#timer = undefined;
    for (const timed of this.#calls) {
      if (timed.dueMillis > dueMillis) {
        this.#setTimer(timed.dueMillis, timed.dueMillis - dueMillis);
        break;
      }
      late.push(timed);
    }
    for (const timed of late) this.#calls.delete(timed);
    for (const { fail } of late) fail();
  }

  /** Lets the calls under way take as long as they do. */
  stop(): void {
    this.#clearTimer();
  }
}
