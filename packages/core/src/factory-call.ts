import { FactoryTimeoutError } from './errors.js';
import { keepAlive, timeout } from './runtime.js';
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

/** How long one of the factory's calls may take. */
export interface CallLimit {
  /** 0: no limit. */
  readonly millis: number;
  /** The name of the call, for the error. */
  readonly call: string;
  /** The name of the option that says so, for the error. */
  readonly option: string;
}

/** The timers of the factory's calls that are under way. */
export class CallTimers {
  readonly #state: () => PoolState;
  readonly #timers = new Set<NodeJS.Timeout>();
  #awaited = false;

  /** @param state the pool's counters, for errors */
  constructor(state: () => PoolState) {
    this.#state = state;
  }

  /** Whether somebody waits for these calls: the process then stays alive until they time out. */
  set awaited(awaited: boolean) {
    if (awaited === this.#awaited) return;
    this.#awaited = awaited;
    for (const timer of this.#timers) keepAlive(timer, awaited);
  }

  /**
   * Calls `onValue` or `onError` with what comes of `work`; or `onError` with a `FactoryTimeoutError`
   * that names the factory's `call` and the `option`, once `millis` have passed; 0: no limit. An answer
   * that is there by then comes first; one that comes later is ignored.
   */
  within<R>(
    work: PromiseLike<R>,
    { millis, call, option }: CallLimit,
    onValue: (value: R) => void,
    onError: (error: unknown, isLate: boolean) => void,
  ): void {
    if (millis === 0) {
      Promise.resolve(work).then(onValue, (error: unknown) => onError(error, false));
      return;
    }
    let over = false;
    const onTimeout = () => {
      over = true;
      this.#timers.delete(timer);
      onError(new FactoryTimeoutError(call, option, millis, this.#state()), true);
    };
    const timer = timeout(onTimeout, millis, () => over);
    if (!this.#awaited) keepAlive(timer, false);
    this.#timers.add(timer);
    /** Whether it was in time. */
    const stop = () => {
      if (over) return false;
      over = true;
      clearTimeout(timer);
      this.#timers.delete(timer);
      return true;
    };
    Promise.resolve(work).then(
      (value) => {
        if (stop()) onValue(value);
      },
      (error: unknown) => {
        if (stop()) onError(error, false);
      },
    );
  }

  /** Lets the calls under way take as long as they do. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
