import { FactoryTimeoutError } from './errors.js';

/** Whether `value` is a promise or acts as one. One that throws when it is looked at does not. */
export function isThenable<R>(value: R | PromiseLike<R>): value is PromiseLike<R> {
  try {
    return typeof (value as Partial<PromiseLike<R>> | null | undefined)?.then === 'function';
  } catch {
    return false;
  }
}

/** A call's result as a promise, its throw as a rejection. */
export async function settled<R>(call: () => R | PromiseLike<R>): Promise<R> {
  return call();
}

/** The timers of the factory's calls that are under way. */
export class CallTimers {
  readonly #timers = new Set<NodeJS.Timeout>();

  /**
   * `work`, or a rejection with a `FactoryTimeoutError` that names the factory's `call` and the
   * `option` once `millis` have passed; 0: no limit.
   */
  within<R>(work: PromiseLike<R>, millis: number, call: string, option: string): Promise<R> {
    if (millis === 0) return Promise.resolve(work);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        reject(new FactoryTimeoutError(call, option, millis));
      }, millis);
      this.#timers.add(timer);
      const stop = () => {
        clearTimeout(timer);
        this.#timers.delete(timer);
      };
      Promise.resolve(work).then(
        (value) => {
          stop();
          resolve(value);
        },
        (error: unknown) => {
          stop();
          reject(error);
        },
      );
    });
  }

  /** Lets the calls under way take as long as they do. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
