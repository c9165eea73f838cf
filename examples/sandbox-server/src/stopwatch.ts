import { types } from 'node:util';
import { createContext, Script } from 'node:vm';
import type { Limits } from './config.js';
import { ScriptError } from './script-error.js';

/** How much longer than it may a script is left to be stopped in an orderly way. */
const GRACE_MILLIS = 250;

const TIMED_OUT = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

const context = createContext({ work: undefined });
const callWork = new Script('work()');

/** Measures the time that one script takes, and stops it when that is too long. */
export class Stopwatch {
  readonly #cpuMillis: number;
  readonly #deadlineMillis: number;
  readonly #startedMillis = performance.now();
  #ranMillis = 0;
  #enteredMillis: number | undefined = undefined;

  constructor(limits: Limits) {
    this.#cpuMillis = limits.cpuMillis;
    this.#deadlineMillis = limits.deadlineMillis;
  }

  /** The time in the engine so far. */
  get ranMillis(): number {
    const entered = this.#enteredMillis;
    return this.#ranMillis + (entered === undefined ? 0 : performance.now() - entered);
  }

  get untilDeadlineMillis(): number {
    return this.#startedMillis + this.#deadlineMillis - performance.now();
  }

  /** The limit that is passed, if one is. */
  passed(): ScriptError | undefined {
    if (this.ranMillis > this.#cpuMillis) {
      return new ScriptError(
        'ERR_SCRIPT_CPU',
        `the script computed for longer than ${this.#cpuMillis} ms`,
      );
    }
    if (this.untilDeadlineMillis < 0) {
      return new ScriptError(
        'ERR_SCRIPT_DEADLINE',
        `the script was not done within ${this.#deadlineMillis} ms`,
      );
    }
    return undefined;
  }

  /**
   * Calls into the engine. The engine asks now and then whether to go on; in the middle of a long
   * native function, `indexOf` in a string of many megabytes or `includes` in an array-like of 2^53
   * items, it does not ask for seconds or centuries. V8 ends such a call all the same, without
   * so much as a `finally`, and the engine is then past use. It costs a thread to watch the clock.
   */
  time<R>(work: () => R): R {
    const left = Math.min(this.#cpuMillis - this.#ranMillis, this.untilDeadlineMillis);
    context.work = work;
    this.#enteredMillis = performance.now();
    try {
      const timeout = Math.max(Math.ceil(left), 0) + GRACE_MILLIS;
      return callWork.runInContext(context, { timeout, displayErrors: false });
    } finally {
      this.#ranMillis = this.ranMillis;
      this.#enteredMillis = undefined;
      context.work = undefined;
    }
  }
}

/** Whether this was thrown because V8 had to end a call. It is an Error of another realm. */
export function wasEnded(error: unknown): boolean {
  return types.isNativeError(error) && 'code' in error && error.code === TIMED_OUT;
}
